-- Which incidents were there? Firing ones first, then the latest. '' asks for any.
SELECT incident, min(at) AS fired_at, max(at) AS changed_at, countIf(happening = 'resolved') > 0 AS over,
       minIf(alert_transitions.severity, alert_transitions.severity != '') AS worst
FROM alert_transitions
WHERE incident != ''
  AND ({incident:String} = '' OR incident = {incident:String})
  AND ({objective:String} = '' OR objective = {objective:String})
  AND ({flow:String} = '' OR flow = {flow:String})
GROUP BY incident
HAVING {phase:String} = '' OR over = ({phase:String} = 'resolved')
ORDER BY over, fired_at DESC, incident
LIMIT {most:UInt32} OFFSET {skip:UInt32}
