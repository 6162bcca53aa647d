-- In which hours did units of these objectives change after a version?
SELECT DISTINCT toUnixTimestamp(hour) AS hour_s
FROM slo_units
WHERE objective IN {objectives:Array(String)} AND good IN (0, 1) AND version > {after:UInt64}
ORDER BY hour_s
