"""What a hop was about, whatever came of it: a lookup, a probe, a call for a token, a write, and to whom."""

import re

from model.causes import system_at
from model.hop import Hop
from model.shape import by_shape

_READING = frozenset({"GET", "HEAD", "OPTIONS"})
_HEALTH = re.compile(r"/(healthz?|livez?|readyz?|liveness|readiness|ping|_health)/?$", re.IGNORECASE)
# These end paths of business as well, such as `PATCH /leads/7/status`: only reading them is a probe.
_HEALTH_IF_READ = re.compile(r"/(metrics|status)/?$", re.IGNORECASE)
# As Kafka's `.DLT`, SQS's `-dlq`, Azure's `$DeadLetterQueue` and RabbitMQ's dead letter exchanges are called.
_DEAD_LETTERS = re.compile(
    r"(?i:(?<![a-z])(?:dlq|dlt|dlx|dead[\W_]?letters?|poison|parking[\W_]?lot)(?![a-z]))|DLQ|DeadLetter"
)
_FETCHING = frozenset({"receive", "settle", "create"})
_URL = re.compile(r"(?:[a-zA-Z][a-zA-Z0-9+.-]*:)?//([^/?#]*)([^?#]*)")
_TOKEN = re.compile(r"/(oauth2?|tokens?|auth|login)(/|$)", re.IGNORECASE)


@by_shape
def reads(hop: Hop) -> bool:
    """Does the hop only look something up?"""
    said = hop.attributes.get("http.request.method") or hop.attributes.get("http.method") or hop.name.partition(" ")[0]
    return said.upper() in _READING


@by_shape
def fetches(hop: Hop) -> bool:
    """Does the hop only get a message, or tell the broker that it may forget it? A consumer's receive that carries the
    handling below it does more.
    """
    return _operation(hop) in _FETCHING and hop.kind != "consumer"


@by_shape
def is_dead_letters(hop: Hop) -> bool:
    """Does the hop work on a queue for messages that were given up?"""
    return bool(_DEAD_LETTERS.search(destination_of(hop)))


@by_shape
def sends(hop: Hop) -> bool:
    """Does the hop publish a message?"""
    return bool(destination_of(hop)) and (hop.kind == "producer" or _operation(hop) in {"send", "publish"})


@by_shape
def destination_of(hop: Hop) -> str:
    """The queue or topic that the hop works on; '' for none."""
    return hop.attributes.get("messaging.destination.name") or hop.attributes.get("messaging.destination") or ""


def _operation(hop: Hop) -> str:
    return hop.attributes.get("messaging.operation.type") or hop.attributes.get("messaging.operation") or ""


@by_shape
def is_datastore(hop: Hop) -> bool:
    """Does the hop speak to a database or a cache?"""
    return "db.system.name" in hop.attributes or "db.system" in hop.attributes


@by_shape
def is_beside(hop: Hop) -> bool:
    """A hop that does nothing for the lead by itself: it looks something up, keeps a record in a database, gets a
    message, or asks for a token.
    """
    return not hop.event and not hop.outcome and (is_datastore(hop) or reads(hop) or is_only_means(hop))


def is_only_means(hop: Hop) -> bool:
    """A message that was got or a token: never what a step is there for."""
    return fetches(hop) or (hop.kind == "client" and asks_for_token(hop))


def is_no_goal(hop: Hop) -> bool:
    """A record that was kept, or a lookup elsewhere: a step may be just that, the goal of a flow never is."""
    return is_datastore(hop) or (hop.kind == "client" and reads(hop))


@by_shape
def is_health_check(hop: Hop) -> bool:
    """Is the hop a probe of a process, which says nothing of the lead it came with?"""
    if hop.event:
        return False
    path = hop.attributes.get("url.path") or hop.attributes.get("http.target") or hop.attributes.get("http.route") or ""
    places = (path.partition("?")[0], hop.name)
    if any(_HEALTH.search(place) for place in places):
        return True
    return any(_HEALTH_IF_READ.search(place) for place in places) and reads(hop)


@by_shape
def asks_for_token(hop: Hop) -> bool:
    """Does the hop get leave to call, rather than call?"""
    url = hop.attributes.get("url.full") or hop.attributes.get("http.url") or hop.attributes.get("url.path") or ""
    return leads_to_token(url)


def leads_to_token(url: str) -> bool:
    return bool(_TOKEN.search(url.partition("?")[0]))


def system_of(hop: Hop) -> str:
    """The vendor whose codes the hop's are: the one that it names, else the one at the address that it calls."""
    return hop.system or system_at(target_of(hop))


@by_shape
def target_of(hop: Hop) -> str:
    """The system that the hop calls, by its address."""
    for name in ("server.address", "net.peer.name", "http.host", "peer.service"):
        if address := hop.attributes.get(name):
            return address
    return _url(hop)[0]


def service_called(hop: Hop) -> str:
    """What the called system is likely to call itself: `crm-writer` for `crm-writer.default.svc.cluster.local`."""
    return hop.attributes.get("peer.service") or target_of(hop).partition(":")[0].partition(".")[0]


@by_shape
def operation_of(hop: Hop) -> tuple[str, str, str, str]:
    """What a hop tried to do. A later success at the same operation repairs an earlier failure.

    Service, kind, name and the target's address and path: a retry asks the same of the same.
    """
    host, path = _url(hop)
    return (hop.service, hop.kind, hop.name, f"{host}{path}" or hop.attributes.get("server.address", ""))


def _url(hop: Hop) -> tuple[str, str]:
    return parted(hop.attributes.get("url.full") or hop.attributes.get("http.url") or "")


def parted(url: str) -> tuple[str, str]:
    """Host, with its port, and path of a URL; twice as fast as urlsplit, and never raises."""
    found = _URL.match(url)
    return (found[1], found[2]) if found is not None else ("", "")
