-- How many groups may an objective have had since a day? Those that lost their units still count here.
SELECT uniqExact(parts) FROM slo_days WHERE objective = {objective:String} AND day >= {first_day:UInt32}
