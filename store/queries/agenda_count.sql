-- How many rows of the agenda lie in this window? More than were handled means that an insert became visible late.
SELECT count()
FROM agenda
WHERE at > {after:DateTime64(3, 'UTC')} AND at <= {until:DateTime64(3, 'UTC')}
  AND cityHash64(if(lead_id = '', trace_id, lead_id)) % {shards:UInt32} = {shard:UInt32}
