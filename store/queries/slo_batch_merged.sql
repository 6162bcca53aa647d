-- Which leads of a batch does a merge concern?
SELECT DISTINCT lead_id
FROM merges
WHERE lead_id IN (SELECT lead_id FROM slo_batches WHERE batch = {batch:UInt64})
ORDER BY lead_id
