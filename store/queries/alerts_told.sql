-- What did these transitions say? The earliest first.
SELECT id, alert
FROM alert_transitions
WHERE id IN {ids:Array(String)}
ORDER BY version, id
