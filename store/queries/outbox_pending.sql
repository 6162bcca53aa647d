-- Which messages still wait to be sent, and how far is each? The earliest first, at most `most`.
SELECT addressed.message AS message, any(addressed.receiver) AS receiver, min(addressed.send_at) AS send_at,
       min(alert_transitions.at) AS since, groupArray(alert_transitions.id) AS transitions, any(tried.attempts) AS attempts,
       any(tried.next_at) AS next_at
FROM alert_transitions
ARRAY JOIN messages AS addressed
LEFT JOIN (
    SELECT message, attempts, next_at FROM deliveries FINAL WHERE outcome IN ('failed', 'waiting')
) AS tried ON tried.message = addressed.message
WHERE addressed.message NOT IN (SELECT message FROM deliveries FINAL WHERE outcome IN ('sent', 'dead'))
GROUP BY message
ORDER BY min(version), message
LIMIT {most:UInt32}
