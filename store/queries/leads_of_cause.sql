-- Which leads are behind a number of the funnel? The latest first; empty filters mean all.
SELECT lead_id, entry, status, cause, step, campaign, segment, source, captured_at, since
FROM verdicts FINAL
WHERE flow = {flow:String} AND gone = 0
  AND captured_at >= {since:DateTime64(3, 'UTC')} AND captured_at < {until:DateTime64(3, 'UTC')}
  AND ({campaign:String} = '' OR campaign = {campaign:String})
  AND ({segment:String} = '' OR segment = {segment:String})
  AND ({source:String} = '' OR source = {source:String})
  AND ({status:String} = '' OR status = {status:String})
  AND ({cause:String} = '' OR cause = {cause:String})
  AND ({step:String} = '' OR step = {step:String})
ORDER BY captured_at DESC, lead_id, entry
LIMIT {most:UInt32} OFFSET {skip:UInt32}
