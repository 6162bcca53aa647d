-- Alerts: their transitions, what became of the messages, and what people decided about them.

-- How did each alert go from state to state, and which messages say so? One INSERT makes a transition and its messages
-- durable. `happening` is '' where the state moved and there is nothing to tell; `live` says that the alert fires.
CREATE TABLE alert_transitions (
    id         String,
    version    UInt64,
    at         DateTime64(3, 'UTC'),
    incident   String,
    objective  LowCardinality(String),
    generation LowCardinality(String),
    group_key  String,
    kind       LowCardinality(String),
    flow       LowCardinality(String),
    happening  LowCardinality(String),
    firing     LowCardinality(String),
    severity   LowCardinality(String),
    live       Bool,
    headline   String,
    state      String,
    alert      String,
    messages   Array(Tuple(message String, receiver String, send_at DateTime64(3, 'UTC')))
) ENGINE = MergeTree
ORDER BY (at, version, id)
SETTINGS fsync_after_insert = 1, fsync_part_directory = 1;

-- What became of each message? `outcome` is sent, failed (tried again at `next_at`), dead, or waiting (somebody asked
-- for another try). A message without a row was never tried.
CREATE TABLE deliveries (
    message  String,
    version  UInt64,
    receiver LowCardinality(String),
    outcome  LowCardinality(String),
    attempts UInt32,
    at       DateTime64(3, 'UTC'),
    next_at  DateTime64(3, 'UTC'),
    error    String
) ENGINE = ReplacingMergeTree(version)
ORDER BY message
SETTINGS fsync_after_insert = 1, fsync_part_directory = 1;

-- Who said that somebody works on an incident?
CREATE TABLE acknowledgements (
    incident String,
    at       DateTime64(3, 'UTC'),
    author   String,
    note     String,
    severity LowCardinality(String)
) ENGINE = MergeTree
ORDER BY (incident, at)
SETTINGS fsync_after_insert = 1, fsync_part_directory = 1;

-- Which alerts are kept quiet until when, by whom, and why? One that ended or was removed stays as history.
CREATE TABLE silences (
    id         String,
    version    UInt64,
    matchers   Map(String, String),
    author     String,
    reason     String,
    starts_at  DateTime64(3, 'UTC'),
    ends_at    DateTime64(3, 'UTC'),
    created_at DateTime64(3, 'UTC'),
    removed_at Nullable(DateTime64(3, 'UTC')),
    removed_by String
) ENGINE = ReplacingMergeTree(version)
ORDER BY id
SETTINGS fsync_after_insert = 1, fsync_part_directory = 1;

-- Which stretches of time do not count in a budget, by whom, and why? One that was withdrawn stays as history.
CREATE TABLE corrections (
    id         String,
    version    UInt64,
    objective  LowCardinality(String),
    group_key  String,
    starts_at  DateTime64(3, 'UTC'),
    ends_at    DateTime64(3, 'UTC'),
    author     String,
    reason     String,
    created_at DateTime64(3, 'UTC'),
    removed_at Nullable(DateTime64(3, 'UTC')),
    removed_by String
) ENGINE = ReplacingMergeTree(version)
ORDER BY (objective, id)
SETTINGS fsync_after_insert = 1, fsync_part_directory = 1;

-- Which engine evaluates the objectives? In the newest term the earliest claim holds, as long as it is seen again.
CREATE TABLE leases (
    name    LowCardinality(String),
    term    UInt64,
    holder  String,
    claimed SimpleAggregateFunction(min, DateTime64(6, 'UTC')) DEFAULT now64(6),
    seen    SimpleAggregateFunction(max, DateTime64(6, 'UTC')) DEFAULT now64(6),
    ended   SimpleAggregateFunction(max, UInt8)
) ENGINE = AggregatingMergeTree
ORDER BY (name, term, holder)
TTL toDateTime(seen) + INTERVAL 7 DAY
SETTINGS fsync_after_insert = 1, fsync_part_directory = 1;
