"""What errors are called, across languages: Python, Java, Go, Node, .NET, Ruby, PHP, Rust."""

import re
from collections.abc import Iterable, Iterator

from model.hop import Hop, SpanEvent

_TIMEOUT = re.compile(
    r"time[d]?[_ -]?out|deadline[ _]?exceeded|ETIMEDOUT|ESOCKETTIMEDOUT|ECONNABORTED|cURL error 28",
    re.IGNORECASE,
)
# The two short words stand alone or in capitals, as in `SSLHandshakeException`: `lossless` is no error of security.
_TLS = re.compile(
    r"SSL|TLS|(?<![A-Za-z])(?:[Ss]sl|[Tt]ls)(?![a-z])|(?:Ssl|Tls)[A-Z]"
    r"|(?i:secure_connection|rustls|PKIX|certificat|x509|_CERT\b|CERT_|self.?signed|System\.Security\.Authentication)"
)
_REFUSED = re.compile(
    r"ECONNREFUSED|ENOTFOUND|EAI_AGAIN|EHOSTUNREACH|ENETUNREACH|ECONNRESET|EPIPE|broken pipe|socket hang up"
    r"|connect(ion)?[ _]?(error|refused|reset|aborted|closed)|server disconnected|unexpected EOF"
    r"|ConnectException|UnknownHost|UnresolvedAddress|NoRouteToHost|name[ _]?resolution|no such host|gaierror"
    r"|\b(?:Read|Write|RemoteProtocol)Error\b|IncompleteRead|ServerDisconnected"
    r"|SocketException|actively refused|name or service not known|network is unreachable|cURL error [67]\b"
    # A circuit breaker that is open does not even try: resilience4j, Polly, opossum, gobreaker, pybreaker.
    r"|CallNotPermitted|BrokenCircuit|Circuit[ _]?Breaker|breaker is open|circuit is open|CircuitOpen",
    re.IGNORECASE,
)
# Whoever gave up waiting did so on purpose: the answer came by another way, or its absence is told by what is missing.
_CANCELLED = re.compile(r"cancell?ed|CancelledError|AbortError|\bECANCELED\b", re.IGNORECASE)

_THROTTLED = re.compile(r"throttl|too ?many ?requests|rate ?limit ?exceeded|RateLimitError|SlowDown", re.IGNORECASE)
# `403 Client Error` (requests), `status code: 503`, `HTTP Error 429`, `(429)\nReason:` (generated SDKs).
_STATUS = re.compile(
    r"\b([45]\d\d) (?:Client|Server) Error|status(?: code)?(?: does not indicate success)?[:= ]+([45]\d\d)\b"
    r"|\bHTTP(?:/[\d.]+)?(?: Error)?[: ]+([45]\d\d)\b|\(([45]\d\d)\)\s+Reason",
    re.IGNORECASE,
)
# A vendor's code among other words: REQUEST_LIMIT_EXCEEDED.
_CODE = re.compile(r"\b[A-Z][A-Z0-9]{2,}(?:_[A-Z0-9]+)+\b")
_MAX_SEARCHED = 4_000

# In this order: a handshake that timed out is a timeout, and a connection that a bad certificate closed is a bad one.
_NAMES = ((_TIMEOUT, "timeout"), (_TLS, "tls"), (_REFUSED, "refused"))


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
    return next((name for pattern, name in _NAMES if pattern.search(words)), "")


def was_cancelled(words: str) -> bool:
    """Did whoever waited stop waiting on purpose?"""
    return bool(_CANCELLED.search(words)) and not _TIMEOUT.search(words)


def was_throttled(words: str) -> bool:
    """Was the caller asked to slow down?"""
    return bool(_THROTTLED.search(words))


def status_in(words: str) -> int:
    """The HTTP status that the words tell; 0 for none."""
    found = _STATUS.search(words[:_MAX_SEARCHED])
    return int(next(group for group in found.groups() if group)) if found else 0


def codes_in(words: str) -> list[str]:
    """What looks like a vendor's code in the words, in their order."""
    return _CODE.findall(words[:_MAX_SEARCHED])
