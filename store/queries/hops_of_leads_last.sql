-- What happened to these leads last? One row a hop, each hop once, at most `most` rows a lead (the latest).
SELECT *
FROM (
    SELECT lead_id, trace_id, hop_id, parent_id, signal, toUnixTimestamp64Nano(ts) AS at_ns, duration_ns, service, name,
           kind, status, status_message, service_version, payload
    FROM timeline
    WHERE lead_id IN {leads:Array(String)}
    ORDER BY lead_id DESC, ts DESC, hop_id DESC
    LIMIT 1 BY lead_id, trace_id, hop_id
)
LIMIT {most:UInt32} BY lead_id
