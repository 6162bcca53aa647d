-- Of the entries that ended without entering, how many have a cause that names the reason?
SELECT countIf(status IN ('blocked', 'skipped', 'unknown')) AS stopped,
       countIf(status IN ('blocked', 'skipped') AND cause != '' AND NOT startsWith(cause, 'unknown.')) AS explained
FROM verdicts FINAL
WHERE flow = {flow:String} AND gone = 0
  AND captured_at >= {since:DateTime64(3, 'UTC')} AND captured_at < {until:DateTime64(3, 'UTC')}
  AND ({campaign:String} = '' OR campaign = {campaign:String})
  AND ({segment:String} = '' OR segment = {segment:String})
  AND ({source:String} = '' OR source = {source:String})
