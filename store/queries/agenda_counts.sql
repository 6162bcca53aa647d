-- How many lines of the agenda has each moment, up to and with this line? More than were handled means that an insert became
-- visible late.
SELECT at, count()
FROM agenda
WHERE at > {since:DateTime64(3, 'UTC')} AND at <= {last_at:DateTime64(3, 'UTC')}
  AND (at < {last_at:DateTime64(3, 'UTC')} OR (lead_id, trace_id) <= ({last_lead:String}, {last_trace:String}))
  AND cityHash64(if(lead_id = '', trace_id, lead_id)) % {shards:UInt32} = {shard:UInt32}
GROUP BY at
