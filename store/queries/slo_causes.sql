-- What made the units of a group bad, at which step? The same units as `slo_affected`.
SELECT cause, step, count() AS units, uniqExact(lead_id) AS leads
FROM slo_units FINAL
WHERE objective = {objective:String} AND good = 0 AND hour >= {first_hour:UInt32} AND hour <= {last_hour:UInt32} AND gone = 0
  AND decided_at <= {until:DateTime64(3, 'UTC')}
  AND if({sliced:UInt8}, over_at, decided_at) > {since:DateTime64(3, 'UTC')}
  AND if(empty({kept:Array(String)}), startsWith(JSONExtract(parts, 'Array(String)'), {group:Array(String)}),
         startsWith(arrayMap((value, nth) -> if(has({kept:Array(String)}, toJSONString(arraySlice(JSONExtract(parts, 'Array(String)'), 1, nth))), value, '(other)'),
                             JSONExtract(parts, 'Array(String)'), arrayEnumerate(JSONExtract(parts, 'Array(String)'))), {group:Array(String)}))
GROUP BY cause, step
ORDER BY units DESC, cause, step
LIMIT 1000
