-- How many units of each group, of every level, were decided in these hours, and how many things failed? Groups that were
-- there and have no unit any more become nought. What failed in two neighbouring minutes, and in none beside them, failed
-- once: the clock cut it in two. Of two single failures that is not known.
INSERT INTO slo_counts (objective, span, at, parts, level, version, good, bad, failures, squares, batches, batch_sizes, first_at)
WITH
    (ids, sizes) -> arrayFilter(product -> product > 0, arrayMap(
        (before, one, next, after, size, next_size) ->
            if(next = one + 1 AND before + 1 != one AND after != next + 1 AND size + next_size > 2, size * next_size, 0),
        arrayResize(arrayPushFront(ids, 0), length(ids)), ids, arrayResize(arraySlice(ids, 2), length(ids)),
        arrayResize(arraySlice(ids, 3), length(ids)), sizes, arrayResize(arraySlice(sizes, 2), length(ids)))) AS cut_in_two
SELECT objective, 3600, hour, prefix, level, {version:UInt64}, sum(goods), sum(bads),
       length((arraySort(groupArrayIf((failure_unit, bads), bads > 0 AND NOT is_batch)) AS failed).1)
           - length(cut_in_two(failed.1, failed.2) AS cut),
       arraySum(size -> size * size, failed.2) + 2 * arraySum(cut),
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
