-- How many units of each group, of every level, were good and bad since each of some moments (ascending, in ms) and until
-- now? Whole hours come from the counts, hours that a window or a correction cuts from the units themselves.
-- A group beyond those `kept` (where any are named) counts as `(other)`.
SELECT
    prefix,
    arrayMap(start -> (
        arraySum(one -> if(one.1 >= start, one.2, 0), by_start),
        arraySum(one -> if(one.1 >= start, one.3, 0), by_start),
        length(arrayDistinct(arrayFlatten(arrayMap(one -> one.4, arrayFilter(one -> one.1 >= start, by_start)))))),
        {starts:Array(Int64)}) AS counted,
    first_at
FROM (
    SELECT prefix, groupArray((start, goods, bads, failures)) AS by_start, min(first) AS first_at
    FROM (
        SELECT prefix, start, sum(goods) AS goods, sum(bads) AS bads, groupUniqArrayArray(failures) AS failures, min(first) AS first
        FROM (
            SELECT parts, roundDown(at_ms, {starts:Array(Int64)}) AS start, sum(good) AS goods, sum(bad) AS bads,
                   groupUniqArrayArray(failures) AS failures, min(first_ms) AS first
            FROM (
                SELECT parts, toInt64(toUnixTimestamp(hour)) * 1000 AS at_ms, good, bad, failure_units AS failures,
                       toUnixTimestamp64Milli(first_at) AS first_ms, JSONExtract(parts, 'Array(String)') AS values
                FROM slo_counts FINAL
                WHERE objective = {objective:String} AND hour > {first_hour:UInt32} AND hour < {this_hour:UInt32}
                  AND hour NOT IN {edges:Array(UInt32)}
                  AND ({corrected_from:Array(Int64)} = [] OR NOT arrayExists(
               (from, until, group) -> at_ms >= from AND at_ms < until AND startsWith(values, group),
               {corrected_from:Array(Int64)}, {corrected_until:Array(Int64)}, {corrected_parts:Array(Array(String))}))
                UNION ALL
                SELECT parts, toUnixTimestamp64Milli(decided_at) AS at_ms, toUInt32(good), toUInt32(1 - good),
                       if(good, [], [failure_unit]), at_ms, JSONExtract(parts, 'Array(String)') AS values
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
            GROUP BY parts, start
        )
        ARRAY JOIN arrayMap(
            length -> arrayMap(
                (value, nth) -> if(empty({kept:Array(String)}) OR has({kept:Array(String)}, toJSONString(arraySlice(JSONExtract(parts, 'Array(String)'), 1, nth))), value, '(other)'),
                arraySlice(JSONExtract(parts, 'Array(String)'), 1, length), range(1, length + 1)),
            range({levels:UInt32} + 1)) AS prefix
        GROUP BY prefix, start
    )
    GROUP BY prefix
)
ORDER BY prefix
