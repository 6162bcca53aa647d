-- What budgets are counted from: moments of steps, events of leads, when feeds spoke, judged units and their counts.

ALTER TABLE verdicts ADD COLUMN IF NOT EXISTS reached_at Array(DateTime64(3, 'UTC')) AFTER reached;

ALTER TABLE verdicts ADD INDEX IF NOT EXISTS decided decided_at TYPE minmax GRANULARITY 1;

ALTER TABLE verdicts MATERIALIZE INDEX decided;

-- Which events happened to each lead, by name? From the timeline, so that adopted hops count as well. `ok` says that
-- nothing of the hop speaks of a failure or a refusal; `done_at` is its end.
CREATE TABLE lead_events (
    lead_id         String,
    ts              DateTime64(3, 'UTC'),
    hop_id          String,
    trace_id        String,
    event           LowCardinality(String),
    done_at         DateTime64(3, 'UTC'),
    ok              Bool,
    service         LowCardinality(String),
    system          LowCardinality(String),
    record          String,
    idempotency_key String,
    campaign        LowCardinality(String),
    segment         LowCardinality(String),
    source          LowCardinality(String),
    arrived_at      DateTime64(3, 'UTC'),
    INDEX arrived arrived_at TYPE minmax GRANULARITY 1
) ENGINE = ReplacingMergeTree
ORDER BY (lead_id, ts, hop_id, trace_id)
SETTINGS index_granularity = 1024, non_replicated_deduplication_window = 10000,
         fsync_after_insert = 1, fsync_part_directory = 1;

CREATE MATERIALIZED VIEW lead_events_from_timeline TO lead_events AS
SELECT lead_id, toDateTime64(hops.ts, 3, 'UTC') AS ts, hop_id, trace_id,
       if(said['lead.event'] = '' AND signal = 'event', name, said['lead.event']) AS event,
       toDateTime64(addNanoseconds(hops.ts, duration_ns), 3, 'UTC') AS done_at,
       status != 'error' AND lower(said['lead.outcome']) NOT IN ('skipped', 'rejected', 'failed', 'retrying', 'dead_lettered')
           AND toUInt16OrZero(said['http.response.status_code']) < 400 AS ok,
       service, said['lead.system'] AS system, said['lead.crm.id'] AS record,
       if(said['lead.idempotency_key'] = '', said['messaging.message.id'], said['lead.idempotency_key']) AS idempotency_key,
       said['lead.campaign'] AS campaign, said['lead.segment'] AS segment, said['lead.source'] AS source, arrived_at
FROM (
    SELECT *, JSONExtract(payload, 'a', 'Map(String, String)') AS said
    FROM timeline
    WHERE signal = 'event' OR position(payload, '"lead.event":') > 0
) AS hops
WHERE event != '';

-- In which minutes did each service speak, and when did the first word of each minute arrive?
CREATE TABLE feed_minutes (
    service    LowCardinality(String),
    minute     DateTime('UTC'),
    arrived_at SimpleAggregateFunction(min, DateTime('UTC'))
) ENGINE = AggregatingMergeTree
ORDER BY (service, minute)
TTL minute + INTERVAL 400 DAY
SETTINGS index_granularity = 1024, non_replicated_deduplication_window = 10000,
         fsync_after_insert = 1, fsync_part_directory = 1;

CREATE MATERIALIZED VIEW feed_minutes_from_spans TO feed_minutes AS
SELECT service, toStartOfMinute(toDateTime(least(ts, now64(9)), 'UTC')) AS minute, min(now('UTC')) AS arrived_at
FROM spans
WHERE service != ''
GROUP BY service, minute;

CREATE MATERIALIZED VIEW feed_minutes_from_events TO feed_minutes AS
SELECT service, toStartOfMinute(toDateTime(least(ts, now64(9)), 'UTC')) AS minute, min(now('UTC')) AS arrived_at
FROM events
WHERE service != ''
GROUP BY service, minute;

-- Which leads are counted together? `stands_for` is the id under which a merged lead goes on; of several rows of a lead
-- the one of the highest rank counts. A batch is scratch: it is counted at once, or again under another number.
CREATE TABLE slo_batches (
    batch      UInt64,
    lead_id    String,
    stands_for String,
    rank       UInt8,
    at         DateTime('UTC') DEFAULT now('UTC')
) ENGINE = MergeTree
PARTITION BY toYYYYMMDD(at)
ORDER BY (batch, lead_id)
TTL at + INTERVAL 1 DAY
SETTINGS ttl_only_drop_parts = 1;

-- What is said of the entries of a batch's leads? Scratch that every objective reads.
CREATE TABLE slo_entries (
    batch       UInt64,
    flow        LowCardinality(String),
    lead_id     String,
    entry       String,
    status      LowCardinality(String),
    cause       LowCardinality(String),
    step        LowCardinality(String),
    system      LowCardinality(String),
    campaign    LowCardinality(String),
    segment     LowCardinality(String),
    source      LowCardinality(String),
    captured_at DateTime64(3, 'UTC'),
    entered_at  Nullable(DateTime64(3, 'UTC')),
    since       DateTime64(3, 'UTC'),
    reached     Array(LowCardinality(String)),
    reached_at  Array(DateTime64(3, 'UTC')),
    service     LowCardinality(String),
    other_cause LowCardinality(String),
    other_step  LowCardinality(String),
    at          DateTime('UTC') DEFAULT now('UTC')
) ENGINE = MergeTree
PARTITION BY toYYYYMMDD(at)
ORDER BY (batch, flow, lead_id)
TTL at + INTERVAL 1 DAY
SETTINGS ttl_only_drop_parts = 1;

-- Which units do the leads of a batch have now? Of several rows of a unit the one of the highest rank counts. Scratch.
CREATE TABLE slo_judged (
    batch        UInt64,
    objective    LowCardinality(String),
    lead_id      String,
    unit         UInt64,
    rank         UInt8,
    good         UInt8,
    silent       UInt8,
    began_at     DateTime64(3, 'UTC'),
    decided_at   DateTime64(3, 'UTC'),
    over_at      DateTime64(3, 'UTC') DEFAULT decided_at,
    parts        LowCardinality(String),
    system       LowCardinality(String),
    cause        LowCardinality(String),
    step         LowCardinality(String),
    service      LowCardinality(String),
    failure_unit UInt64 DEFAULT if(good, 0, bitAnd(cityHash64(cause, system, toStartOfMinute(decided_at)), 0x7fffffffffffffff)),
    hour         DateTime('UTC') DEFAULT toStartOfHour(decided_at),
    at           DateTime('UTC') DEFAULT now('UTC')
) ENGINE = MergeTree
PARTITION BY toYYYYMMDD(at)
ORDER BY (batch, objective, lead_id)
TTL at + INTERVAL 1 DAY
SETTINGS ttl_only_drop_parts = 1;

-- Every judged unit of each objective (its name and generation), good ones and bad ones apart and by the hour of their
-- decision, so that what an evaluation reads lies together. A unit that is judged otherwise is `gone` where it was.
-- A bad unit that `silent` says so of was told by nobody: only time passed. Slices are bad from `decided_at` to `over_at`.
-- `parts` are its group's values as a JSON array. Bad units of one `failure_unit` failed together; those that an attribute
-- names have the highest bit set.
CREATE TABLE slo_units (
    objective    LowCardinality(String),
    good         UInt8,
    hour         DateTime('UTC'),
    lead_id      String,
    unit         UInt64,
    version      UInt64,
    gone         UInt8,
    silent       UInt8,
    began_at     DateTime64(3, 'UTC'),
    decided_at   DateTime64(3, 'UTC'),
    over_at      DateTime64(3, 'UTC'),
    parts        LowCardinality(String),
    system       LowCardinality(String),
    cause        LowCardinality(String),
    step         LowCardinality(String),
    service      LowCardinality(String),
    failure_unit UInt64,
    INDEX versions version TYPE minmax GRANULARITY 1
) ENGINE = ReplacingMergeTree(version)
ORDER BY (objective, good, hour, lead_id, unit)
TTL hour + INTERVAL 400 DAY
SETTINGS index_granularity = 1024, fsync_after_insert = 1, fsync_part_directory = 1;

-- Where among the units do those of a lead lie, or did they ever? Written before the units are.
CREATE TABLE slo_lead_hours (
    objective LowCardinality(String),
    lead_id   String,
    good      UInt8,
    hour      DateTime('UTC')
) ENGINE = ReplacingMergeTree
ORDER BY (objective, lead_id, good, hour)
TTL hour + INTERVAL 400 DAY
SETTINGS index_granularity = 256, fsync_after_insert = 1, fsync_part_directory = 1;

-- How many units of each group, of every level, were decided in each hour and each day (`span`, in seconds)? Hours are made
-- of the units, days of the hours. `failures` are the distinct things that failed, each within one minute, `squares` the
-- sum of the squares of how many bad units each had; things that an attribute names may go on for longer, so they stand
-- in `batches` with their sizes.
CREATE TABLE slo_counts (
    objective   LowCardinality(String),
    span        UInt32,
    at          DateTime('UTC'),
    parts       LowCardinality(String),
    level       UInt8,
    version     UInt64,
    good        UInt32,
    bad         UInt32,
    failures    UInt32,
    squares     UInt64,
    batches     Array(UInt64),
    batch_sizes Array(UInt32),
    first_at    DateTime64(3, 'UTC')
) ENGINE = ReplacingMergeTree(version)
ORDER BY (objective, span, at, parts)
TTL at + INTERVAL 400 DAY
SETTINGS index_granularity = 1024, fsync_after_insert = 1, fsync_part_directory = 1;

-- How many units that were decided in an hour began in which?
CREATE TABLE slo_began (
    objective  LowCardinality(String),
    hour       DateTime('UTC'),
    began_hour DateTime('UTC'),
    parts      LowCardinality(String),
    version    UInt64,
    good       UInt32,
    bad        UInt32
) ENGINE = ReplacingMergeTree(version)
ORDER BY (objective, hour, began_hour, parts)
TTL hour + INTERVAL 400 DAY
SETTINGS index_granularity = 1024, fsync_after_insert = 1, fsync_part_directory = 1;

-- How far did the counting of each objective come? Units up to version `completed` are in its counts; `position` is the
-- last lead whose history was counted, while `counting`; `counted` says that this came to its end once.
CREATE TABLE slo_progress (
    objective String,
    written   UInt64,
    position  String,
    counting  Bool,
    counted   Bool,
    completed UInt64
) ENGINE = ReplacingMergeTree(written)
ORDER BY objective
SETTINGS fsync_after_insert = 1, fsync_part_directory = 1;

-- The events that are on the timeline already.
INSERT INTO lead_events
SELECT lead_id, toDateTime64(hops.ts, 3, 'UTC') AS ts, hop_id, trace_id,
       if(said['lead.event'] = '' AND signal = 'event', name, said['lead.event']) AS event,
       toDateTime64(addNanoseconds(hops.ts, duration_ns), 3, 'UTC') AS done_at,
       status != 'error' AND lower(said['lead.outcome']) NOT IN ('skipped', 'rejected', 'failed', 'retrying', 'dead_lettered')
           AND toUInt16OrZero(said['http.response.status_code']) < 400 AS ok,
       service, said['lead.system'] AS system, said['lead.crm.id'] AS record,
       if(said['lead.idempotency_key'] = '', said['messaging.message.id'], said['lead.idempotency_key']) AS idempotency_key,
       said['lead.campaign'] AS campaign, said['lead.segment'] AS segment, said['lead.source'] AS source, arrived_at
FROM (
    SELECT *, JSONExtract(payload, 'a', 'Map(String, String)') AS said
    FROM timeline
    WHERE signal = 'event' OR position(payload, '"lead.event":') > 0
) AS hops
WHERE event != '';
