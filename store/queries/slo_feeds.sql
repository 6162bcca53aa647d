-- When did services last speak, when did they pause for longer than `pause_s`, and how late do their words usually come?
-- All in seconds; a pause goes from the last minute that was spoken in to the next one. What arrives a day late or more is
-- a backfill and says nothing of the usual delay.
SELECT service, length(spoken) AS minutes, spoken[-1] AS last_s,
       arrayFilter(pause -> pause.2 - pause.1 > {pause_s:UInt32}, arrayZip(arrayPopBack(spoken), arrayPopFront(spoken))) AS pauses,
       toUInt32(ifNotFinite(late_s, 0)) AS usually_late_s
FROM (
    SELECT service, arraySort(groupUniqArray(toUnixTimestamp(minute))) AS spoken,
           quantileExactIf(0.5)(greatest(late, 0), late < 86400 AND toUnixTimestamp(minute) + 86400 > {now_s:UInt32}) AS late_s
    FROM (
        SELECT service, minute, toInt64(toUnixTimestamp(arrived_at)) - toUnixTimestamp(minute) - 60 AS late
        FROM feed_minutes
        WHERE service IN {services:Array(String)} AND minute >= {since_s:UInt32} AND minute <= {now_s:UInt32}
    )
    GROUP BY service
)
ORDER BY service
