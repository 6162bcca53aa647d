-- Which bad units of a batch failed together, as an attribute of their hops says? The last value that a hop of the lead
-- gave before the unit was decided, counted in place of the minute.
INSERT INTO slo_judged (batch, objective, lead_id, unit, rank, good, silent, began_at, decided_at, over_at, parts, system, cause, step, service, failure_unit)
WITH bad AS (
    SELECT *
    FROM slo_judged
    WHERE batch = {batch:UInt64} AND objective = {objective:String} AND good = 0 AND rank = 0
)
SELECT bad.batch, bad.objective, bad.lead_id, bad.unit, 1, bad.good, bad.silent, bad.began_at, bad.decided_at, bad.over_at,
       bad.parts, bad.system, bad.cause, bad.step, bad.service,
       bitOr(sipHash64(hops.value), 0x8000000000000000)
FROM bad
ASOF INNER JOIN (
    SELECT lead_id, toDateTime64(ts, 3, 'UTC') AS at, JSONExtractString(payload, 'a', {attribute:String}) AS value
    FROM timeline
    WHERE lead_id IN (SELECT lead_id FROM bad) AND value != ''
) AS hops ON hops.lead_id = bad.lead_id AND hops.at <= bad.decided_at
WHERE hops.at >= bad.began_at - toIntervalMinute(1)
