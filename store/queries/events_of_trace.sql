-- Which events and log records belong to this trace?
SELECT trace_id, event_id, span_id, service, service_version, event_name, severity, body,
       toUnixTimestamp64Nano(ts) AS at_ns, attributes, resource, lead_id
FROM events
WHERE trace_id = {trace:String}
ORDER BY ts, event_id
LIMIT 1 BY event_id
LIMIT {most:UInt32}
