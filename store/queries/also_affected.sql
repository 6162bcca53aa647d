-- How many other leads did the same thing stop, at the same step, within a day of this one, and since when?
SELECT uniqExact(lead_id) AS leads, min(since) AS first_since
FROM verdicts FINAL
WHERE flow = {flow:String} AND cause = {cause:String} AND step = {step:String} AND status = {status:String}
  AND since >= {from:DateTime64(3, 'UTC')} AND since <= {until:DateTime64(3, 'UTC')}
  AND lead_id != {lead:String} AND gone = 0
