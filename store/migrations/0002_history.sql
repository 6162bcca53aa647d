-- What was said of entries before, and which flow files were in force when.

CREATE TABLE verdict_history (
    lead_id    String,
    flow       LowCardinality(String),
    entry      String,
    version    UInt64,
    gone       UInt8,
    decided_at DateTime64(3, 'UTC'),
    body       String
) ENGINE = ReplacingMergeTree
PARTITION BY toYYYYMM(decided_at)
ORDER BY (lead_id, flow, entry, version)
SETTINGS index_granularity = 1024, non_replicated_deduplication_window = 10000,
         fsync_after_insert = 1, fsync_part_directory = 1;

CREATE MATERIALIZED VIEW verdict_history_from_verdicts TO verdict_history AS
SELECT lead_id, flow, entry, version, gone, decided_at, body FROM verdicts;

CREATE TABLE flow_versions (
    flow       String,
    version    String,
    text       String,
    applies_at DateTime64(3, 'UTC'),
    written_at DateTime64(3, 'UTC')
) ENGINE = MergeTree
ORDER BY (flow, written_at)
SETTINGS fsync_after_insert = 1, fsync_part_directory = 1;
