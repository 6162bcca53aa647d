-- How many messages are dead, by receiver?
SELECT receiver, count() FROM deliveries FINAL WHERE outcome = 'dead' GROUP BY receiver ORDER BY receiver
