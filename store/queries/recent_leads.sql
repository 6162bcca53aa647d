-- Which leads were heard of last?
SELECT lead_id, toBool(0) AS exact, max(last_hop_at) AS last_seen, 'lead' AS found_by
FROM verdicts FINAL
WHERE gone = 0
GROUP BY lead_id
ORDER BY last_seen DESC, lead_id
LIMIT {most:UInt32} OFFSET {skip:UInt32}
