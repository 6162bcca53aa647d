"""Reads the file of receivers: who is told, by which road, and where the secrets of those roads are kept.

A secret never stands in the file itself: `{file: /run/secrets/pagerduty}` or `{env: PAGERDUTY_KEY}` says where it is.
"""

import ipaddress
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import timedelta
from email.utils import parseaddr
from pathlib import Path
from urllib.parse import urlsplit

from slo.notify.alertmanager import Alertmanager
from slo.notify.mail import Email, Server, Tls
from slo.notify.notifier import Notifier
from slo.notify.pagerduty import PUBLIC_URL, PagerDuty
from slo.notify.post import Target, is_public
from slo.notify.slack import Slack
from slo.notify.webhook import Webhook, read_secret
from slo.openslo.findings import Report
from slo.openslo.lengths import span
from slo.openslo.nodes import Mapping as Keys
from slo.openslo.nodes import NotYamlError, read_nodes
from slo.openslo.place import Place, nearest

API_VERSION, KIND = "leadtrace/v1", "Receivers"
MOST_RECEIVERS = 50
MAX_SECRET_BYTES = 16 * 1024

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,99}")
_ADDRESS = re.compile(r"[A-Za-z0-9.!#$%&'*+/=?^_`{|}~-]{1,64}@[A-Za-z0-9-]+(?:\.[A-Za-z0-9-]+)*")
_ROUTING_KEY = re.compile(r"[A-Za-z0-9]{32}")
_POINT_TO_IT = "Write `{file: /path}` or `{env: NAME}`"


@dataclass(frozen=True, slots=True)
class Routing:
    """When what is told, as in Alertmanager: a group's first message waits `group_wait` (a page does not), later ones
    `group_interval`; what still fires is told again after `repeat_interval`.
    """

    group_wait: timedelta = timedelta(seconds=30)
    group_interval: timedelta = timedelta(minutes=5)
    repeat_interval: timedelta = timedelta(hours=4)


@dataclass(frozen=True, slots=True)
class Receivers:
    """Who can be told, by name. `files` are those that secrets were read from."""

    by_name: Mapping[str, Notifier] = field(default_factory=dict)
    routing: Routing = Routing()
    files: tuple[Path, ...] = ()


class ReceiverProblems(ValueError):  # noqa: N818  it carries problems, it is not one
    """A file of receivers that cannot be used; the message has a sentence for each mistake."""


def read_receivers(path: Path, environment: Mapping[str, str]) -> Receivers:
    """Who a file names. Raises ReceiverProblems with every mistake at once."""
    report = Report(strict=True)
    try:
        nodes = read_nodes(path.read_text(encoding="utf-8"), str(path))
    except (OSError, UnicodeDecodeError) as error:
        raise ReceiverProblems(f"{path}:1: the file cannot be read: {error}. Save it as UTF-8 text") from error
    except NotYamlError as error:
        raise ReceiverProblems(f"{path}:{error.line}: {error.what}. {error.mend}") from error
    if len(nodes) != 1 or not isinstance(nodes[0], Keys):
        raise ReceiverProblems(f"{path}:1: the file is no mapping. Begin it with `apiVersion: {API_VERSION}`")
    reader = _Reader(path.parent, environment)
    found = reader.file(Place(nodes[0], report, ""))
    if report.errors:
        raise ReceiverProblems("\n".join(map(str, sorted(report.errors, key=lambda one: one.line))))
    return found


@dataclass
class _Reader:
    """Reads one file. `folder` is where relative paths of secrets begin."""

    folder: Path
    environment: Mapping[str, str]
    files: list[Path] = field(default_factory=list)

    def file(self, top: Place) -> Receivers:
        _known(top, ("apiVersion", "kind", "routing", "receivers"))
        for key, expected in (("apiVersion", API_VERSION), ("kind", KIND)):
            if top.text(key) != expected:
                top.wrong(f"{key} is not {expected}", f"Write `{key}: {expected}`")
        named: dict[str, Notifier] = {}
        entries = top.items("receivers")
        if not entries or len(entries) > MOST_RECEIVERS:
            top.wrong(f"lists {len(entries)} receivers", f"List 1 to {MOST_RECEIVERS} under `receivers:`")
        for place in entries[:MOST_RECEIVERS]:
            made = self.receiver(replace(place, path=""))
            if made is not None and made.name in named:
                place.wrong(f"names `{made.name}` twice", "Give one of them another name")
            elif made is not None:
                named[made.name] = made
        return Receivers(named, _routing(top.get("routing")), tuple(self.files))

    def receiver(self, place: Place) -> Notifier | None:
        name, kind = place.text("name"), place.text("type")
        if not _NAME.fullmatch(name):
            place.wrong(f"its name `{name}` is not a name", "Use letters, digits, `.`, `_` and `-`, 100 at most")
            return None
        place = replace(place, about=f"receiver `{name}`")
        if kind not in _KINDS:
            place.wrong(f"its type `{kind}` is unknown", nearest(kind, tuple(_KINDS)))
            return None
        keys, make = _KINDS[kind]
        _known(place, ("name", "type", *keys))
        before = len(place.report.errors)
        made = make(self, name, place)
        return made if len(place.report.errors) == before else None

    # ── values ──────────────────────────────────────────────────────────────────────────────────────────────────

    def secret(self, place: Place | None, holder: Place, key: str) -> str:
        """The secret that a place points to; '' and a sentence where there is none."""
        if place is None:
            holder.wrong(f"gives no {key}", _POINT_TO_IT)
            return ""
        file, variable = place.text("file"), place.text("env")
        if bool(file) == bool(variable) or len(place.keys()) != 1:
            place.wrong("must not stand in this file", _POINT_TO_IT)
            return ""
        text = self._of_file(place, file) if file else self.environment.get(variable, "")
        if not text.strip() and variable:
            place.wrong(f"is empty: the environment has no {variable}", "Set it where leadtrace is started")
        return text.strip()

    def _of_file(self, place: Place, file: str) -> str:
        path = self.folder / file
        self.files.append(path)
        try:
            with path.open(encoding="utf-8") as opened:
                text = opened.read(MAX_SECRET_BYTES)
        except (OSError, UnicodeDecodeError) as error:
            reason = error.strerror if isinstance(error, OSError) else "it is not text"
            place.wrong(f"cannot be read from {file}: {reason}", "Name a file that the user of leadtrace may read")
            return ""
        if not text.strip():
            place.wrong(f"is empty: nothing stands in {file}", "Write the secret there")
        return text

    def target(self, place: Place, url: str, at: Place, *, private: bool = False, https: bool = False) -> Target:
        """Where to post, checked as far as that can be known without asking a name server."""
        allow = place.truth("allow_private") if place.get("allow_private") else private
        if allow is None:
            place.wrong("allow_private is neither true nor false", "Write `true` or `false`")
        schemes = ("https",) if https else ("https", "http")
        try:
            parts = urlsplit(url)
            host, _ = parts.hostname or "", parts.port
        except ValueError:
            parts, host = urlsplit(""), ""
        if parts.scheme not in schemes or not host or not url.isprintable() or " " in url:
            at.wrong("is not a web address", f"Write it as {schemes[0]}://host/path")
        elif parts.username or parts.password:
            at.wrong("holds a user or a password", "Take them out; no secret stands in an address")
        elif not allow and not _may_be_public(host):
            at.wrong("is in a private network", "If that is meant, write `allow_private: true`")
        return Target(url, bool(allow), self.ca_file(place))

    def ca_file(self, place: Place) -> str:
        named = place.text("ca_file")
        if named and not (self.folder / named).is_file():
            place.wrong(f"ca_file {named} does not exist", "Name a PEM file of certificates")
        return str(self.folder / named) if named else ""

    def url(self, place: Place, key: str = "url") -> tuple[str, Place]:
        """An address that may be written here or, where it is a secret itself, be pointed to."""
        given = place.get(key)
        if given is None or isinstance(given.node, Keys):
            return self.secret(given, place, key), given or place
        return given.text(), given


def _known(place: Place, known: tuple[str, ...]) -> None:
    seen: set[str] = set()
    for key in place.keys():  # noqa: SIM118  a Place is no mapping
        if key.text not in known:
            place.wrong(f"has an unknown key `{key.text}`", nearest(key.text, known))
        elif key.text in seen:
            place.wrong(f"gives `{key.text}` twice", "Keep one of the two")
        seen.add(key.text)


def _routing(place: Place | None) -> Routing:
    if place is None:
        return Routing()
    _known(place, tuple(Routing.__dataclass_fields__))
    lengths: dict[str, timedelta] = {}
    for key in Routing.__dataclass_fields__:
        given = place.get(key)
        length = span(given.text()) if given is not None else None
        if given is not None and length is None:
            given.wrong(f"`{given.text()}` is not a length of time", "Write it as 30s, 5m or 4h")
        elif length is not None:
            lengths[key] = length
    return Routing(**lengths)


def _may_be_public(host: str) -> bool:
    """A name may be; its addresses are looked at when it is used."""
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return host != "localhost"
    return is_public(host)


# ── kinds ───────────────────────────────────────────────────────────────────────────────────────────────────────────


def _alertmanager(reader: _Reader, name: str, place: Place) -> Notifier:
    targets = [reader.target(place, one.text(), one, private=True) for one in place.items("urls")]
    if not targets:
        place.wrong("gives no urls", "Write `urls: [http://alertmanager:9093]`, with every member of a cluster")
    token = place.get("token")
    authorization = f"Bearer {reader.secret(token, place, 'token')}" if token is not None else ""
    return Alertmanager(name, tuple(targets), authorization)


def _pagerduty(reader: _Reader, name: str, place: Place) -> Notifier:
    key = reader.secret(place.get("routing_key"), place, "routing_key")
    if key and not _ROUTING_KEY.fullmatch(key):
        place.wrong("its routing_key is not one of 32 letters and digits", "Use the integration key of Events API v2")
    url = place.text("url") or PUBLIC_URL
    return PagerDuty(name, key, reader.target(place, url.rstrip("/"), place.get("url") or place))


def _slack(reader: _Reader, name: str, place: Place) -> Notifier:
    given = place.get("url")
    url = reader.secret(given, place, "url")
    private = bool(place.truth("allow_private"))
    return Slack(name, reader.target(place, url, given or place, https=not private) if url else Target(""))


def _email(reader: _Reader, name: str, place: Place) -> Notifier:
    host, _, port = place.text("server").rpartition(":")
    if not host or not port.isdecimal() or not 0 < int(port[:6]) < 65536:
        place.wrong("its server is not host:port", "Write it as smtp.example.com:587")
    tls = place.text("tls") or "starttls"
    if tls not in {"starttls", "implicit", "off"}:
        place.wrong(f"tls `{tls}` is unknown", nearest(tls, ("starttls", "implicit", "off")))
    user, password = place.text("user"), place.get("password")
    if bool(user) != (password is not None):
        place.wrong("gives only one of user and password", "Give both, or none")
    if user and tls == "off":
        place.wrong("would send its password unencrypted", "Use `tls: starttls` or `tls: implicit`")
    secret = reader.secret(password, place, "password") if password is not None else ""
    to = tuple(one.text() for one in place.items("to"))
    for address in (place.text("from"), *(to or ("",))):
        if not _is_address(address):
            place.wrong(f"`{address}` is no e-mail address", "Give `from:` and `to:` as name@example.com")
    server = Server(host, int(port[:6]) if port.isdecimal() else 0, _tls(tls), user, secret, reader.ca_file(place))
    return Email(name, server, place.text("from"), to)


def _webhook(reader: _Reader, name: str, place: Place) -> Notifier:
    url, at = reader.url(place)
    secrets: list[bytes] = []
    given = place.items("secrets")
    for one in given:
        text = reader.secret(one, place, "secrets")
        try:
            secrets += [read_secret(text)] if text else []
        except ValueError as error:
            one.wrong(f"is no signing secret: {error}", f"Make one: {_MAKE_SECRET}")
    if not given:
        place.wrong("gives no secrets", f"Write `secrets: [{{file: /path}}]`; make one with {_MAKE_SECRET}")
    return Webhook(name, reader.target(place, url, at) if url else Target(""), tuple(secrets))


_MAKE_SECRET = "`echo whsec_$(head -c 32 /dev/urandom | base64)`"  # noqa: S105  how to make one
_POSTED = ("allow_private", "ca_file")
_KINDS: dict[str, tuple[tuple[str, ...], Callable[[_Reader, str, Place], Notifier]]] = {
    "alertmanager": (("urls", "token", *_POSTED), _alertmanager),
    "pagerduty": (("routing_key", "url", *_POSTED), _pagerduty),
    "slack": (("url", *_POSTED), _slack),
    "email": (("server", "tls", "user", "password", "from", "to", "ca_file"), _email),
    "webhook": (("url", "secrets", *_POSTED), _webhook),
}


def _is_address(text: str) -> bool:
    return text.isprintable() and bool(_ADDRESS.fullmatch(parseaddr(text)[1]))


def _tls(text: str) -> Tls:
    return "implicit" if text == "implicit" else "off" if text == "off" else "starttls"
