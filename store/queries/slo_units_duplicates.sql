-- Which records did the batch's leads leave in other systems, and which of them are one too many? A record is what one
-- record id, else one idempotency key, else one hop speaks of: told again it is a retry. The first record of a lead in a
-- system is good, each further one bad, once it had time to settle. Merged leads are one lead.
INSERT INTO slo_judged (batch, objective, lead_id, unit, rank, good, silent, began_at, decided_at, parts, system, cause, step, service)
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
    writes AS (
        SELECT lead, event, system, key, min(ts) AS written_at, max(record) AS record, argMin(campaign, ts) AS campaign,
               argMin(segment, ts) AS segment, argMin(source, ts) AS source, argMin(service, ts) AS service
        FROM said
        WHERE ok AND event IN {events:Array(String)} AND ({system:String} = '' OR system = {system:String})
        GROUP BY lead, event, system, key
    ),
    records AS (
        SELECT lead, event, system, sipHash64(event, system, if(record = '', key, record), record = '') AS unit,
               min(written_at) AS stored_at, argMin(writes.campaign, written_at) AS campaign,
               argMin(writes.segment, written_at) AS segment, argMin(writes.source, written_at) AS source,
               argMin(writes.service, written_at) AS service
        FROM writes
        GROUP BY lead, event, system, unit
    )
SELECT {batch:UInt64}, {objective:String}, lead, unit, 0,
       nth = 1, 0, stored_at, stored_at + toIntervalMillisecond({deadline_ms:Int64}),
       toJSONString(arrayMap(key -> multiIf(
           key = 'campaign', if(campaign = '', try.2, campaign), key = 'segment', if(segment = '', try.3, segment),
           key = 'source', if(source = '', try.4, source), system), {group_by:Array(String)})),
       system, if(nth = 1, '', 'identity.duplicate'), '', if(nth = 1, '', service)
FROM (
    SELECT lead, unit, system, service, stored_at, campaign, segment, source, row_number() OVER (PARTITION BY lead, event, system ORDER BY stored_at, unit) AS nth,
           tries[greatest(arrayCount(one -> one.1 <= stored_at, tries), 1)] AS try
    FROM records
    INNER JOIN entries USING (lead)
)
