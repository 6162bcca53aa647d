-- What stopped entries of this flow, where, how many of how many leads, and when? Captured in [since, until); empty filters mean all.
SELECT status, cause, class, step, count() AS entries, uniqExact(lead_id) AS leads, min(since) AS first_seen, max(since) AS last_seen
FROM verdicts FINAL
WHERE flow = {flow:String} AND gone = 0 AND status != 'entered'
  AND captured_at >= {since:DateTime64(3, 'UTC')} AND captured_at < {until:DateTime64(3, 'UTC')}
  AND ({campaign:String} = '' OR campaign = {campaign:String})
  AND ({segment:String} = '' OR segment = {segment:String})
  AND ({source:String} = '' OR source = {source:String})
GROUP BY status, cause, class, step
ORDER BY entries DESC, status, cause, step
LIMIT 1000
