-- How many leads did one thing stop at one step between two moments, and who were the first?
SELECT uniqExact(lead_id) AS leads, groupArraySorted(20)((since, lead_id)) AS first_ones
FROM verdicts FINAL
WHERE flow = {flow:String} AND cause = {cause:String} AND step = {step:String} AND status = {status:String}
  AND since >= {from:DateTime64(3, 'UTC')} AND since <= {until:DateTime64(3, 'UTC')} AND gone = 0
