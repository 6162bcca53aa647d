-- Which attributes of their hops do the affected leads share more often than the others? Over a sample of each.
SELECT name, value, uniqExactIf(lead_id, affected) AS with_cause, uniqExactIf(lead_id, NOT affected) AS without_cause
FROM (
    SELECT lead_id, lead_id IN {affected:Array(String)} AS affected, pair.1 AS name, pair.2 AS value
    FROM (
        SELECT lead_id,
               arrayJoin(arrayConcat(
                   JSONExtractKeysAndValues(payload, 'a', 'String'),
                   if(service_version = '', [], [(concat(service, ' version'), service_version)]))) AS pair
        FROM timeline
        WHERE lead_id IN {affected:Array(String)} OR lead_id IN {others:Array(String)}
    )
    WHERE length(pair.2) BETWEEN 1 AND 80
      AND NOT startsWith(pair.1, 'lead.email') AND NOT startsWith(pair.1, 'lead.phone') AND NOT startsWith(pair.1, 'lead.name')
      AND pair.1 NOT IN ('lead.id', 'lead.correlation_id', 'lead.flow', 'lead.campaign', 'lead.segment', 'lead.source',
                         'lead.outcome', 'lead.reason', 'lead.event', 'lead.step')
)
GROUP BY name, value
HAVING with_cause >= {least:UInt32}
ORDER BY with_cause DESC
LIMIT 5000
