-- Which hops of these traces name no lead? At most `most` rows.
SELECT trace_id, span_id AS hop_id, parent_span_id AS parent_id, correlation_id, 'span' AS signal
FROM spans
PREWHERE lead_id = '' AND trace_id IN {traces:Array(String)}
LIMIT 1 BY trace_id, hop_id
LIMIT {most:UInt32}
UNION ALL
SELECT trace_id, event_id AS hop_id, span_id AS parent_id, correlation_id, 'event' AS signal
FROM events
PREWHERE lead_id = '' AND trace_id != '' AND trace_id IN {traces:Array(String)}
WHERE event_name != ''
LIMIT 1 BY trace_id, hop_id
LIMIT {most:UInt32}
