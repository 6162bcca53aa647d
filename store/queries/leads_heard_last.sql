-- Which leads were heard of last? At most `most`, of the latest `lines` lines of the agenda.
SELECT DISTINCT lead_id
FROM (SELECT at, lead_id FROM agenda WHERE at <= now64(3) ORDER BY at DESC LIMIT {lines:UInt32})
WHERE lead_id != ''
LIMIT {most:UInt32}
