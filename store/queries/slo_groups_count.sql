-- How many groups of the lowest level may there have been since a day? Those that lost their units still count here.
SELECT uniqExact(parts)
FROM slo_counts
WHERE objective = {objective:String} AND span = 86400 AND at >= {first_day:UInt32} AND level = {level:UInt32}
