-- How many incidents fire?
SELECT count()
FROM (SELECT incident FROM alert_transitions WHERE incident != '' GROUP BY incident HAVING countIf(happening = 'resolved') = 0)
