-- How many units of a group were good and bad in each slot of time, by the clock of their beginning or of their decision?
-- Whole hours come from the counts; the hours in `edges` and those from `raw_from` on from the units themselves.
SELECT intDiv(at - {since_ms:Int64}, {step_ms:Int64}) AS slot, sum(goods) AS good, sum(bads) AS bad
FROM (
    SELECT toInt64(toUnixTimestamp(if({clock:String} = 'began', began_hour, hour))) * 1000 AS at,
           toInt64(toUnixTimestamp(hour)) * 1000 AS at_ms, good AS goods, bad AS bads,
           JSONExtract(parts, 'Array(String)') AS values
    FROM slo_counts FINAL
    WHERE objective = {objective:String} AND hour >= {first_hour:UInt32} AND hour < {raw_from:UInt32}
      AND hour <= {last_hour:UInt32} AND hour NOT IN {edges:Array(UInt32)}
      AND startsWith(values, {group:Array(String)})
      AND ({corrected_from:Array(Int64)} = [] OR NOT arrayExists(
               (from, until, group) -> at_ms >= from AND at_ms < until AND startsWith(values, group),
               {corrected_from:Array(Int64)}, {corrected_until:Array(Int64)}, {corrected_parts:Array(Array(String))}))
    UNION ALL
    SELECT toUnixTimestamp64Milli(if({clock:String} = 'began', began_at, decided_at)) AS at,
           toUnixTimestamp64Milli(decided_at) AS at_ms, toUInt32(good) AS goods, toUInt32(1 - good) AS bads,
           JSONExtract(parts, 'Array(String)') AS values
    FROM slo_units FINAL
    WHERE objective = {objective:String} AND good IN (0, 1)
      AND hour >= {first_hour:UInt32} AND hour <= {last_hour:UInt32}
      AND (hour >= {raw_from:UInt32} OR hour IN {edges:Array(UInt32)})
      AND gone = 0 AND at_ms <= {now_ms:Int64} AND startsWith(values, {group:Array(String)})
      AND (silent = 0 OR NOT arrayExists(
               (from, until) -> at_ms > from AND toUnixTimestamp64Milli(began_at) < until,
               {held_from:Array(Int64)}, {held_until:Array(Int64)}))
      AND ({corrected_from:Array(Int64)} = [] OR NOT arrayExists(
               (from, until, group) -> at_ms >= from AND at_ms < until AND startsWith(values, group),
               {corrected_from:Array(Int64)}, {corrected_until:Array(Int64)}, {corrected_parts:Array(Array(String))}))
)
WHERE at >= {since_ms:Int64} AND at < {until_ms:Int64}
GROUP BY slot
ORDER BY slot
