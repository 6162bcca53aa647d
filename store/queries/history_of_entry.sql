-- What was said of this entry, the oldest first?
SELECT decided_at, body
FROM verdict_history FINAL
WHERE lead_id IN {leads:Array(String)} AND flow = {flow:String} AND entry = {entry:String} AND gone = 0
ORDER BY version
LIMIT {most:UInt32}
