-- Which leads of a flow come next after `position`, those included that an objective counted before?
INSERT INTO slo_batches (batch, lead_id, stands_for, rank)
SELECT {batch:UInt64}, lead_id, lead_id, 0
FROM (
    SELECT DISTINCT lead_id FROM (
        SELECT lead_id FROM verdicts
        WHERE flow = {flow:String} AND lead_id > {position:String}
        GROUP BY flow, lead_id ORDER BY flow, lead_id LIMIT {most:UInt32}
        UNION ALL
        SELECT lead_id FROM slo_lead_hours
        WHERE objective = {objective:String} AND lead_id > {position:String}
        GROUP BY objective, lead_id ORDER BY objective, lead_id LIMIT {most:UInt32}
    )
    ORDER BY lead_id
    LIMIT {most:UInt32}
)
