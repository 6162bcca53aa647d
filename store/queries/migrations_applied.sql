-- Which migrations has this database seen?
SELECT number FROM migrations ORDER BY number
