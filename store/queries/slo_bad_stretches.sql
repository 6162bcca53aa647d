-- In which slices was something of each group too old? Slices are numbered from the epoch; stretches [from, until) of them,
-- in order, none touching another.
SELECT parts, arraySort(groupArray((stretch_from, stretch_until))) AS stretches
FROM (
    SELECT parts, min(from) AS stretch_from, max(until) AS stretch_until
    FROM (
        SELECT parts, from, until,
               sum(opens) OVER (PARTITION BY parts ORDER BY from, until ROWS UNBOUNDED PRECEDING) AS stretch
        FROM (
            SELECT parts, from, until,
                   from > max(until) OVER (PARTITION BY parts ORDER BY from, until
                                           ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING) AS opens
            FROM (
                SELECT DISTINCT parts,
                    greatest(intDiv(toUnixTimestamp64Milli(decided_at) + {slice_ms:Int64} - 1, {slice_ms:Int64}), {first:Int64}) AS from,
                    least(intDiv(toUnixTimestamp64Milli(over_at) + {slice_ms:Int64} - 1, {slice_ms:Int64}), {last:Int64} + 1) AS until
                FROM slo_units FINAL
                WHERE objective = {objective:String} AND good = 0 AND hour <= {last_hour:UInt32} AND gone = 0
            )
            WHERE from < until
        )
    )
    GROUP BY parts, stretch
)
GROUP BY parts
