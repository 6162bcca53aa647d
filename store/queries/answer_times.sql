-- How long from the moment that decided an entry to its verdict? In seconds, over what was first said of each entry.
SELECT count() AS answers, quantilesTDigest(0.5, 0.95, 0.99)(seconds) AS times_s
FROM (
    SELECT dateDiff('millisecond', any(since), min(history.decided_at)) / 1000 AS seconds
    FROM verdict_history AS history
    INNER JOIN (
        SELECT lead_id, flow, entry, since, status
        FROM verdicts FINAL
        WHERE flow = {flow:String} AND gone = 0 AND status IN ('entered', 'blocked', 'skipped')
          AND captured_at >= {since:DateTime64(3, 'UTC')} AND captured_at < {until:DateTime64(3, 'UTC')}
          AND ({campaign:String} = '' OR campaign = {campaign:String})
          AND ({segment:String} = '' OR segment = {segment:String})
          AND ({source:String} = '' OR source = {source:String})
    ) AS now USING (lead_id, flow, entry)
    WHERE JSONExtractString(history.body, 'status') = now.status
    GROUP BY lead_id, flow, entry
)
WHERE seconds >= 0
