-- How many units were decided in the days of these hours? Made of the counts of all their hours.
INSERT INTO slo_days (objective, day, parts, version, good, bad, failure_units, failure_sizes, first_at)
SELECT objective, toStartOfDay(hour) AS day, parts, {version:UInt64}, sum(good), sum(bad),
       (sumMap(failure_units, failure_sizes) AS by_failure).1, by_failure.2, min(first_at)
FROM slo_counts FINAL
WHERE objective IN {objectives:Array(String)} AND hour IN {hours:Array(UInt32)}
GROUP BY objective, day, parts
