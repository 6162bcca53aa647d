-- How many entries reached each step, and how many stopped there? Captured in [since, until); empty filters mean all.
SELECT step_name, sum(was_reached) AS reached, sum(was_last) AS stopped_here
FROM (
    SELECT arrayJoin(arrayConcat(
        arrayMap(name -> (name, 1, 0), reached),
        if(status IN ('blocked', 'skipped', 'unknown') AND step != '', [(step, 0, 1)], []))) AS row,
        row.1 AS step_name, row.2 AS was_reached, row.3 AS was_last
    FROM verdicts FINAL
    WHERE flow = {flow:String} AND gone = 0
      AND captured_at >= {since:DateTime64(3, 'UTC')} AND captured_at < {until:DateTime64(3, 'UTC')}
      AND ({campaign:String} = '' OR campaign = {campaign:String})
      AND ({segment:String} = '' OR segment = {segment:String})
      AND ({source:String} = '' OR source = {source:String})
)
GROUP BY step_name
