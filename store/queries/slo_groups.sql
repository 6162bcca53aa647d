-- Which groups of the lowest level had units decided since a day and until now, the largest first, and since when?
SELECT parts, sum(good) + sum(bad) AS units, min(first_at) AS first
FROM slo_counts FINAL
WHERE objective = {objective:String} AND span = 86400 AND at >= {first_day:UInt32} AND level = {level:UInt32}
  AND first_at <= {now:DateTime64(3, 'UTC')} AND good + bad > 0
GROUP BY parts
ORDER BY units DESC, parts
LIMIT {most:UInt32}
