-- Which lead does each correlation id belong to? One that two leads claim belongs to neither.
SELECT search, any(lead_id) AS lead_id
FROM lead_keys
WHERE kind = 'entry' AND search IN {entries:Array(String)}
GROUP BY search
HAVING uniqExact(lead_id) = 1
