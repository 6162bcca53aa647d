-- Which reasons stopped leads of this flow for the first time in this time?
SELECT cause, step, min(since) AS first_since
FROM verdicts FINAL
WHERE flow = {flow:String} AND gone = 0 AND cause != '' AND status IN ('blocked', 'skipped')
GROUP BY cause, step
HAVING first_since >= {from:DateTime64(3, 'UTC')} AND first_since <= {until:DateTime64(3, 'UTC')}
ORDER BY first_since DESC
LIMIT {most:UInt32}
