-- What made the units of a group bad, at which step? The same units as `slo_affected`.
WITH
    text -> JSONExtract(text, 'Array(String)') AS values_of,
    (text, nth) -> empty({kept:Array(String)}) OR toJSONString(arraySlice(values_of(text), 1, nth)) IN {kept:Array(String)} AS is_kept,
    (text, length) -> toJSONString(arrayMap(
        (value, nth) -> if(is_kept(text, nth), value, '(other)'),
        arraySlice(values_of(text), 1, length), range(1, length + 1))) AS named,
    text -> if(empty({kept:Array(String)}), startsWith(values_of(text), {group:Array(String)}),
               named(text, length({group:Array(String)})) = toJSONString({group:Array(String)})) AS is_of_group
SELECT cause, step, count() AS units, uniqExact(lead_id) AS leads
FROM slo_units FINAL
WHERE objective = {objective:String} AND good = 0 AND hour >= {first_hour:UInt32} AND hour <= {last_hour:UInt32} AND gone = 0
  AND decided_at <= {until:DateTime64(3, 'UTC')}
  AND if({sliced:UInt8}, over_at, decided_at) > {since:DateTime64(3, 'UTC')}
  AND is_of_group(parts)
GROUP BY cause, step
ORDER BY units DESC, cause, step
LIMIT 1000
