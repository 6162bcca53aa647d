-- How many groups may an objective have had since an hour? Those that lost their units still count here.
SELECT uniqExact(parts) FROM slo_counts WHERE objective = {objective:String} AND hour >= {first_hour:UInt32}
