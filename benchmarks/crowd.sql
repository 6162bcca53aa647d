-- Ten hops of each lead in [start, start + leads).
INSERT INTO timeline (lead_id, ts, hop_id, trace_id, parent_id, signal, kind, status, status_message, duration_ns,
                      service, service_version, name, payload)
WITH
    ['web-forms', 'consent', 'identity', 'enrichment', 'enrichment', 'scoring', 'routing', 'crm-writer', 'crm-writer', 'sequencer'] AS services,
    ['POST /forms/{form}', 'POST /consents', 'POST /identities', 'POST /enrichments', 'POST', 'score lead', 'POST /routes', 'POST /leads', 'POST', 'POST /enrolments'] AS names,
    [0, 60, 90, 150, 155, 420, 500, 640, 650, 1100] AS after_ms,
    [0, 1, 1, 1, 4, 4, 6, 7, 8, 8] AS parents,
    ['FormSubmitted', '', '', '', '', 'ScoreChanged', '', '', '', 'SequenceEnrolled'] AS said
SELECT
    concat('L-', lower(hex(sipHash64(lead)))) AS lead_id,
    fromUnixTimestamp64Nano(1790000000000000000 + toInt64(lead) * 3000000 + after_ms[hop] * 1000000, 'UTC') AS ts,
    lower(hex(sipHash64(lead, hop))) AS hop_id,
    lower(hex(sipHash128(lead))) AS trace_id,
    if(parents[hop] = 0, '', lower(hex(sipHash64(lead, parents[hop])))) AS parent_id,
    'span' AS signal,
    if(hop IN (5, 9), 'client', 'server') AS kind,
    if(failed AND hop = 9, 'error', 'unset') AS status,
    '' AS status_message,
    toInt64(2000000 + cityHash64(lead, hop) % 80000000) AS duration_ns,
    services[hop] AS service,
    '2.4.1' AS service_version,
    names[hop] AS name,
    toJSONString(map('a', mapFilter((key, value) -> value != '', map(
        'lead.id', lead_id,
        'lead.correlation_id', trace_id,
        'lead.flow', 'demo-request',
        'lead.campaign', concat('campaign-', toString(lead % 40)),
        'lead.event', said[hop],
        'lead.score', if(hop = 6, toString(60 + lead % 40), ''),
        'http.request.method', 'POST',
        'http.response.status_code', if(failed AND hop IN (8, 9), '429', '200'),
        'url.full', concat('https://', service, '.acme.example/leads'))))) AS payload
FROM (
    SELECT {start:UInt64} + intDiv(number, 10) AS lead, toUInt8(number % 10 + 1) AS hop, lead % 10 = 0 AS failed
    FROM numbers(10 * {leads:UInt64})
)
WHERE NOT (failed AND hop = 10)
SETTINGS optimize_on_insert = 0;

-- Two keys of each lead.
INSERT INTO lead_keys (search, kind, lead_id, key, mask, seen_at)
SELECT lower(key_of.2), key_of.1, lead_id, key_of.2, '', toDateTime64(1790000000 + lead * 0.003, 3, 'UTC')
FROM (
    SELECT {start:UInt64} + number AS lead, concat('L-', lower(hex(sipHash64(lead)))) AS lead_id
    FROM numbers({leads:UInt64})
)
ARRAY JOIN [('lead', lead_id), ('entry', lower(hex(sipHash128(lead))))] AS key_of
SETTINGS optimize_on_insert = 0;

-- One verdict of each lead, as short as one can be.
INSERT INTO verdicts (flow, lead_id, entry, version, gone, status, cause, class, step, reached, late, raw_reason, system,
                      campaign, segment, source, captured_at, entered_at, since, deadline_at, due_at, last_hop_at,
                      decided_at, body)
SELECT
    'demo-request', lead_id, entry, 1, 0,
    if(failed, 'blocked', 'entered'), if(failed, 'crm.rate_limit', ''), if(failed, 'fault', ''),
    if(failed, 'crm', 'enrol'), ['capture', 'consent', 'score', 'routing'], false, if(failed, '429', ''), '',
    concat('campaign-', toString(lead % 40)), '', '', captured_at, if(failed, NULL, captured_at + 1), captured_at + 1,
    captured_at + 900, NULL, captured_at + 1, captured_at + 2,
    toJSONString(map(
        'lead', lead_id, 'flow', 'demo-request', 'entry', entry, 'status', if(failed, 'blocked', 'entered'),
        'captured_at', at_text, 'since', at_text, 'deadline_at', at_text, 'last_hop_at', at_text))
FROM (
    SELECT {start:UInt64} + number AS lead, lead % 10 = 0 AS failed,
           concat('L-', lower(hex(sipHash64(lead)))) AS lead_id, lower(hex(sipHash128(lead))) AS entry,
           toDateTime64(1790000000 + lead * 0.003, 3, 'UTC') AS captured_at,
           concat(replaceOne(toString(captured_at), ' ', 'T'), 'Z') AS at_text
    FROM numbers({leads:UInt64})
)
SETTINGS optimize_on_insert = 0
