-- How many leads of a group still wait, and which of their deadlines passes next?
SELECT uniqExact(lead_id) AS leads, minOrNullIf(due_at, due_at > {now:DateTime64(3, 'UTC')}) AS next_deadline
FROM verdicts FINAL
PREWHERE flow = {flow:String} AND lead_id IN (
    SELECT lead_id
    FROM verdicts
    WHERE flow = {flow:String} AND status = 'pending' AND captured_at >= {since:DateTime64(3, 'UTC')})
WHERE gone = 0 AND status = 'pending' AND captured_at >= {since:DateTime64(3, 'UTC')}
  AND startsWith(
      arrayMap(key -> multiIf(key = 'campaign', campaign, key = 'segment', segment, key = 'source', source, system),
               {group_by:Array(String)}), {group:Array(String)})
