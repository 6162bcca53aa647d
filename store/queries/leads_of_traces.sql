-- Which leads do these traces speak of?
SELECT DISTINCT trace_id, lead_id FROM lead_traces WHERE trace_id IN {traces:Array(String)} ORDER BY trace_id, lead_id
