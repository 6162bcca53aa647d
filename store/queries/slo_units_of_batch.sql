-- Which units of a batch's leads are new, judged otherwise than before, or no longer there? What stays is not written.
INSERT INTO slo_units (objective, good, hour, lead_id, unit, version, gone, silent, began_at, decided_at, over_at, parts, system, cause, step, service, failure_unit)
WITH
    now_judged AS (
        SELECT objective, good, hour, lead_id, unit, 1 AS is_new, silent, began_at, decided_at, over_at, parts, system, cause, step, service, failure_unit
        FROM slo_judged
        WHERE batch = {batch:UInt64} AND objective IN {objectives:Array(String)}
        ORDER BY rank DESC
        LIMIT 1 BY objective, lead_id, unit
    ),
    before AS (
        SELECT objective, good, hour, lead_id, unit, 0 AS is_new, silent, began_at, decided_at, over_at, parts, system, cause, step, service, failure_unit
        FROM slo_units FINAL
        PREWHERE (objective, good, hour, lead_id) IN (
                SELECT objective, good, hour, lead_id
                FROM slo_lead_hours
                WHERE objective IN {objectives:Array(String)}
                  AND lead_id IN (SELECT lead_id FROM slo_batches WHERE batch = {batch:UInt64}))
        WHERE gone = 0
    )
SELECT objective, good, hour, lead_id, unit, {batch:UInt64}, max(is_new) = 0,
       argMax(said.1, is_new), argMax(said.2, is_new), argMax(said.3, is_new), argMax(said.4, is_new), argMax(said.5, is_new),
       argMax(said.6, is_new), argMax(said.7, is_new), argMax(said.8, is_new), argMax(said.9, is_new), argMax(said.10, is_new)
FROM (
    SELECT objective, good, hour, lead_id, unit, is_new, (silent, began_at, decided_at, over_at, parts, system, cause, step, service, failure_unit) AS said FROM now_judged
    UNION ALL
    SELECT objective, good, hour, lead_id, unit, is_new, (silent, began_at, decided_at, over_at, parts, system, cause, step, service, failure_unit) AS said FROM before
)
GROUP BY objective, good, hour, lead_id, unit
HAVING count() = 1 OR uniqExact(said) > 1
