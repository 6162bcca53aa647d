-- Of how many leads besides these do the traces speak?
SELECT trace_id, uniqExact(lead_id) AS others
FROM lead_traces
WHERE trace_id IN {traces:Array(String)} AND lead_id NOT IN {leads:Array(String)}
GROUP BY trace_id
