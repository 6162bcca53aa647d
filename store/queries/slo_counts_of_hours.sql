-- How many units of each group, of every level, were decided in these hours, and how many things failed? Groups that were
-- there and have no unit any more become nought.
INSERT INTO slo_counts (objective, span, at, parts, level, version, good, bad, failures, squares, batches, batch_sizes, first_at)
SELECT objective, 3600, hour, prefix, level, {version:UInt64}, sum(goods), sum(bads),
       countIf(bads > 0 AND NOT is_batch), sumIf(bads * bads, NOT is_batch),
       groupArrayIf(failure_unit, is_batch), groupArrayIf(toUInt32(bads), is_batch), min(first)
FROM (
    SELECT objective, hour, prefix, level, failure_unit, bitTest(failure_unit, 63) AS is_batch,
           sum(goods) AS goods, sum(bads) AS bads, min(first) AS first
    FROM (
        SELECT objective, hour, failure_unit, countIf(good = 1) AS goods, countIf(good = 0) AS bads, min(decided_at) AS first,
               arrayMap(length -> (toJSONString(arraySlice(JSONExtract(parts, 'Array(String)'), 1, length)), length),
                        range(length(JSONExtract(parts, 'Array(String)')) + 1)) AS prefixes
        FROM slo_units FINAL
        WHERE objective IN {objectives:Array(String)} AND good IN (0, 1) AND hour IN {hours:Array(UInt32)} AND gone = 0
        GROUP BY objective, hour, parts, failure_unit
    )
    ARRAY JOIN prefixes.1 AS prefix, prefixes.2 AS level
    GROUP BY objective, hour, prefix, level, failure_unit
    UNION ALL
    SELECT objective, at, parts, level, 0, 0, 0, 0, toDateTime64('2100-01-01', 3, 'UTC')
    FROM slo_counts FINAL
    WHERE objective IN {objectives:Array(String)} AND span = 3600 AND at IN {hours:Array(UInt32)}
)
GROUP BY objective, hour, prefix, level
