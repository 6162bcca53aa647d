-- How many leads do the bad units of a group belong to, by cause and in all, by what a trial found? Those decided after
-- `since` and until `until`; of slices, those bad then. The row of all has no cause and `every` = 1.
SELECT cause, grouping(cause) AS every, count() AS units, uniqExact(lead_id) AS leads
FROM (
    SELECT lead_id, good, decided_at, over_at, parts, cause
    FROM slo_judged
    WHERE batch IN {batches:Array(UInt64)} AND objective = {objective:String}
    ORDER BY rank DESC
    LIMIT 1 BY lead_id, unit
)
WHERE good = 0 AND decided_at <= {until:DateTime64(3, 'UTC')}
  AND if({sliced:UInt8}, over_at, decided_at) > {since:DateTime64(3, 'UTC')}
  AND startsWith(JSONExtract(parts, 'Array(String)'), {group:Array(String)})
GROUP BY GROUPING SETS ((cause), ())
ORDER BY every DESC, leads DESC, cause
LIMIT {most:UInt32}
