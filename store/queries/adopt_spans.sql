-- Put spans that named no lead on the timelines of the leads that were found for them. Doing it twice adds nothing.
INSERT INTO timeline (lead_id, ts, hop_id, trace_id, parent_id, signal, kind, status, status_message, duration_ns,
                      service, service_version, name, payload)
SELECT found.3 AS lead_id, ts, span_id AS hop_id, trace_id, parent_span_id AS parent_id, 'span' AS signal, kind, status,
       status_message, duration_ns, service, service_version, name,
       toJSONString(CAST(
           (attributes, arrayMap(event -> (toUnixTimestamp64Nano(event.ts), event.name, event.attributes), events), links),
           'Tuple(a Map(String, String), e Array(Tuple(at Int64, name String, a Map(String, String))), l Array(Tuple(trace String, span String)))'
       )) AS payload
FROM (SELECT * FROM spans WHERE trace_id IN {traces:Array(String)} AND lead_id = '' LIMIT 1 BY trace_id, span_id) AS spans
INNER JOIN (
    SELECT arrayJoin(arrayZip({traces:Array(String)}, {hops:Array(String)}, {leads:Array(String)})) AS found
) AS finds ON spans.trace_id = found.1 AND spans.span_id = found.2
