-- Which leads and traces became due after `after` and until `until`? Earliest first, at most `most`.
SELECT at, lead_id, trace_id
FROM agenda
WHERE at > {after:DateTime64(3, 'UTC')} AND at <= {until:DateTime64(3, 'UTC')}
  AND cityHash64(if(lead_id = '', trace_id, lead_id)) % {shards:UInt32} = {shard:UInt32}
ORDER BY at
LIMIT {most:UInt32}
