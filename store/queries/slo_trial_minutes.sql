-- How many units of each group were decided in each minute, by what a trial found? Minutes are numbered from the epoch; a
-- unit decided on the stroke belongs to the minute that ends. Of several rows of a unit the one of the highest rank counts.
SELECT parts, intDiv(toUnixTimestamp64Milli(decided_at) - 1, 60000) AS minute,
       countIf(good = 1) AS goods, countIf(good = 0) AS bads, groupArrayIf(failure_unit, good = 0) AS failures
FROM (
    SELECT parts, good, silent, began_at, decided_at, failure_unit, JSONExtract(parts, 'Array(String)') AS values
    FROM slo_judged
    WHERE batch IN {batches:Array(UInt64)} AND objective = {objective:String}
    ORDER BY rank DESC
    LIMIT 1 BY lead_id, unit
)
WHERE decided_at > {since:DateTime64(3, 'UTC')} AND decided_at <= {until:DateTime64(3, 'UTC')}
  AND (silent = 0 OR NOT arrayExists(
      (from, until) -> toUnixTimestamp64Milli(decided_at) > from AND toUnixTimestamp64Milli(began_at) < until,
      {held_from:Array(Int64)}, {held_until:Array(Int64)}))
  AND NOT arrayExists(
      (from, until, group) -> toUnixTimestamp64Milli(decided_at) >= from AND toUnixTimestamp64Milli(decided_at) < until
                              AND startsWith(values, group),
      {corrected_from:Array(Int64)}, {corrected_until:Array(Int64)}, {corrected_parts:Array(Array(String))})
GROUP BY parts, minute
ORDER BY minute, parts
LIMIT {most:UInt32}
