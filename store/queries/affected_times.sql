-- When did this cause stop leads at this step, and which campaigns were they of? The earliest `most` of this time.
SELECT since, campaign
FROM verdicts FINAL
WHERE flow = {flow:String} AND status = {status:String} AND cause = {cause:String} AND step = {step:String} AND gone = 0
  AND since >= {from:DateTime64(3, 'UTC')} AND since <= {until:DateTime64(3, 'UTC')}
ORDER BY since
LIMIT {most:UInt32}
