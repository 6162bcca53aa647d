-- Which lines of the agenda have these moments (milliseconds of the epoch, from `first` on), up to and with this line?
SELECT at, lead_id, trace_id
FROM agenda
WHERE at >= {first:DateTime64(3, 'UTC')} AND at <= {last_at:DateTime64(3, 'UTC')}
  AND toUnixTimestamp64Milli(at) IN {moments:Array(Int64)}
  AND (at < {last_at:DateTime64(3, 'UTC')} OR (lead_id, trace_id) <= ({last_lead:String}, {last_trace:String}))
  AND cityHash64(if(lead_id = '', trace_id, lead_id)) % {shards:UInt32} = {shard:UInt32}
LIMIT {most:UInt32}
