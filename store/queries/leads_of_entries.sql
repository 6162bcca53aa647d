-- Which lead does each correlation id belong to? One that two leads claim belongs to neither.
SELECT search, any(lead_keys.lead_id) AS lead
FROM lead_keys
WHERE kind = 'entry' AND search IN {entries:Array(String)}
GROUP BY search
HAVING uniqExact(lead_keys.lead_id) = 1
