-- How many units of each group, of every level, were good and bad since each of some moments (ascending, in ms) and until
-- now, how many things failed, and what is the sum of the squares of their sizes? Whole days and hours come from the
-- counts, hours that a window or a correction cuts from the units. A group beyond those `kept` (where any are named)
-- counts as `(other)`.
SELECT prefix, groupArray((start, goods, bads, length(by_failure.1), arraySum(size -> size * size, by_failure.2))), min(first)
FROM (
    SELECT prefix, start, sum(goods) AS goods, sum(bads) AS bads, sumMap(failures, sizes) AS by_failure, min(first) AS first
    FROM (
        SELECT parts, roundDown(at_ms, {starts:Array(Int64)}) AS latest_start, sum(good) AS goods, sum(bad) AS bads,
               (sumMap(failure_units, failure_sizes) AS mapped).1 AS failures, mapped.2 AS sizes, min(first_ms) AS first
        FROM (
            SELECT parts, toInt64(toUnixTimestamp(day)) * 1000 AS at_ms, good, bad, failure_units, failure_sizes,
                   toUnixTimestamp64Milli(first_at) AS first_ms, JSONExtract(parts, 'Array(String)') AS values
            FROM slo_days FINAL
            WHERE objective = {objective:String} AND day IN {days:Array(UInt32)}
              AND ({corrected_from:Array(Int64)} = [] OR NOT arrayExists(
               (from, until, group) -> at_ms >= from AND at_ms < until AND startsWith(values, group),
               {corrected_from:Array(Int64)}, {corrected_until:Array(Int64)}, {corrected_parts:Array(Array(String))}))
            UNION ALL
            SELECT parts, toInt64(toUnixTimestamp(hour)) * 1000 AS at_ms, good, bad, failure_units, failure_sizes,
                   toUnixTimestamp64Milli(first_at) AS first_ms, JSONExtract(parts, 'Array(String)') AS values
            FROM slo_counts FINAL
            WHERE objective = {objective:String} AND hour IN {hours:Array(UInt32)}
              AND ({corrected_from:Array(Int64)} = [] OR NOT arrayExists(
               (from, until, group) -> at_ms >= from AND at_ms < until AND startsWith(values, group),
               {corrected_from:Array(Int64)}, {corrected_until:Array(Int64)}, {corrected_parts:Array(Array(String))}))
            UNION ALL
            SELECT parts, toUnixTimestamp64Milli(decided_at) AS at_ms, toUInt32(good), toUInt32(1 - good),
                   if(good, [], [failure_unit]), if(good, [], [toUInt32(1)]), at_ms, JSONExtract(parts, 'Array(String)') AS values
            FROM slo_units FINAL
            WHERE objective = {objective:String} AND good IN (0, 1) AND hour IN {edges:Array(UInt32)} AND gone = 0
              AND at_ms >= arrayMin({starts:Array(Int64)}) AND at_ms <= {now_ms:Int64}
              AND (silent = 0 OR NOT arrayExists(
               (from, until) -> at_ms > from AND toUnixTimestamp64Milli(began_at) < until,
               {held_from:Array(Int64)}, {held_until:Array(Int64)}))
              AND ({corrected_from:Array(Int64)} = [] OR NOT arrayExists(
               (from, until, group) -> at_ms >= from AND at_ms < until AND startsWith(values, group),
               {corrected_from:Array(Int64)}, {corrected_until:Array(Int64)}, {corrected_parts:Array(Array(String))}))
        )
        WHERE good + bad > 0
        GROUP BY parts, latest_start
    )
    ARRAY JOIN arrayMap(
        length -> arrayMap(
            (value, nth) -> if(empty({kept:Array(String)}) OR has({kept:Array(String)}, toJSONString(arraySlice(JSONExtract(parts, 'Array(String)'), 1, nth))), value, '(other)'),
            arraySlice(JSONExtract(parts, 'Array(String)'), 1, length), range(1, length + 1)),
        range({levels:UInt32} + 1)) AS prefix
    ARRAY JOIN arrayFilter(start -> start <= latest_start, {starts:Array(Int64)}) AS start
    GROUP BY prefix, start
)
GROUP BY prefix
ORDER BY prefix
