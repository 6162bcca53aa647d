-- Whose are these spans? A span's lead as it said, or as leadtrace found out.
SELECT DISTINCT trace_id, span_id, lead_id
FROM (
    SELECT trace_id, span_id, lead_id
    FROM spans
    WHERE trace_id IN {traces:Array(String)} AND lead_id != ''
    UNION ALL
    SELECT trace_id, hop_id AS span_id, lead_id
    FROM timeline
    WHERE lead_id IN (SELECT lead_id FROM lead_traces WHERE trace_id IN {traces:Array(String)})
      AND trace_id IN {traces:Array(String)}
)
WHERE span_id IN {spans:Array(String)}
