-- What stopped entries of this flow, where, how many and when? Captured in [since, until); empty filters mean all.
SELECT status, cause, class, step, count() AS entries, min(since) AS first_seen, max(since) AS last_seen
FROM verdicts FINAL
WHERE flow = {flow:String} AND gone = 0 AND status != 'entered'
  AND captured_at >= {since:DateTime64(3, 'UTC')} AND captured_at < {until:DateTime64(3, 'UTC')}
  AND ({campaign:String} = '' OR campaign = {campaign:String})
  AND ({segment:String} = '' OR segment = {segment:String})
GROUP BY status, cause, class, step
ORDER BY entries DESC, status, cause, step
LIMIT 1000
