-- In which hours did the units that were decided in these hours begin? Groups without a unit any more become nought.
INSERT INTO slo_began (objective, hour, began_hour, parts, version, good, bad)
SELECT objective, hour, began_hour, parts, {version:UInt64}, sum(goods), sum(bads)
FROM (
    SELECT objective, hour, toStartOfHour(began_at) AS began_hour, parts, countIf(good = 1) AS goods, countIf(good = 0) AS bads
    FROM slo_units FINAL
    WHERE objective IN {objectives:Array(String)} AND good IN (0, 1) AND hour IN {hours:Array(UInt32)} AND gone = 0
    GROUP BY objective, hour, began_hour, parts
    UNION ALL
    SELECT objective, hour, began_hour, parts, 0, 0
    FROM slo_began FINAL
    WHERE objective IN {objectives:Array(String)} AND hour IN {hours:Array(UInt32)}
)
GROUP BY objective, hour, began_hour, parts
