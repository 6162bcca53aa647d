-- What does this trace hold? Each span once, in the order in which they started.
SELECT trace_id, span_id, parent_span_id, service, service_version, name, kind, status, status_message,
       toUnixTimestamp64Nano(ts) AS at_ns, duration_ns, scope, attributes, resource,
       arrayMap(event -> (toUnixTimestamp64Nano(event.ts), event.name, event.attributes), events) AS events,
       links, lead_id
FROM spans
WHERE trace_id = {trace:String}
ORDER BY ts, span_id
LIMIT 1 BY span_id
LIMIT {most:UInt32}
