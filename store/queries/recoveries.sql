-- When did each fault first stop a lead at a step, when last, and when was the step passed again? Entries are put in order
-- by their capture, on both sides: the moment of a stop may lie a whole deadline later than leads that already passed.
SELECT stops.step AS step, stops.cause AS cause, any(stops.first_stop) AS first_stop, any(stops.last_stop) AS last_stop,
       any(stops.entries) AS entries, any(stops.first_captured) AS first_captured,
       minIf(passes.captured_at, passes.captured_at > stops.last_captured) AS passed_captured,
       countIf(passes.captured_at > stops.last_captured) > 0 AS recovered
FROM (
    SELECT step, cause, min(since) AS first_stop, max(since) AS last_stop, count() AS entries,
           min(captured_at) AS first_captured, max(captured_at) AS last_captured
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
