-- Which codes did vendors give, what were they taken to mean, and how many leads did they stop?
SELECT system, raw_reason, cause, uniqExact(lead_id) AS leads, min(since) AS first_seen, max(since) AS last_seen
FROM verdicts FINAL
WHERE raw_reason != '' AND gone = 0 AND ({cause:String} = '' OR cause = {cause:String})
GROUP BY system, raw_reason, cause
ORDER BY leads DESC, system, raw_reason
LIMIT {most:UInt32}
