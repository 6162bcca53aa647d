-- Put events that named no lead on the timelines of the leads that were found for them. Doing it twice adds nothing.
INSERT INTO timeline (lead_id, ts, hop_id, trace_id, parent_id, signal, kind, status, status_message, duration_ns,
                      service, service_version, name, payload)
SELECT found.3 AS lead_id, ts, event_id AS hop_id, trace_id, span_id AS parent_id, 'event' AS signal,
       'unspecified' AS kind, 'unset' AS status, '' AS status_message, toInt64(0) AS duration_ns, service,
       service_version, event_name AS name,
       toJSONString(CAST((attributes, body), 'Tuple(a Map(String, String), b String)')) AS payload
FROM (SELECT * FROM events WHERE trace_id IN {traces:Array(String)} AND lead_id = '' LIMIT 1 BY trace_id, event_id) AS events
INNER JOIN (
    SELECT arrayJoin(arrayZip({traces:Array(String)}, {hops:Array(String)}, {leads:Array(String)})) AS found
) AS finds ON events.trace_id = found.1 AND events.event_id = found.2
