"""What this room counts. Labels are few and bounded: signals, transports, codes, and reasons from fixed lists."""

from prometheus_client import Counter, Gauge, Histogram

requests = Counter("leadtrace_door_requests", "Requests answered", ["transport", "signal", "code"])
request_bytes = Counter("leadtrace_door_bytes", "Bytes of requests taken, decompressed", ["signal"])
accepted = Counter("leadtrace_door_accepted", "Spans and log records acknowledged", ["signal"])
refused = Counter("leadtrace_door_refused", "Spans and log records refused by partial success", ["signal", "reason"])
scrubbed = Counter("leadtrace_door_scrubbed_requests", "Requests in which personal data was replaced", ["signal"])
held_bytes = Gauge("leadtrace_door_held_bytes", "Bytes of bodies in flight")

spool_bytes = Gauge("leadtrace_spool_bytes", "Bytes acknowledged and not yet in the store")
spool_segments = Gauge("leadtrace_spool_segments", "Sealed segments waiting for the loader")
spool_oldest_age = Gauge("leadtrace_spool_oldest_age_seconds", "Age of the oldest request not yet in the store")
spool_fsync = Histogram("leadtrace_spool_fsync_seconds", "Time of one group's write and fsync")
spool_failures = Counter("leadtrace_spool_failures", "Groups that the disk refused")
spool_cut_bytes = Counter("leadtrace_spool_cut_bytes", "Bytes of torn, never acknowledged tails cut at a start")
spool_damaged_bytes = Counter("leadtrace_spool_damaged_bytes", "Bytes of damaged segments moved to the quarantine")

inserts = Counter("leadtrace_loader_inserts", "Inserts that the store took", ["signal"])
insert_bytes = Counter("leadtrace_loader_bytes", "Bytes that the store took", ["signal"])
insert_retries = Counter("leadtrace_loader_retries", "Inserts to be tried again", ["signal"])
segments_lost = Counter(
    "leadtrace_loader_segments_lost", "Segments whose file was gone when they were to be loaded", ["signal"]
)
quarantined = Counter("leadtrace_loader_quarantined", "Requests moved to the quarantine", ["signal"])
