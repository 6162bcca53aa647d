-- Whom do the bad units of a group belong to? Those decided after `since` and until `until`; of slices, those bad then.
WITH
    text -> JSONExtract(text, 'Array(String)') AS values_of,
    (text, nth) -> empty({kept:Array(String)}) OR toJSONString(arraySlice(values_of(text), 1, nth)) IN {kept:Array(String)} AS is_kept,
    (text, length) -> toJSONString(arrayMap(
        (value, nth) -> if(is_kept(text, nth), value, '(other)'),
        arraySlice(values_of(text), 1, length), range(1, length + 1))) AS named,
    text -> if(empty({kept:Array(String)}), startsWith(values_of(text), {group:Array(String)}),
               named(text, length({group:Array(String)})) = toJSONString({group:Array(String)})) AS is_of_group
SELECT count() AS leads,
       arrayMap(one -> one.2, arraySlice(arrayReverseSort(groupArray((last_at, lead_id))), 1, {most:UInt32})) AS examples,
       min(first_at) AS first, max(last_at) AS last,
       arraySort(arrayFilter(one -> one != '', groupUniqArrayArray(served))) AS services
FROM (
    SELECT lead_id, min(decided_at) AS first_at, max(decided_at) AS last_at, groupUniqArray(toString(service)) AS served
    FROM slo_units FINAL
    WHERE objective = {objective:String} AND good = 0 AND hour >= {first_hour:UInt32} AND hour <= {last_hour:UInt32} AND gone = 0
      AND decided_at <= {until:DateTime64(3, 'UTC')}
      AND if({sliced:UInt8}, over_at, decided_at) > {since:DateTime64(3, 'UTC')}
      AND is_of_group(parts)
    GROUP BY lead_id
)
