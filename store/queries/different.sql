-- Which values do the affected entries share more often than the others? Counted over what is known of each entry.
SELECT pair.1 AS name, pair.2 AS value, countIf(affected) AS with_cause, countIf(NOT affected) AS without_cause
FROM (
    SELECT affected, arrayJoin(arrayFilter(one -> one.2 != '', [
        ('campaign', campaign), ('segment', segment), ('source', source),
        ('hour of capture (UTC)', toString(toHour(captured_at))), ('weekday of capture (UTC)', toString(toDayOfWeek(captured_at)))
    ])) AS pair
    FROM (
        SELECT (status = {status:String} AND cause = {cause:String} AND ({step:String} = '' OR step = {step:String})) AS affected, campaign,
               segment, source, captured_at
        FROM verdicts FINAL
        WHERE flow = {flow:String} AND gone = 0 AND status != 'pending'
          AND captured_at >= {since:DateTime64(3, 'UTC')} AND captured_at < {until:DateTime64(3, 'UTC')}
          AND ({campaign:String} = '' OR campaign = {campaign:String})
          AND ({segment:String} = '' OR segment = {segment:String})
          AND ({source:String} = '' OR source = {source:String})
    )
)
GROUP BY name, value
HAVING with_cause > 0
LIMIT 10000
