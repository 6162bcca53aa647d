-- Which leads does this trace speak of?
SELECT DISTINCT lead_id FROM lead_traces WHERE trace_id = {trace:String} ORDER BY lead_id LIMIT 100
