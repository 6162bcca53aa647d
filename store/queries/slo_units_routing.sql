-- Which entries of a batch's leads came to a routing step and passed it, and which were blocked there? Who stopped before
-- it is no unit; who waits there is bad from the objective's decision deadline on, if it has one.
INSERT INTO slo_judged (batch, objective, lead_id, unit, rank, good, silent, began_at, decided_at, parts, system, cause, step, service)
SELECT {batch:UInt64}, {objective:String}, lead_id, sipHash64(entry, routed), 0,
       nth > 0,
       nth = 0 AND (status = 'pending' OR cause = 'observability.expected_but_absent'),
       captured_at,
       greatest(captured_at, multiIf(
           nth > 0 AND nth <= length(reached_at), reached_at[nth],
           nth = 0 AND status = 'pending', captured_at + toIntervalMillisecond({deadline_ms:Int64}),
           since)),
       toJSONString(arrayMap(key -> multiIf(key = 'campaign', campaign, key = 'segment', segment, key = 'source', source, system),
                             {group_by:Array(String)})),
       system, if(nth > 0, '', cause), routed, if(nth > 0, '', service)
FROM (
    SELECT *, arrayJoin({steps:Array(String)}) AS routed, indexOf(reached, routed) AS nth
    FROM slo_entries
    WHERE batch = {batch:UInt64} AND flow = {flow:String} AND captured_at >= {since:DateTime64(3, 'UTC')}
)
WHERE nth > 0 OR (step = routed AND (status = 'blocked' OR (status = 'pending' AND {deadline_ms:Int64} > 0)))
