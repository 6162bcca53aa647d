-- Which spans of other traces are linked with spans of these, in either direction?
SELECT DISTINCT trace_id, span_id, other_trace_id, other_span_id
FROM trace_links
WHERE trace_id IN {traces:Array(String)}
LIMIT {most:UInt32}
