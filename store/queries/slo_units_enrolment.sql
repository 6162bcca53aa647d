-- Which entries of a batch's leads entered, and which were blocked? Skipped and unknown ones are no units; a pending one
-- is bad from the objective's decision deadline on, if it has one, until it enters.
INSERT INTO slo_judged (batch, objective, lead_id, unit, rank, good, silent, began_at, decided_at, parts, system, cause, step, service)
SELECT {batch:UInt64}, {objective:String}, lead_id, sipHash64(entry), 0,
       status = 'entered',
       status = 'pending' OR cause = 'observability.expected_but_absent',
       captured_at,
       greatest(captured_at, if(status = 'pending', captured_at + toIntervalMillisecond({deadline_ms:Int64}), since)),
       toJSONString(arrayMap(key -> multiIf(key = 'campaign', campaign, key = 'segment', segment, key = 'source', source, system),
                             {group_by:Array(String)})),
       system, cause, step, if(status = 'entered', '', service)
FROM slo_entries
WHERE batch = {batch:UInt64} AND flow = {flow:String} AND captured_at >= {since:DateTime64(3, 'UTC')}
  AND (status IN ('entered', 'blocked') OR (status = 'pending' AND {deadline_ms:Int64} > 0))
