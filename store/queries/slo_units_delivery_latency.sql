-- How long did the entries of a batch's leads take from one step to another? `from_step` '' is the capture, `to_step` '' the
-- goal. What is not there in time is bad from the limit on; what was skipped before it came is no unit.
INSERT INTO slo_judged (batch, objective, lead_id, unit, rank, good, silent, began_at, decided_at, parts, system, cause, step, service)
SELECT {batch:UInt64}, {objective:String}, lead_id, sipHash64(entry), 0,
       in_time,
       isNull(done_at) AND (status = 'pending' OR cause = 'observability.expected_but_absent'),
       began_at,
       if(in_time, greatest(began_at, assumeNotNull(done_at)), began_at + toIntervalMillisecond({limit_ms:Int64})),
       toJSONString(arrayMap(key -> multiIf(key = 'campaign', campaign, key = 'segment', segment, key = 'source', source, system),
                             {group_by:Array(String)})),
       system,
       multiIf(in_time, '', cause != '', cause, other_cause),
       multiIf(in_time, '', cause != '', step, other_step),
       if(in_time, '', service)
FROM (
    SELECT *,
           if({from_step:String} = '', captured_at, reached_at[indexOf(reached, {from_step:String})]) AS began_at,
           multiIf(
               {to_step:String} = '', entered_at,
               has(reached, {to_step:String}), reached_at[indexOf(reached, {to_step:String})],
               NULL) AS done_at,
           isNotNull(done_at) AND done_at <= began_at + toIntervalMillisecond({limit_ms:Int64}) AS in_time
    FROM slo_entries
    WHERE batch = {batch:UInt64} AND flow = {flow:String} AND captured_at >= {since:DateTime64(3, 'UTC')}
      AND length(reached) = length(reached_at)
      AND ({from_step:String} = '' OR has(reached, {from_step:String}))
)
WHERE isNotNull(done_at) OR status NOT IN ('skipped', 'unknown')
