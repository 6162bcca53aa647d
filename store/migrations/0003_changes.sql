-- What changed: told by people and pipelines, and noticed in contracts.

-- What changed, and when, as people and pipelines told it (POST /api/v1/changes).
CREATE TABLE changes (
    at          DateTime64(3, 'UTC'),
    source      String,
    id          String,
    kind        LowCardinality(String),
    what        String,
    service     String,
    flow        String,
    campaign    String,
    link        String,
    received_at DateTime64(3, 'UTC') DEFAULT now64(3)
) ENGINE = ReplacingMergeTree(received_at)
ORDER BY (at, source, id)
SETTINGS fsync_after_insert = 1, fsync_part_directory = 1;

-- When was each version of each contract first spoken, and by whom?
CREATE TABLE contracts (
    contract   String,
    service    String,
    first_seen SimpleAggregateFunction(min, DateTime64(3, 'UTC')),
    last_seen  SimpleAggregateFunction(max, DateTime64(3, 'UTC'))
) ENGINE = AggregatingMergeTree
ORDER BY (contract, service)
SETTINGS non_replicated_deduplication_window = 10000, fsync_after_insert = 1, fsync_part_directory = 1;

CREATE MATERIALIZED VIEW contracts_from_spans TO contracts AS
SELECT attributes['lead.contract'] AS contract, service, toDateTime64(min(ts), 3, 'UTC') AS first_seen,
       toDateTime64(max(ts), 3, 'UTC') AS last_seen
FROM spans
WHERE contract != ''
GROUP BY contract, service;

CREATE MATERIALIZED VIEW contracts_from_events TO contracts AS
SELECT attributes['lead.contract'] AS contract, service, toDateTime64(min(ts), 3, 'UTC') AS first_seen,
       toDateTime64(max(ts), 3, 'UTC') AS last_seen
FROM events
WHERE contract != ''
GROUP BY contract, service;
