-- How did these incidents go? Every transition, the earliest first.
SELECT id, incident, at, happening, state, alert, messages
FROM alert_transitions
WHERE incident IN {incidents:Array(String)}
ORDER BY version, id
