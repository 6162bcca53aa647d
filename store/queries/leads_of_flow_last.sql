-- Which leads tried this flow last?
SELECT lead_id
FROM (SELECT lead_id, max(captured_at) AS last FROM verdicts FINAL WHERE flow = {flow:String} AND gone = 0 GROUP BY lead_id)
ORDER BY last DESC, lead_id
LIMIT {most:UInt32}
