-- How long did changes of a batch's leads take to be seen downstream? A change is an event (told again under its
-- idempotency key it is the same one); it is seen by the first event of `visible` that began after it and went well, or
-- by `step`. Only leads with an entry in the flow count; the entry that was going on gives the group and the cause.
INSERT INTO slo_judged (batch, objective, lead_id, unit, rank, good, silent, began_at, decided_at, over_at, parts, system, cause, step, service)
WITH
    members AS (
        SELECT lead_id, argMax(stands_for, rank) AS lead
        FROM slo_batches WHERE batch = {batch:UInt64} GROUP BY lead_id
    ),
    said AS (
        SELECT members.lead AS lead, ts, done_at, ok, event, service,
               if(lead_events.system = '', lead_events.service, lead_events.system) AS system, record, campaign, segment, source,
               concat(trace_id, hop_id) AS hop, if(idempotency_key = '', hop, idempotency_key) AS key
        FROM lead_events
        INNER JOIN members USING (lead_id)
        WHERE lead_id IN (SELECT lead_id FROM members) AND ts < '2100-01-01' AND ts >= {since:DateTime64(3, 'UTC')}
    ),
    entries AS (
        SELECT lead_id AS lead,
               arraySort(groupArray((captured_at, campaign, segment, source, cause, step,
                   service))) AS tries,
               arrayFlatten(groupArray(if(has(reached, {step:String}), [reached_at[indexOf(reached, {step:String})]], []))) AS steps_done
        FROM slo_entries
        WHERE batch = {batch:UInt64} AND flow = {flow:String}
        GROUP BY lead_id
    ),
    changed AS (
        SELECT lead, sipHash64(event, key) AS unit, min(ts) AS changed_at, argMin(campaign, ts) AS campaign,
               argMin(segment, ts) AS segment, argMin(source, ts) AS source, argMin(system, ts) AS system
        FROM said
        WHERE event IN {events:Array(String)}
        GROUP BY lead, unit
    ),
    shown AS (
        SELECT lead, groupArrayIf((ts, done_at), ok) AS writes, groupArrayIf(ts, NOT ok) AS failures
        FROM said
        WHERE event IN {visible:Array(String)}
        GROUP BY lead
    )
SELECT {batch:UInt64}, {objective:String}, lead, unit, 0,
       in_time,
       NOT in_time AND seen_at = '2100-01-01' AND NOT arrayExists(at -> at >= changed_at, failures),
       changed_at,
       if(in_time, seen_at, changed_at + toIntervalMillisecond({limit_ms:Int64})),
       seen_at,
       toJSONString(arrayMap(key -> multiIf(
           key = 'campaign', if(campaign = '', try.2, campaign), key = 'segment', if(segment = '', try.3, segment),
           key = 'source', if(source = '', try.4, source), system), {group_by:Array(String)})),
       system, if(in_time, '', try.5), if(in_time, '', try.6), if(in_time, '', try.7)
FROM (
    SELECT lead, unit, changed_at, campaign, segment, source, system, failures,
           tries[greatest(arrayCount(one -> one.1 <= changed_at, tries), 1)] AS try,
           arrayFilter(one -> one.1 >= changed_at,
               arrayConcat(writes, arrayMap(at -> (at, at), steps_done))) AS after,
           if(empty(after), toDateTime64('2100-01-01', 3, 'UTC'), arrayMin(arrayMap(one -> one.2, after))) AS seen_at,
           seen_at <= changed_at + toIntervalMillisecond({limit_ms:Int64}) AS in_time
    FROM changed
    INNER JOIN entries USING (lead)
    LEFT JOIN shown USING (lead)
)
