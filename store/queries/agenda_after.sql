-- Which leads and traces stand behind this line of the agenda, and are due at `until`? In order, at most `most`.
SELECT at, lead_id, trace_id
FROM agenda
WHERE at >= {last_at:DateTime64(3, 'UTC')} AND at <= {until:DateTime64(3, 'UTC')}
  AND (at > {last_at:DateTime64(3, 'UTC')} OR (lead_id, trace_id) > ({last_lead:String}, {last_trace:String}))
  AND cityHash64(if(lead_id = '', trace_id, lead_id)) % {shards:UInt32} = {shard:UInt32}
ORDER BY at, lead_id, trace_id
LIMIT {most:UInt32} WITH TIES
