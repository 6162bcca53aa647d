-- Which leads have entries in this flow that were captured in [since, until)?
SELECT DISTINCT lead_id
FROM verdicts FINAL
WHERE flow = {flow:String} AND gone = 0
  AND captured_at >= {since:DateTime64(3, 'UTC')} AND captured_at < {until:DateTime64(3, 'UTC')}
ORDER BY lead_id
LIMIT {most:UInt32}
