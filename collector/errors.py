"""Why the door refuses, and how it says so on each transport.

DoorError
├── Undecodable     the body is not the OTLP it claims to be
├── Unauthenticated no token, or a wrong one
├── UnknownPath     no signal is taken there
├── WrongMethod     only POST exports
├── SlowBody        the body did not arrive in time
├── TooLarge        the body is over the limit, before or after decompression
├── WrongMediaType  a content type or encoding that OTLP does not know
├── Overloaded      too many bytes in flight               ┐
├── SpoolFull       the spool is at its bound              ├ trying again later helps
└── SpoolFailed     the disk refused, or we are stopping   ┘
"""

# ruff: noqa: N818  (the names state the condition, as HTTP's do)

import traceback
from typing import Final, NamedTuple

import structlog
from google.protobuf import duration_pb2
from google.rpc import error_details_pb2, status_pb2  # type: ignore[import-untyped]


class DoorError(Exception):
    """A request that was not taken. The message is for the sender, and never quotes the sender's values."""


class Undecodable(DoorError):
    pass


class Unauthenticated(DoorError):
    pass


class UnknownPath(DoorError):
    pass


class WrongMethod(DoorError):
    pass


class SlowBody(DoorError):
    pass


class TooLarge(DoorError):
    pass


class WrongMediaType(DoorError):
    pass


class Overloaded(DoorError):
    pass


class SpoolFull(DoorError):
    pass


class SpoolFailed(DoorError):
    pass


class Answer(NamedTuple):
    """How an error is told: the HTTP status, the google.rpc.Code, and whether the sender should try again."""

    http: int
    rpc: int
    retryable: bool = False


#: OTLP lets clients retry only 429, 502, 503, 504 and UNAVAILABLE; RESOURCE_EXHAUSTED without RetryInfo means drop.
ANSWERS: Final[dict[type[DoorError], Answer]] = {
    Undecodable: Answer(400, 3),
    Unauthenticated: Answer(401, 16),
    UnknownPath: Answer(404, 5),
    WrongMethod: Answer(405, 12),
    SlowBody: Answer(408, 4),
    TooLarge: Answer(413, 8),
    WrongMediaType: Answer(415, 3),
    Overloaded: Answer(503, 14, retryable=True),
    SpoolFull: Answer(503, 14, retryable=True),
    SpoolFailed: Answer(503, 14, retryable=True),
}
BUG: Final = Answer(500, 13)


def answer_to(error: BaseException) -> Answer:
    return ANSWERS[type(error)] if isinstance(error, DoorError) else BUG


def status_of(error: BaseException, *, retry_after_s: int) -> status_pb2.Status:
    """The google.rpc.Status that the OTLP specification wants as the body of every refusal."""
    answer = answer_to(error)
    message = str(error) if isinstance(error, DoorError) else "leadtrace failed to take this request; its log says why"
    status = status_pb2.Status(code=answer.rpc, message=message)
    if answer.retryable:
        delay = duration_pb2.Duration(seconds=retry_after_s)
        status.details.add().Pack(error_details_pb2.RetryInfo(retry_delay=delay))
    return status


def report_bug(log: structlog.typing.FilteringBoundLogger, error: BaseException) -> None:
    """Log where an unforeseen error came from. Its message and the request may hold personal data, so neither shows."""
    places = [f"{frame.filename}:{frame.lineno}" for frame in traceback.extract_tb(error.__traceback__)]
    log.error("export_failed", error=type(error).__name__, where=places[-3:])
