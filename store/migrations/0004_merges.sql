-- Who was merged into whom, and leads with several e-mail addresses or phone numbers found by each.

-- Which leads were merged, and taken out again? Each merge stands here under both leads; `survivor` is '' where a merge was
-- taken back. From the timeline, so that merges told by hops without a lead of their own count as well.
CREATE TABLE merges (
    lead_id  String,
    merged   String,
    survivor String,
    ts       DateTime64(9, 'UTC'),
    hop_id   String,
    trace_id String
) ENGINE = ReplacingMergeTree
ORDER BY (lead_id, merged, survivor, ts, hop_id)
SETTINGS index_granularity = 1024, non_replicated_deduplication_window = 10000,
         fsync_after_insert = 1, fsync_part_directory = 1;

CREATE MATERIALIZED VIEW merges_from_timeline TO merges AS
SELECT arrayJoin(if(survivor = '', [merged], [merged, survivor])) AS lead_id, merged, survivor, ts, hop_id, trace_id
FROM (
    SELECT lead_id AS merged, ts, hop_id, trace_id, JSONExtractString(payload, 'a', 'lead.merged_into') AS into_lead,
           JSONExtractString(payload, 'a', 'lead.event') AS said, if(said = '' AND signal = 'event', name, said) AS event,
           if(event = 'IdentityUnmerged', '', into_lead) AS survivor
    FROM timeline
    WHERE multiSearchAny(payload, ['lead.merged_into', 'IdentityUnmerged']) OR name = 'IdentityUnmerged'
)
WHERE event = 'IdentityUnmerged' OR (survivor != '' AND survivor != merged AND NOT startsWith(survivor, 'otlp-'));

-- As before, but of an array of tokens and masks each stands for itself.
ALTER TABLE lead_keys_from_mentions MODIFY QUERY
WITH text -> if(startsWith(text, 'otlp-array:'), tryBase64Decode(substring(text, 12)), '') AS bytes_of,
     text -> if(startsWith(text, 'otlp-array:'), extractAll(bytes_of(text), 'tok_[0-9a-f]{32}'), [text]) AS tokens_of,
     text -> if(startsWith(text, 'otlp-array:'), extractAll(bytes_of(text), '.•••@[^\\x00-\\x20]+|•••• [0-9]{2}'), [text]) AS masks_of
SELECT lowerUTF8(key_of.2) AS search, key_of.1 AS kind, lead_id, max(key_of.2) AS key, max(key_of.3) AS mask,
       max(mentions.seen_at) AS seen_at
FROM mentions
ARRAY JOIN arrayFilter(one -> one.2 != '', arrayConcat(
    [('lead', lead_id, ''), ('entry', correlation_id, ''), ('crm', crm, '')],
    arrayMap((token, nth) -> ('email', token, masks_of(email_mask)[nth]), tokens_of(email), arrayEnumerate(tokens_of(email))),
    arrayMap((token, nth) -> ('phone', token, masks_of(phone_mask)[nth]), tokens_of(phone), arrayEnumerate(tokens_of(phone))))) AS key_of
WHERE lead_id != ''
GROUP BY search, kind, lead_id;
