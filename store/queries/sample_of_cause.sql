-- Some leads that this cause stopped, and some that ended otherwise; the latest of each.
SELECT lead_id, affected
FROM (
    SELECT lead_id, (status = {status:String} AND cause = {cause:String} AND ({step:String} = '' OR step = {step:String})) AS affected, captured_at
    FROM verdicts FINAL
    WHERE flow = {flow:String} AND gone = 0 AND status != 'pending'
      AND captured_at >= {since:DateTime64(3, 'UTC')} AND captured_at < {until:DateTime64(3, 'UTC')}
      AND ({campaign:String} = '' OR campaign = {campaign:String})
      AND ({segment:String} = '' OR segment = {segment:String})
      AND ({source:String} = '' OR source = {source:String})
    ORDER BY captured_at DESC
)
LIMIT {most:UInt32} BY affected
