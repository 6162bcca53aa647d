-- Which hops of these traces name their lead? For traces that speak of several leads: an orphan follows its ancestors.
SELECT trace_id, span_id AS hop_id, parent_span_id AS parent_id, lead_id
FROM spans
WHERE trace_id IN {traces:Array(String)} AND lead_id != ''
LIMIT 1 BY trace_id, hop_id
LIMIT {most:UInt32}
