"""What errors are called, across languages: Python, Java, Go, Node, .NET, Ruby, PHP, Rust."""

import re
from collections.abc import Iterable, Iterator
from http import HTTPStatus

from lineage.tables import GRPC_AS_HTTP, GRPC_NUMBERS
from model.hop import Hop, SpanEvent

# .NET's HttpClient says `A task was canceled` when its own time is up.
_TIMEOUT = re.compile(
    r"time[d]?[_ -]?out|deadline[ _]?exceeded|TimeLimitExceeded|execution expired|did not observe any item"
    r"|ETIMEDOUT|ESOCKETTIMEDOUT|ECONNABORTED|cURL error 28|TaskCanceledException|A task was canceled",
    re.IGNORECASE,
)
# The two short words stand alone or in capitals, as in `SSLHandshakeException`: `lossless` is no error of security.
_TLS = re.compile(
    r"SSL|TLS|(?<![A-Za-z])(?:[Ss]sl|[Tt]ls)(?![a-z])|(?:Ssl|Tls)[A-Z]"
    r"|(?i:secure_connection|rustls|PKIX|certificat|x509|_CERT\b|CERT_|self.?signed|System\.Security\.Authentication"
    r"|\bEPROTO\b|UNABLE_TO_VERIFY|hostname \S+ not verified)"
)
# aiohttp names its setting in every failure to connect: `Cannot connect to host crm:443 ssl:default [...]`.
_NO_TLS = re.compile(r"\bssl:(?:default|True|False|None|<ssl\.SSLContext[^>]*>)")
_REFUSED = re.compile(
    r"ECONNREFUSED|ENOTFOUND|EAI_AGAIN|EHOSTUNREACH|ENETUNREACH|ECONNRESET|EPIPE|broken pipe|socket hang up"
    r"|connect(ion)?[ _]?(error|refused|reset|aborted|closed|fail)|server disconnected|unexpected EOF|\": EOF\b"
    r"|(?:could not|cannot|can't|failed to|unable to) (?:connect|resolve|open tcp|establish a new connection)"
    r"|ConnectException|UnknownHost|UnresolvedAddress|no ?route ?to ?host|host (?:is )?(?:unreachable|down)\b"
    r"|name[ _]?resolution|no such host|gaierror|DNSError|nxdomain|ClientConnectorError|RemoteDisconnected"
    r"|\b(?:Read|Write|RemoteProtocol|EOF|Socket|Network)Error\b|IncompleteRead|ServerDisconnected|NoHttpResponse"
    r"|end of file reached|unexpected end of stream|other side closed|closed (?:the )?connection|Network Error"
    r"|ended prematurely|response_ended|prematurely closed|UND_ERR_SOCKET|ERR_NETWORK|fetch failed"
    r"|SocketException|actively refused|name or service not known|network is unreachable|cURL error [67]\b",
    re.IGNORECASE,
)
# A circuit breaker that is open does not even try: resilience4j, Polly, opossum, gobreaker, pybreaker.
_BREAKER = re.compile(
    r"CallNotPermitted|BrokenCircuit|Circuit[ _]?Breaker|breaker is open|EOPENBREAKER"
    r"|circuit is (?:now )?open|CircuitOpen",
    re.IGNORECASE,
)
# Whoever gave up waiting did so on purpose: the answer came by another way, or its absence is told by what is missing.
_CANCELLED = re.compile(r"cancell?ed|CancelledError|AbortError|\bECANCELED\b", re.IGNORECASE)

_THROTTLED = re.compile(r"throttl|too ?many ?requests|rate ?limit ?exceeded|RateLimitError|SlowDown", re.IGNORECASE)
# What statuses are called, by today's names and by those that Python does not list.
_OTHER_PHRASES = ("Unprocessable Content", "Content Too Large", "Payload Too Large")
_PHRASES = "|".join(sorted({re.escape(one.phrase) for one in HTTPStatus if one >= 400}.union(_OTHER_PHRASES)))
# `403 Client Error` (requests), `status code: 503`, `HTTP Error 429`, `(429)\nReason:` (generated SDKs), `Response code
# 422` (got), `googleapi: Error 403:`, `StatusCodeError: 409 - {…}`; and any status with its own phrase, as in Spring's
# `409 Conflict`, Guzzle's "`409 Conflict` response" and aiohttp's `409, message='Conflict'`.
_STATUS = re.compile(
    r"\b([45]\d\d) (?:Client|Server) Error|status(?: code)?(?: does not indicate success)?[:= ]+([45]\d\d)\b"
    r"|\bHTTP(?:/[\d.]+)?(?: Error)?[: ]+([45]\d\d)\b|\(([45]\d\d)\)\s+Reason|\bresponse code:? ([45]\d\d)\b"
    r"|: Error ([45]\d\d):|Error: ([45]\d\d) - |too many ([45]\d\d) error responses"
    rf"|\b([45]\d\d)(?:, message=)?[ '\"(:-]{{1,3}}(?:{_PHRASES})\b",
    re.IGNORECASE,
)
# gRPC's, as its libraries write them: `rpc error: code = Unavailable desc =` (Go), `StatusCode.UNAVAILABLE` (Python),
# `StatusCode="Unavailable"` (.NET), `StatusRuntimeException: UNAVAILABLE` (Java), `Error: 14 UNAVAILABLE:` (Node).
_GRPC = re.compile(
    r"code = (\w+) desc|StatusCode(?:\.|=\"?)(\w+)|Status(?:Runtime)?Exception: ([A-Z_]+)|Error: \d{1,2} ([A-Z_]+):"
)
_GRPC_BY_WORD = {name.replace("_", "").casefold(): number for name, number in GRPC_NUMBERS.items()}
# A vendor's code among other words: REQUEST_LIMIT_EXCEEDED.
_CODE = re.compile(r"\b[A-Z][A-Z0-9]{2,}(?:_[A-Z0-9]+)+\b")
_MAX_SEARCHED = 4_000

# In this order: an open breaker speaks of timeouts, a handshake that timed out is a timeout, and a connection that a
# bad certificate closed is a bad one.
_NAMES = ((_BREAKER, "refused"), (_TIMEOUT, "timeout"), (_TLS, "tls"), (_REFUSED, "refused"))


def error_words(hop: Hop) -> str:
    """What went wrong, by name, a line each: error.type, the exceptions recorded with their messages, then the status
    message.
    """
    # An exception that was recorded on a span which then ended well was caught and handled there.
    failed = hop.status == "error"
    escaped = [one for one in hop.events if failed or one.attributes.get("exception.escaped", "").lower() == "true"]
    words = [hop.attributes.get("error.type", ""), *_exceptions(escaped), hop.status_message if failed else ""]
    return "\n".join(word for word in words if word and word != "_OTHER" and not word.isdecimal())


def caught_words(hop: Hop) -> str:
    """The exceptions that a hop recorded, whether or not it then failed; '' for none."""
    return "\n".join(_exceptions(hop.events))


def _exceptions(events: Iterable[SpanEvent]) -> Iterator[str]:
    for event in events:
        if event.name == "exception":
            name = event.attributes.get("exception.type", "exception")
            message = event.attributes.get("exception.message", "")
            yield f"{name}: {message}" if message else name


def named_error(words: str) -> str:
    """`timeout`, `tls` or `refused` where the words tell one of them; '' for others."""
    told = _NO_TLS.sub("", words)
    return next((name for pattern, name in _NAMES if pattern.search(told)), "")


def was_cancelled(words: str) -> bool:
    """Did whoever waited stop waiting on purpose?"""
    return bool(_CANCELLED.search(words)) and not _TIMEOUT.search(words)


def was_throttled(words: str) -> bool:
    """Was the caller asked to slow down?"""
    return bool(_THROTTLED.search(words))


def status_in(words: str) -> int:
    """The HTTP status that the words tell, or gRPC's as the one it is mapped to; 0 for none."""
    if found := _STATUS.search(words[:_MAX_SEARCHED]):
        return int(_told(found))
    found = _GRPC.search(words[:_MAX_SEARCHED])
    number = _GRPC_BY_WORD.get(_told(found).replace("_", "").casefold(), 0) if found else 0
    return GRPC_AS_HTTP.get(number, 0)


def _told(found: re.Match[str]) -> str:
    return next(group for group in found.groups() if group)


def codes_in(words: str) -> list[str]:
    """What looks like a vendor's code in the words, in their order."""
    return _CODE.findall(words[:_MAX_SEARCHED])
