-- What do the judge's rules read of these leads' hops? One row a hop, each hop once, at most `most` rows a lead (the
-- earliest) and `rows` in all, leads in the order of their ids.
--
-- `shape` is JSON of all that the rules read and that is no id, time, link or URL (only whether there is one): the same
-- text for millions of hops, so it travels as a dictionary, as do ids that hops share. Attributes that need no escapes
-- (what the payload escapes has a backslash there) are glued, at a third of the cost of toJSONString. Of attributes in
-- `paths` the gist is enough: no query, and `*` for what holds a digit, as ids do, so that `/leads/7` and `/leads/8` are of
-- one shape.
WITH
    JSONExtract(payload, 'a', 'Map(String, String)') AS attributes,
    mapFilter((key, _) -> key IN {read:Array(String)}, attributes) AS told,
    if((has({paths:Array(String)}, 'url.path') AND match(told['url.path'], '[0-9?]'))
           OR (has({paths:Array(String)}, 'http.target') AND match(told['http.target'], '[0-9?]')),
       mapApply((key, value) -> (key, if(key NOT IN {paths:Array(String)}, value,
           replaceRegexpAll(replaceAll(substringIndex(value, '?', 1), 'oauth2', 'oauth'), '[^/]*[0-9][^/]*', '*'))), told),
       told) AS said,
    if(position(payload, '\\') = 0,
       concat('{', arrayStringConcat(arrayMap((key, value) -> concat('"', key, '":"', value, '"'), mapKeys(said), mapValues(said)), ','), '}'),
       toJSONString(said)) AS said_text,
    if(position(payload, ',"e":[{') = 0, '[]', toJSONString(arrayMap(
        event -> (event.1, mapFilter((key, _) -> key IN {read:Array(String)}, event.2)),
        JSONExtract(payload, 'e', 'Array(Tuple(name String, a Map(String, String)))')))) AS events_text,
    if(has({read:Array(String)}, 'body'), toJSONString(JSONExtractString(payload, 'b')), '""') AS body_text
SELECT
    toLowCardinality(lead_id), toLowCardinality(trace_id), hop_id, parent_id,
    toUnixTimestamp64Nano(ts) AS at_ns,
    duration_ns,
    toLowCardinality(attributes['lead.correlation_id']) AS entry,
    attributes['url.full'] AS url,
    attributes['http.url'] AS old_url,
    toLowCardinality(if(position(payload, ',"l":[{') = 0, '', JSONExtractRaw(payload, 'l'))) AS links,
    toLowCardinality(concat(
        '[', toJSONString((signal, service, name, kind, status, status_message, url != '' OR old_url != '')),
        ',', said_text, ',', events_text, ',', body_text, ']')) AS shape
FROM (
    SELECT *
    FROM timeline
    WHERE lead_id IN {leads:Array(String)}
    ORDER BY lead_id, ts, hop_id
    LIMIT 1 BY lead_id, trace_id, hop_id
)
LIMIT {most:UInt32} BY lead_id
LIMIT {rows:UInt32}
