-- How many units of each group, of every level, were decided in the days that these hours are?
INSERT INTO slo_counts (objective, span, at, parts, level, version, good, bad, failures, squares, batches, batch_sizes, first_at)
SELECT objective, 86400, toStartOfDay(at) AS day, parts, level, {version:UInt64}, sum(good), sum(bad), sum(failures), sum(squares),
       (sumMapIf(batches, batch_sizes, notEmpty(batches)) AS by_batch).1, by_batch.2, min(first_at)
FROM slo_counts FINAL
WHERE objective IN {objectives:Array(String)} AND span = 3600 AND at IN {hours:Array(UInt32)}
GROUP BY objective, day, parts, level
