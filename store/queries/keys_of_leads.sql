-- By which keys are these leads known? The mask is what may be shown of a personal one.
SELECT lead_id, kind, key, max(mask) AS mask, max(seen_at) AS last_seen
FROM lead_keys
WHERE lead_id IN {leads:Array(String)}
GROUP BY lead_id, kind, key
ORDER BY lead_id, kind, last_seen DESC
