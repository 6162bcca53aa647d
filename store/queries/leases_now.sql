-- Who holds this lease? Of the newest term the earliest claim, with the seconds since it was seen, and when.
SELECT term, holder, ended, dateDiff('millisecond', seen, now64(6)) / 1000 AS silent_s, seen
FROM (
    SELECT term, holder, min(claimed) AS claimed, max(seen) AS seen, max(ended) AS ended
    FROM leases
    WHERE name = {name:String}
    GROUP BY term, holder
)
ORDER BY term DESC, claimed, holder
LIMIT 1
