-- Which leads does this text mean? Keys that start with it, an exact match first, then the latest seen.
SELECT lead_id,
       max(search = {text:String}) AS exact,
       max(seen_at) AS last_seen,
       argMax(kind, (search = {text:String}, seen_at)) AS found_by
FROM lead_keys
WHERE startsWith(search, {text:String})
GROUP BY lead_id
ORDER BY exact DESC, last_seen DESC, lead_id
LIMIT {most:UInt32} OFFSET {skip:UInt32}
