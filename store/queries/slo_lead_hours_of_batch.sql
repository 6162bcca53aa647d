-- In which hours will the units of a batch lie? Kept before they are, so that no unit is ever lost sight of.
INSERT INTO slo_lead_hours (objective, lead_id, good, hour)
SELECT DISTINCT objective, lead_id, good, hour
FROM slo_judged
WHERE batch = {batch:UInt64}
