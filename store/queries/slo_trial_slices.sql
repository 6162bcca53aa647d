-- In which minutes was something of each group too old, by what a trial found, and when was its first unit decided?
-- A minute is bad when something is too old as it begins; stretches [from, until) are given as minutes from the epoch.
SELECT parts, min(intDiv(toUnixTimestamp64Milli(decided_at) + 59999, 60000)) AS first,
       groupUniqArrayIf(
           (intDiv(toUnixTimestamp64Milli(decided_at) + 59999, 60000),
            intDiv(toUnixTimestamp64Milli(least(over_at, {until:DateTime64(3, 'UTC')})) + 59999, 60000)),
           good = 0 AND over_at > {since:DateTime64(3, 'UTC')}) AS stretches
FROM (
    SELECT parts, good, decided_at, over_at
    FROM slo_judged
    WHERE batch IN {batches:Array(UInt64)} AND objective = {objective:String}
    ORDER BY rank DESC
    LIMIT 1 BY lead_id, unit
)
WHERE decided_at <= {until:DateTime64(3, 'UTC')}
GROUP BY parts
ORDER BY parts
LIMIT {most:UInt32}
