-- Which leads did this code stop?
SELECT DISTINCT lead_id
FROM verdicts FINAL
WHERE system = {system:String} AND raw_reason = {reason:String} AND cause = {cause:String} AND gone = 0
LIMIT {most:UInt32}
