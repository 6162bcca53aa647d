"""The bounds of the door, the spool and the loader. Every queue, body and wait in this room ends at one of these."""

from dataclasses import dataclass

KIB = 1024
MIB = 1024 * KIB
GIB = 1024 * MIB


@dataclass(frozen=True, slots=True)
class DoorLimits:
    max_body_bytes: int = 64 * MIB
    """One request, before and after decompression; OTLP's default."""
    max_held_bytes: int = 256 * MIB
    """All bodies in flight together; beyond, the door answers 503."""
    body_timeout_s: float = 30.0
    """A body must be there by then, else 408."""
    retry_after_s: int = 2
    off_loop_bytes: int = 256 * KIB
    """Bodies that may be larger than this after decompression are parsed in a thread, not on the event loop."""
    parser_threads: int = 2


@dataclass(frozen=True, slots=True)
class SpoolLimits:
    max_bytes: int = 2 * GIB
    """Acknowledged and not yet in the store; beyond, the door answers 503."""
    segment_bytes: int = 8 * MIB
    """A segment is sealed at this size: one segment is one INSERT."""
    segment_age_s: float = 0.4
    """A segment is sealed this long after its first request, however small."""


@dataclass(frozen=True, slots=True)
class LoaderLimits:
    first_retry_s: float = 0.2
    max_retry_s: float = 10.0
    quarantine_bytes: int = 1 * GIB
    """At this size loading stops instead of losing anything; the spool then fills and the door says so."""
    deaths_before_bisecting: int = 3
    """How often the process may die while inserting one segment before its requests are tried apart."""
