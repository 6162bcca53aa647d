-- When did services last speak, when did they pause for longer than `pause_s`, and how late do their words usually come?
-- All in seconds; a pause goes from the last minute that was spoken in to the next one. What arrives a day late or more is
-- a backfill and says nothing of the usual delay.
SELECT service, count() AS minutes, max(minute_s) AS last_s,
       arraySort(groupArrayIf((before_s, minute_s), before_s > 0 AND minute_s - before_s > {pause_s:UInt32})) AS pauses,
       toUInt32(ifNotFinite(quantileExactIf(0.5)(late_s, late_s < 86400 AND minute_s + 86400 > {now_s:UInt32}), 0)) AS usually_late_s
FROM (
    SELECT service, toUnixTimestamp(minute) AS minute_s, greatest(toInt64(toUnixTimestamp(min(arrived_at))) - minute_s - 60, 0) AS late_s,
           lagInFrame(minute_s) OVER (PARTITION BY service ORDER BY minute_s) AS before_s
    FROM feed_minutes
    WHERE service IN {services:Array(String)} AND minute >= {since_s:UInt32} AND minute <= {now_s:UInt32}
    GROUP BY service, minute
)
GROUP BY service
ORDER BY service
