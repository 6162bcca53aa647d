-- How did entries end over time? Buckets of `bucket_s` seconds by capture; empty filters mean all.
SELECT toStartOfInterval(captured_at, toIntervalSecond({bucket_s:UInt32})) AS at, status, count() AS entries
FROM verdicts FINAL
WHERE flow = {flow:String} AND gone = 0
  AND captured_at >= {since:DateTime64(3, 'UTC')} AND captured_at < {until:DateTime64(3, 'UTC')}
  AND ({campaign:String} = '' OR campaign = {campaign:String})
  AND ({segment:String} = '' OR segment = {segment:String})
  AND ({source:String} = '' OR source = {source:String})
GROUP BY at, status
ORDER BY at, status
