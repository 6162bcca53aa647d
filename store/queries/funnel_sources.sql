-- Which sources does this flow have, and how many of each entered? Captured in [since, until).
SELECT source, count() AS entries, countIf(status = 'entered') AS entered, countIf(status = 'blocked') AS blocked
FROM verdicts FINAL
WHERE flow = {flow:String} AND gone = 0
  AND captured_at >= {since:DateTime64(3, 'UTC')} AND captured_at < {until:DateTime64(3, 'UTC')}
GROUP BY source
ORDER BY entries DESC, source
LIMIT 1000
