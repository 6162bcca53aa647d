-- How many units of a group were good and bad in each slot of time, by the clock of their beginning? Units that were decided
-- in whole hours come from the counts of beginnings.
WITH
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
    text -> if(empty({kept:Array(String)}), startsWith(values_of(text), {group:Array(String)}),
               named(text, length({group:Array(String)})) = toJSONString({group:Array(String)})) AS is_of_group
SELECT intDiv(began_ms - {since_ms:Int64}, {step_ms:Int64}) AS slot, sum(goods) AS good, sum(bads) AS bad
FROM (
    SELECT toInt64(toUnixTimestamp(began_hour)) * 1000 AS began_ms, good AS goods, bad AS bads
    FROM slo_began FINAL
    WHERE objective = {objective:String} AND hour >= {first_hour:UInt32} AND hour < {raw_from:UInt32}
      AND hour <= {last_hour:UInt32} AND hour NOT IN {edges:Array(UInt32)}
      AND is_of_group(parts)
      AND is_counted(toInt64(toUnixTimestamp(hour)) * 1000, parts)
    UNION ALL
    SELECT toUnixTimestamp64Milli(began_at) AS began_ms, toUInt32(good) AS goods, toUInt32(1 - good) AS bads
    FROM slo_units FINAL
    WHERE objective = {objective:String} AND good IN (0, 1)
      AND hour >= {first_hour:UInt32} AND hour <= {last_hour:UInt32}
      AND (hour >= {raw_from:UInt32} OR hour IN {edges:Array(UInt32)}) AND gone = 0
      AND (toUnixTimestamp64Milli(decided_at) AS at_ms) <= {now_ms:Int64}
      AND is_of_group(parts)
      AND (silent = 0 OR NOT is_blind(began_at, at_ms)) AND is_counted(at_ms, parts)
)
WHERE began_ms >= {since_ms:Int64} AND began_ms < {until_ms:Int64}
GROUP BY slot
ORDER BY slot
