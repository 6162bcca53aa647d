-- By campaign: how soon after capture was the lead first touched, how many went all the way with nothing missing, how
-- many qualified and were accepted, and how often did people have to step in?
SELECT campaign,
       count() AS entries,
       countIf(touched_at IS NOT NULL) AS touched,
       quantilesTDigestIf(0.5, 0.95)(dateDiff('millisecond', captured_at, assumeNotNull(touched_at)) / 1000, touched_at >= captured_at) AS response_s,
       countIf(status = 'entered' AND NOT has_gap) AS complete,
       countIf(is_mql) AS qualified,
       countIf(is_mql AND is_sal) AS accepted,
       sum(stepped_in) AS interventions
FROM (
    SELECT campaign, status, captured_at,
           parseDateTime64BestEffortOrNull(JSONExtractString(body, 'touched_at'), 3, 'UTC') AS touched_at,
           position(body, '"observability.instrumentation_gap"') > 0 AS has_gap,
           has(JSONExtract(body, 'stages', 'Array(String)'), 'MQL') AS is_mql,
           has(JSONExtract(body, 'stages', 'Array(String)'), 'SAL') AS is_sal,
           JSONExtractUInt(body, 'interventions') AS stepped_in
    FROM verdicts FINAL
    WHERE flow = {flow:String} AND gone = 0
      AND captured_at >= {since:DateTime64(3, 'UTC')} AND captured_at < {until:DateTime64(3, 'UTC')}
      AND ({campaign:String} = '' OR campaign = {campaign:String})
      AND ({segment:String} = '' OR segment = {segment:String})
      AND ({source:String} = '' OR source = {source:String})
)
GROUP BY campaign
ORDER BY entries DESC, campaign
LIMIT 1000
