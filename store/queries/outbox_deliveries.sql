-- Which messages were there, and what became of each? The latest first. '' asks for any.
SELECT addressed.message AS message, any(addressed.receiver) AS receiver,
       groupArray((alert_transitions.incident, alert_transitions.objective, alert_transitions.kind, alert_transitions.happening, alert_transitions.headline)) AS said,
       min(alert_transitions.at) AS since, any(delivery.attempts) AS attempts, any(delivery.next_at) AS next_at,
       any(delivery.error) AS error,
       multiIf(any(delivery.outcome) IN ('sent', 'dead'), any(delivery.outcome), 'waiting') AS state
FROM alert_transitions
ARRAY JOIN messages AS addressed
LEFT JOIN (SELECT message, outcome, attempts, next_at, error FROM deliveries FINAL) AS delivery
    ON delivery.message = addressed.message
WHERE {message:String} = '' OR addressed.message = {message:String}
GROUP BY message
HAVING {state:String} = '' OR state = {state:String}
ORDER BY since DESC, message
LIMIT {most:UInt32} OFFSET {skip:UInt32}
