-- How long did the entries of a batch's leads wait for whatever became of them? Those older than the limit make the
-- minutes bad from the limit until they are settled; what is pending is not settled yet.
INSERT INTO slo_judged (batch, objective, lead_id, unit, rank, good, silent, began_at, decided_at, over_at, parts, system, cause, step, service)
SELECT {batch:UInt64}, {objective:String}, lead_id, sipHash64(entry), 0,
       in_time, NOT in_time, captured_at,
       if(in_time, settled_at, captured_at + toIntervalMillisecond({limit_ms:Int64})),
       settled_at,
       toJSONString(arrayMap(key -> multiIf(key = 'campaign', campaign, key = 'segment', segment, key = 'source', source, system),
                             {group_by:Array(String)})),
       system, if(in_time, '', cause), step, if(in_time, '', service)
FROM (
    SELECT *,
           if(status = 'pending', toDateTime64('2100-01-01', 3, 'UTC'), greatest(captured_at, since)) AS settled_at,
           settled_at <= captured_at + toIntervalMillisecond({limit_ms:Int64}) AS in_time
    FROM slo_entries
    WHERE batch = {batch:UInt64} AND flow = {flow:String} AND captured_at >= {since:DateTime64(3, 'UTC')}
      AND status != 'unknown'
)
