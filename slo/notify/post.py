"""One POST over HTTP, carefully: to an address that was looked up once, in bounded time, with a bounded answer.

A receiver's host may resolve to something inside our own network, by mistake or because somebody hopes so; unless it is
allowed, no request goes there. The name is resolved once and that address is connected to, so that a second answer of
the name server cannot lead elsewhere. Redirects are not followed, and no proxy of the environment is used.
"""

import http.client
import ipaddress
import socket
import ssl
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from urllib.parse import urlsplit

from slo.notify.notifier import NotifyError

CONNECT_S = 10.0
DEADLINE_S = 20.0
MAX_ANSWER_BYTES = 64 * 1024
MOST_ADDRESSES = 4
LONGEST_WAIT = timedelta(hours=1)
TOLD_CHARACTERS = 200

_NAT64 = ipaddress.ip_network("64:ff9b::/96")


@dataclass(frozen=True, slots=True)
class Target:
    """Where to post. `ca_file` names certificates to trust besides the usual ones."""

    url: str
    allow_private: bool = False
    ca_file: str = ""


@dataclass(frozen=True, slots=True)
class Answer:
    """What came back; `text` is cut to what a person would read."""

    status: int
    retry_after: timedelta | None
    text: str

    @property
    def ok(self) -> bool:
        return 200 <= self.status < 300

    def sentence(self) -> str:
        return f"it answered {self.status}" + (f": {self.text}" if self.text else "")


def post(target: Target, body: bytes, headers: Mapping[str, str], now: datetime) -> Answer:
    """Raises NotifyError where no answer came; which answers are good is the caller's to say."""
    parts = urlsplit(target.url)
    host, path = parts.hostname or "", (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    try:
        port = parts.port or (443 if parts.scheme == "https" else 80)
        found = addresses(host, port, allow_private=target.allow_private)
        connection = _Pinned(host, port, found, _context(target) if parts.scheme == "https" else None)
        with _bounded(connection):
            connection.request("POST", path, body, {"User-Agent": "leadtrace", "Connection": "close", **headers})
            return _answer(connection.getresponse(), now)
    except TimeoutError as error:
        raise NotifyError(f"it did not answer within {CONNECT_S:g} s") from error
    except (OSError, http.client.HTTPException, ValueError) as error:
        raise NotifyError(f"it could not be reached: {_named(error)}") from error


def refused(answer: Answer, *, permanent: bool) -> NotifyError:
    """The error for an answer that is not good. 408, 425, 429 and 5xx are never permanent."""
    passing = answer.status in {408, 425, 429} or answer.status >= 500
    return NotifyError(answer.sentence(), permanent=permanent and not passing, retry_after=answer.retry_after)


def is_public(address: str) -> bool:
    """Is this an address of the public internet? What embeds an IPv4 address is what that address is."""
    ip = ipaddress.ip_address(address.partition("%")[0])
    if isinstance(ip, ipaddress.IPv6Address):
        if ip in _NAT64:
            return is_public(str(ipaddress.IPv4Address(int(ip) & 0xFFFFFFFF)))
        inner = ip.ipv4_mapped or ip.sixtofour or (ip.teredo[1] if ip.teredo else None)
        if inner is not None:
            return is_public(str(inner))
    return ip.is_global and not ip.is_multicast


def addresses(host: str, port: int, *, allow_private: bool) -> list[str]:
    """The host's addresses that may be used. Raises NotifyError where all are private and those are not allowed."""
    found = [str(place[4][0]) for place in socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)]
    allowed = [address for address in found if allow_private or is_public(address)]
    if not allowed:
        raise NotifyError(
            "its host is in a private network; if that is meant, write `allow_private: true` at the receiver",
            permanent=True,
        )
    return allowed[:MOST_ADDRESSES]


class _Pinned(http.client.HTTPConnection):
    """A connection to addresses that were chosen before; the host's name is for its Host header and certificate."""

    def __init__(self, host: str, port: int, found: Sequence[str], context: ssl.SSLContext | None) -> None:
        super().__init__(host, port, timeout=CONNECT_S)
        self._found = found
        self._context = context
        self.default_port = http.client.HTTPS_PORT if context else http.client.HTTP_PORT

    def connect(self) -> None:
        self.sock = self._reached()
        if self._context is not None:
            self.sock = self._context.wrap_socket(self.sock, server_hostname=self.host)

    def _reached(self) -> socket.socket:
        """The first address that takes the connection: of a host with two kinds of addresses one may not work here."""
        for address in self._found[:-1]:
            with suppress(OSError):
                return socket.create_connection((address, self.port), CONNECT_S / 2)
        return socket.create_connection((self._found[-1], self.port), CONNECT_S)


@contextmanager
def _bounded(connection: _Pinned) -> Iterator[None]:
    """Close the connection when it all takes too long: each byte may come in time, and the last one never."""
    late = threading.Event()

    def end() -> None:
        late.set()
        if connection.sock is not None:
            cut(connection.sock)

    timer = threading.Timer(DEADLINE_S, end)
    timer.daemon = True
    timer.start()
    too_late = NotifyError(f"it did not answer within {DEADLINE_S:g} s")
    try:
        yield
    except (OSError, http.client.HTTPException, ValueError) as error:
        if late.is_set():
            raise too_late from error
        raise
    finally:
        timer.cancel()
        connection.close()
    if late.is_set():  # what was cut off may look like a whole answer
        raise too_late


def cut(connection: socket.socket) -> None:
    """End whatever another thread waits for on this socket."""
    with suppress(OSError):  # it ended by itself
        connection.shutdown(socket.SHUT_RDWR)


def _answer(response: http.client.HTTPResponse, now: datetime) -> Answer:
    text = response.read(MAX_ANSWER_BYTES).decode("utf-8", "replace")
    line = " ".join("".join(one if one.isprintable() else " " for one in text).split())
    return Answer(response.status, _retry_after(response.getheader("Retry-After"), now), line[:TOLD_CHARACTERS])


def _retry_after(header: str | None, now: datetime) -> timedelta | None:
    """Seconds or a date, an hour at most: no receiver may put off a page for longer."""
    text = (header or "").strip()
    if text.isascii() and text.isdecimal():
        return min(timedelta(seconds=int(text[:9])), LONGEST_WAIT)
    try:
        at = parsedate_to_datetime(text)
    except ValueError:
        return None
    wait = (at if at.tzinfo else at.replace(tzinfo=UTC)) - now
    return min(max(wait, timedelta(0)), LONGEST_WAIT)


def _context(target: Target) -> ssl.SSLContext:
    context = ssl.create_default_context()
    if target.ca_file:
        context.load_verify_locations(target.ca_file)
    return context


def _named(error: Exception) -> str:
    """What went wrong, without what the error quotes: an address may be a secret."""
    if isinstance(error, ssl.SSLError):
        return f"TLS failed ({error.reason or type(error).__name__})"
    if isinstance(error, socket.gaierror):
        return "its host has no address"
    return (error.strerror or type(error).__name__) if isinstance(error, OSError) else type(error).__name__
