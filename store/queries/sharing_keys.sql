-- Which other leads are known by one of these keys? The latest seen first.
SELECT lead_keys.lead_id AS other, kind, max(lead_keys.mask) AS mask, max(lead_keys.seen_at) AS last_seen
FROM lead_keys
WHERE search IN {keys:Array(String)} AND kind IN {kinds:Array(String)} AND lead_keys.lead_id NOT IN {leads:Array(String)}
GROUP BY other, kind
ORDER BY last_seen DESC, other, kind
LIMIT {most:UInt32}
