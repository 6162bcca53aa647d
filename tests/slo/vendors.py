"""Vendors' doors on loopback, over real HTTP and SMTP: they check what the vendor's documentation asks for, and can fail."""

import base64
import binascii
import hashlib
import hmac
import json
import re
import socketserver
import ssl
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from datetime import datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

MAX_BYTES = 4 * 1024 * 1024


@dataclass
class Request:
    path: str
    headers: dict[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)


@dataclass
class Answer:
    status: int
    body: bytes = b""
    headers: dict[str, str] = field(default_factory=dict)
    delay_s: float = 0.0
    raw: bytes = b""


Check = Callable[[Request], Answer]


@dataclass
class Vendor:
    """`requests` is what came in; `script` are the next answers, each once, before the check answers."""

    url: str
    check: Check
    requests: list[Request] = field(default_factory=list)
    script: list[Answer] = field(default_factory=list)
    arrived: threading.Event = field(default_factory=threading.Event)

    def answer(self, request: Request) -> Answer:
        self.requests.append(request)
        self.arrived.set()
        return self.script.pop(0) if self.script else self.check(request)

    @property
    def good(self) -> list[Any]:
        """What was asked, of requests that the check takes."""
        return [one.json for one in self.requests if self.check(one).status < 300]


@contextmanager
def serving(check: Check, *, tls: tuple | None = None) -> Iterator[Vendor]:
    class Handler(BaseHTTPRequestHandler):
        def do_POST(self):
            size = int(self.headers["Content-Length"])
            assert size <= MAX_BYTES
            headers = {key.lower(): value for key, value in self.headers.items()}
            answer = vendor.answer(Request(self.path, headers, self.rfile.read(size)))
            time.sleep(answer.delay_s)
            if answer.raw:
                self.wfile.write(answer.raw)
                self.close_connection = True
                return
            self.send_response(answer.status)
            for key, value in answer.headers.items():
                self.send_header(key, value)
            self.send_header("Content-Length", str(len(answer.body)))
            self.end_headers()
            self.wfile.write(answer.body)

        def log_message(self, *_):
            pass

        def handle(self):
            with suppress(OSError):  # the client went away
                super().handle()

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    scheme = "http"
    if tls is not None:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(*tls)
        server.socket = context.wrap_socket(server.socket, server_side=True)
        scheme = "https"
    vendor = Vendor(f"{scheme}://127.0.0.1:{server.server_address[1]}", check)
    with running(server):
        yield vendor


def judged(problems: list[str], good: Answer) -> Answer:
    return Answer(400, "; ".join(problems).encode()) if problems else good


# ── PagerDuty Events API v2 ─────────────────────────────────────────────────────────────────────────────────────────


def pagerduty(request: Request) -> Answer:
    event, problems = request.json, []
    if len(request.body) > 512_000:
        return Answer(413, b"Request Entity Too Large")
    if not re.fullmatch(r"[a-zA-Z0-9]{32}", event.get("routing_key", "")):
        problems.append("Length of 'routing_key' is incorrect (should be 32 characters)")
    if request.path == "/v2/change/enqueue":
        payload, needed = event.get("payload", {}), ("summary",)
        extra = event.keys() - {"routing_key", "payload", "links", "images"}
    elif request.path == "/v2/enqueue":
        action = event.get("event_action")
        if action not in {"trigger", "acknowledge", "resolve"}:
            problems.append("'event_action' is invalid")
        if not 0 < len(event.get("dedup_key", "")) <= 255:
            problems.append("'dedup_key' is invalid")
        payload, needed = event.get("payload", {}), (("summary", "severity", "source") if action == "trigger" else ())
        if action == "trigger" and payload.get("severity") not in {"critical", "error", "warning", "info"}:
            problems.append("'payload.severity' is invalid")
        extra = event.keys() - {
            "routing_key", "event_action", "dedup_key", "payload", "links", "images", "client", "client_url"
        }  # fmt: skip
    else:
        return Answer(404)
    problems += [f"'payload.{key}' is missing or blank" for key in needed if not payload.get(key)]
    problems += [f"unknown key {key}" for key in extra]
    if len(payload.get("summary", "")) > 1_024:
        problems.append("'payload.summary' is too long")
    if "timestamp" in payload and datetime.fromisoformat(payload["timestamp"]).tzinfo is None:
        problems.append("'payload.timestamp' is no date-time")
    problems += ["a link without href" for one in event.get("links", ()) if not one.get("href", "").startswith("http")]
    return judged(problems, Answer(202, b'{"status":"success","message":"Event processed"}'))


# ── Alertmanager API v2 ─────────────────────────────────────────────────────────────────────────────────────────────


def alertmanager(request: Request) -> Answer:
    if request.path != "/api/v2/alerts":
        return Answer(404)
    problems = []
    for one in request.json:
        for key in ("labels", "annotations"):
            problems += [
                f"{key} hold something else than text" for text in one[key].values() if not isinstance(text, str)
            ]
        if not one["labels"].get("alertname") or not all(one["labels"].values()):
            problems.append("at least one label pair required, none empty")
        if not all(re.fullmatch(r"[a-zA-Z_][a-zA-Z0-9_]*", key) for key in (*one["labels"], *one["annotations"])):
            problems.append("invalid label name")
        if datetime.fromisoformat(one["startsAt"]) > datetime.fromisoformat(one["endsAt"]):
            problems.append("start time must be before end time")
        if one.keys() - {"labels", "annotations", "startsAt", "endsAt", "generatorURL"}:
            problems.append("unknown key")
    return judged(problems, Answer(200))


# ── Slack incoming webhooks ─────────────────────────────────────────────────────────────────────────────────────────


def slack(request: Request) -> Answer:
    post = request.json
    problems = [f"no {key}" for key in ("text", "blocks") if not post.get(key)]
    if len(post["blocks"]) > 50:
        problems.append("invalid_blocks: more than 50")
    for block in post["blocks"]:
        text = block["text"]["text"]
        longest = {"header": 150, "section": 3_000}[block["type"]]
        kind = {"header": "plain_text", "section": "mrkdwn"}[block["type"]]
        if not 0 < len(text) <= longest or block["text"]["type"] != kind:
            problems.append(f"invalid_blocks: {block['type']} of {len(text)} characters")
        bare = re.sub(r"<https?://[^<>|]+(\|[^<>]*)?>", "", text)
        if re.search(r"[<>]|&(?!amp;|lt;|gt;)", bare):
            problems.append(f"unescaped characters: {bare}")
    return judged(problems, Answer(200, b"ok"))


# ── Standard Webhooks ───────────────────────────────────────────────────────────────────────────────────────────────


def standard_webhook(*secrets: str) -> Check:
    """A consumer that knows one secret and takes any signature that fits, as the libraries do."""

    def check(request: Request) -> Answer:
        headers, problems = request.headers, []
        if not verified(secrets[0], headers, request.body):
            problems.append("no matching signature")
        event = request.json
        if not re.fullmatch(r"[a-zA-Z0-9_]+(\.[a-zA-Z0-9_]+)+", event["type"]):
            problems.append("type is not a hierarchical name")
        if datetime.fromisoformat(event["timestamp"]).tzinfo is None or not isinstance(event["data"], dict):
            problems.append("timestamp or data missing")
        if "." in headers["webhook-id"]:
            problems.append("the id holds a full stop")
        return judged(problems, Answer(204))

    return check


def verified(secret: str, headers: dict[str, str], body: bytes) -> bool:
    key = base64.b64decode(secret.removeprefix("whsec_"))
    signed = f"{headers['webhook-id']}.{headers['webhook-timestamp']}.".encode() + body
    wanted = hmac.new(key, signed, hashlib.sha256).digest()
    for one in headers["webhook-signature"].split(" "):
        version, _, signature = one.partition(",")
        try:
            if version == "v1" and hmac.compare_digest(base64.b64decode(signature, validate=True), wanted):
                return True
        except binascii.Error:
            continue
    return False


def anything(_: Request) -> Answer:
    return Answer(200)


# ── SMTP ────────────────────────────────────────────────────────────────────────────────────────────────────────────


@dataclass
class Mail:
    sender: str
    to: list[str]
    data: bytes
    user: str = ""
    encrypted: bool = False


@dataclass
class Postbox:
    """A mail server. `refuse` answers a command that begins with a text by something else, each once or always."""

    port: int = 0
    mails: list[Mail] = field(default_factory=list)
    refuse: dict[str, str] = field(default_factory=dict)
    commands: list[str] = field(default_factory=list)


class Session(socketserver.StreamRequestHandler):
    """One client at the mail server. A method `on_…` obeys a command and says whether the session goes on."""

    def handle(self) -> None:
        self.box, self.encrypted, self.user, self.sender, self.to = self.server.box, False, "", "", []
        with suppress(OSError):
            if self.server.implicit:
                self.encrypt()
            self.say(self.box.refuse.get("CONNECT", "220 ready"))
            while line := self.rfile.readline(4096).decode().rstrip("\r\n"):
                self.box.commands.append(line)
                if not self.obey(line):
                    return

    def finish(self) -> None:
        with suppress(OSError):
            super().finish()
        self.connection.close()

    def say(self, text: str) -> bool:
        self.wfile.write(text.encode() + b"\r\n")
        return True

    def encrypt(self) -> None:
        self.connection = self.server.context.wrap_socket(self.connection, server_side=True)
        self.rfile, self.wfile = self.connection.makefile("rb"), self.connection.makefile("wb", buffering=0)
        self.encrypted = True

    def obey(self, line: str) -> bool:
        refuse = self.box.refuse
        refused = next((answer for begin, answer in refuse.items() if line.upper().startswith(begin.upper())), "")
        if refused == "HANG":
            time.sleep(2)
            return False
        command = line.split(" ", maxsplit=1)[0].lower()
        return self.say(refused) if refused else getattr(self, f"on_{command}", self.on_other)(line)

    def on_ehlo(self, _: str) -> bool:
        offers = [
            "here",
            *(["STARTTLS"] if self.server.context and not self.encrypted else []),
            "8BITMIME",
            "AUTH PLAIN",
        ]
        return self.say("\r\n".join(f"250{' ' if one == offers[-1] else '-'}{one}" for one in offers))

    def on_starttls(self, _: str) -> bool:
        self.say("220 go ahead")
        self.encrypt()
        return True

    def on_auth(self, line: str) -> bool:
        self.user = base64.b64decode(line.split(" ")[2]).decode().split("\0")[1]
        return self.say("235 welcome")

    def on_mail(self, line: str) -> bool:
        self.sender, self.to = line[10:].partition(">")[0].lstrip("<"), []
        return self.say("250 ok")

    def on_rcpt(self, line: str) -> bool:
        self.to.append(line[8:].partition(">")[0].lstrip("<"))
        return self.say("250 ok")

    def on_data(self, _: str) -> bool:
        self.say("354 go on")
        lines = iter(self.rfile.readline, b".\r\n")
        data = b"".join(one[1:] if one.startswith(b"..") else one for one in lines)
        refused = self.box.refuse.get("BODY", "")
        if not refused:
            self.box.mails.append(Mail(self.sender, self.to, data, self.user, self.encrypted))
        return self.say(refused or "250 taken")

    def on_quit(self, _: str) -> bool:
        self.say("221 bye")
        return False

    def on_other(self, _: str) -> bool:
        return self.say("250 ok")


class MailServer(socketserver.ThreadingTCPServer):
    daemon_threads = True

    def handle_error(self, *_):
        pass  # a client that does not trust our certificate


@contextmanager
def postbox(*, tls: tuple | None = None, implicit: bool = False) -> Iterator[Postbox]:
    server = MailServer(("127.0.0.1", 0), Session)
    server.context, server.implicit = None, implicit
    if tls is not None:
        server.context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        server.context.load_cert_chain(*tls)
    server.box = box = Postbox(server.server_address[1])
    with running(server):
        yield box


@contextmanager
def running(server) -> Iterator[None]:
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    try:
        yield
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
