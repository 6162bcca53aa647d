-- How many units were decided in these hours? Groups that were there and have no unit any more become nought.
INSERT INTO slo_counts (objective, hour, began_hour, parts, version, good, bad, failure_units, failure_sizes, first_at)
SELECT objective, hour, began_hour, parts, {version:UInt64}, sum(goods), sum(bads),
       (sumMap(failures, sizes) AS by_failure).1, by_failure.2, min(first)
FROM (
    SELECT objective, hour, toStartOfHour(began_at) AS began_hour, parts, toUInt32(good) AS goods,
           toUInt32(1 - good) AS bads, if(good, [], [failure_unit]) AS failures, if(good, [], [toUInt32(1)]) AS sizes,
           decided_at AS first
    FROM slo_units FINAL
    WHERE objective IN {objectives:Array(String)} AND good IN (0, 1) AND hour IN {hours:Array(UInt32)} AND gone = 0
    UNION ALL
    SELECT objective, hour, began_hour, parts, 0, 0, [], [], toDateTime64('2100-01-01', 3, 'UTC')
    FROM slo_counts FINAL
    WHERE objective IN {objectives:Array(String)} AND hour IN {hours:Array(UInt32)}
)
GROUP BY objective, hour, began_hour, parts
