-- How many entries of a flow were no units, and why? Captured in [since, until).
SELECT if(status = 'skipped', cause, status) AS reason, count() AS entries
FROM verdicts FINAL
WHERE flow = {flow:String} AND gone = 0 AND status IN ('skipped', 'pending', 'unknown')
  AND captured_at >= {since:DateTime64(3, 'UTC')} AND captured_at < {until:DateTime64(3, 'UTC')}
GROUP BY reason
ORDER BY entries DESC, reason
LIMIT 1000
