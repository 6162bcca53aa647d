-- How many units of each group, of every level, were good and bad since each of some moments (ascending, in ms) and until
-- now, how many things failed, and what is the sum of the squares of their sizes? Whole days and hours come from the
-- counts, hours that a window or a correction cuts from the units. A group beyond those `kept` (where any are named)
-- counts as `(other)`: of the things that failed there only the most of any one of its groups, and no squares.
-- What the clock cut in two is one thing, as in the counts of hours.
WITH
    (ids, sizes) -> arrayFilter(product -> product > 0, arrayMap(
        (before, one, next, after, size, next_size) ->
            if(next = one + 1 AND before + 1 != one AND after != next + 1 AND size + next_size > 2, size * next_size, 0),
        arrayResize(arrayPushFront(ids, 0), length(ids)), ids, arrayResize(arraySlice(ids, 2), length(ids)),
        arrayResize(arraySlice(ids, 3), length(ids)), sizes, arrayResize(arraySlice(sizes, 2), length(ids)))) AS cut_in_two,
    text -> JSONExtract(text, 'Array(String)') AS values_of,
    (text, nth) -> empty({kept:Array(String)}) OR toJSONString(arraySlice(values_of(text), 1, nth)) IN {kept:Array(String)} AS is_kept,
    (text, length) -> toJSONString(arrayMap(
        (value, nth) -> if(is_kept(text, nth), value, '(other)'),
        arraySlice(values_of(text), 1, length), range(1, length + 1))) AS named,
    (ms, text) -> {corrected_from:Array(Int64)} = [] OR NOT arrayExists(
        (from, until, group) -> ms >= from AND ms < until AND startsWith(values_of(text), group),
        {corrected_from:Array(Int64)}, {corrected_until:Array(Int64)}, {corrected_parts:Array(Array(String))}) AS is_counted,
    (began, ms) -> arrayExists(
        (from, until) -> ms > from AND toUnixTimestamp64Milli(began) < until,
        {held_from:Array(Int64)}, {held_until:Array(Int64)}) AS is_blind,
    wholes AS (
        SELECT named(parts, level) AS prefix, latest_start, sum(goods_of) AS goods, sum(bads_of) AS bads,
               max(failed) AS failures, sum(squared) AS squares,
               (sumMapIf(batches_of, sizes_of, notEmpty(batches_of)) AS by_batch).1 AS things, by_batch.2 AS sizes,
               min(first_of) AS first
        FROM (
            SELECT parts, level, roundDown(toInt64(toUnixTimestamp(at)) * 1000, {starts:Array(Int64)}) AS latest_start,
                   sum(good) AS goods_of, sum(bad) AS bads_of, sum(failures) AS failed, sum(squares) AS squared,
                   (sumMapIf(batches, batch_sizes, notEmpty(batches)) AS by_batch_of).1 AS batches_of, by_batch_of.2 AS sizes_of,
                   toUnixTimestamp64Milli(min(first_at)) AS first_of
            FROM slo_counts FINAL
            WHERE objective = {objective:String}
              AND ((span = 86400 AND at IN {days:Array(UInt32)}) OR (span = 3600 AND at IN {hours:Array(UInt32)}))
              AND good + bad > 0 AND is_counted(toInt64(toUnixTimestamp(at)) * 1000, parts)
            GROUP BY parts, level, latest_start
        )
        GROUP BY prefix, latest_start
    ),
    units AS (
        SELECT named(parts, level) AS prefix, latest_start, failure_unit, sum(goods_of) AS goods, sum(bads_of) AS bads,
               min(first_of) AS first
        FROM (
            SELECT parts, roundDown(at_ms, {starts:Array(Int64)}) AS latest_start, failure_unit, countIf(good = 1) AS goods_of,
                   countIf(good = 0) AS bads_of, min(toUnixTimestamp64Milli(decided_at) AS at_ms) AS first_of
            FROM slo_units FINAL
            WHERE objective = {objective:String} AND good IN (0, 1) AND hour IN {edges:Array(UInt32)} AND gone = 0
              AND at_ms >= arrayMin({starts:Array(Int64)}) AND at_ms <= {now_ms:Int64}
              AND (silent = 0 OR NOT is_blind(began_at, at_ms)) AND is_counted(at_ms, parts)
            GROUP BY parts, latest_start, failure_unit
        )
        ARRAY JOIN range({levels:UInt32} + 1) AS level
        GROUP BY prefix, latest_start, failure_unit
    )
SELECT values_of(prefix) AS group,
       groupArray((start, good, bad, failed + length(by_thing.1),
                   if(notEmpty({kept:Array(String)}) AND has(group, '(other)'), 0,
                      squared + arraySum(size -> size * size, by_thing.2)))),
       min(first_ms)
FROM (
    SELECT prefix, start, sum(goods) AS good, sum(bads) AS bad, sum(failures) AS failed, sum(squares) AS squared,
           sumMapIf(things, sizes, notEmpty(things)) AS by_thing, min(first) AS first_ms
    FROM (
        SELECT prefix, start, goods, bads, failures, squares, things, sizes, first
        FROM wholes
        ARRAY JOIN arrayFilter(start -> start <= latest_start, {starts:Array(Int64)}) AS start
        UNION ALL
        SELECT prefix, start, sum(goods_of), sum(bads_of),
               toUInt64(length((arraySort(groupArrayIf(
                   (failure_unit, bads_of), bads_of > 0 AND NOT (bitTest(failure_unit, 63) AS is_batch))) AS failed).1)
                   - length(cut_in_two(failed.1, failed.2) AS cut)),
               arraySum(size -> size * size, failed.2) + 2 * arraySum(cut), groupArrayIf(failure_unit, is_batch),
               groupArrayIf(toUInt32(bads_of), is_batch), min(first_of)
        FROM (
            SELECT prefix, start, failure_unit, sum(goods) AS goods_of, sum(bads) AS bads_of, min(first) AS first_of
            FROM units
            ARRAY JOIN arrayFilter(start -> start <= latest_start, {starts:Array(Int64)}) AS start
            GROUP BY prefix, start, failure_unit
        )
        GROUP BY prefix, start
    )
    GROUP BY prefix, start
)
GROUP BY prefix
ORDER BY group
