-- When did each fault first stop a lead at a step, when last, and when was the step first passed after that?
SELECT stops.step AS step, stops.cause AS cause, any(stops.first_stop) AS first_stop, any(stops.last_stop) AS last_stop,
       any(stops.entries) AS entries, minIf(passes.captured_at, passes.captured_at > stops.last_stop) AS passed_at,
       countIf(passes.captured_at > stops.last_stop) > 0 AS recovered
FROM (
    SELECT step, cause, min(since) AS first_stop, max(since) AS last_stop, count() AS entries
    FROM verdicts FINAL
    WHERE flow = {flow:String} AND gone = 0 AND status = 'blocked'
      AND captured_at >= {since:DateTime64(3, 'UTC')} AND captured_at < {until:DateTime64(3, 'UTC')}
      AND ({campaign:String} = '' OR campaign = {campaign:String})
      AND ({segment:String} = '' OR segment = {segment:String})
      AND ({source:String} = '' OR source = {source:String})
    GROUP BY step, cause
) AS stops
LEFT JOIN (
    SELECT arrayJoin(reached) AS step, captured_at
    FROM verdicts FINAL
    WHERE flow = {flow:String} AND gone = 0
      AND captured_at >= {since:DateTime64(3, 'UTC')} AND captured_at < {until:DateTime64(3, 'UTC')}
) AS passes ON passes.step = stops.step
GROUP BY stops.step, stops.cause
ORDER BY entries DESC, step, cause
LIMIT 1000
