-- Which merges concern these leads, and which were taken back? The first and the last time each was said, the earliest first.
SELECT lead_id, merged, survivor, min(ts) AS first_at, max(ts) AS last_at
FROM merges
WHERE lead_id IN {leads:Array(String)}
GROUP BY lead_id, merged, survivor
ORDER BY lead_id, first_at, merged, survivor
LIMIT {most:UInt32} BY lead_id
