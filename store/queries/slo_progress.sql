-- How far did the counting of these objectives come?
SELECT objective, position, counting, counted, completed FROM slo_progress FINAL WHERE objective IN {objectives:Array(String)}
