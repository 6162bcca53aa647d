"""The run modes: all in one process, or collector, engine and web apart beside a ClickHouse server."""

import asyncio
import gc
import json
import os
import shutil
import signal
import socket
import tempfile
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from secrets import token_hex

import structlog
from starlette.types import ASGIApp

from collector.limits import DoorLimits, SpoolLimits
from collector.quarantine import QuarantineRecord
from collector.serve import Collector
from leadtrace.asking import search_tokens
from leadtrace.codefile import CodeFile
from leadtrace.flowfiles import FlowFiles
from leadtrace.guard import Doorkeeper
from leadtrace.health import BesideHealth, health_app, spool_full
from leadtrace.listen import CannotListenError, bind, bound, server
from leadtrace.objectivefiles import ObjectiveFiles
from leadtrace.receiverfile import ReceiverFile
from leadtrace.remote import SERVER_FILE
from leadtrace.settings import Address, Settings, data_folder
from leadtrace.tokens import Role, Signer, Tokens, session_key, write_private
from leadtrace.web import web_app
from lineage.ask import Library
from lineage.settle import Settler
from model.personal import load_or_create_key
from slo.answers import Answers
from slo.backtest import Backtester
from slo.counting import Counter
from slo.loop import LEASE, AlertLoop
from store import leases, refusals
from store.engine import Store
from store.errors import StoreError, StoreUnavailable
from store.refusals import Refusal

log = structlog.get_logger(__name__)

PARTS = ("collector", "engine", "web")
DRAIN_S = 5.0


class ListenerEndedError(RuntimeError):
    """A server stopped listening unasked; the process ends, so that whoever watches it starts it anew."""


@dataclass(frozen=True, slots=True)
class Ready:
    """Where the parts listen; None for a part that does not run here."""

    web: Address | None
    otlp_http: Address | None
    otlp_grpc: Address | None


class Service:
    """One process of leadtrace with some or all of its parts. Making it binds the addresses and opens the folders."""

    def __init__(self, settings: Settings, parts: Sequence[str] = PARTS) -> None:
        self.settings = settings
        self.parts = tuple(parts)
        data_folder(settings)
        self.flows = FlowFiles(settings.flows)
        self.objectives = ObjectiveFiles(settings.objectives, self.flows)
        self.codes = CodeFile(settings.vendor_codes)
        self.tokens = Tokens(settings.tokens_path)
        self.signer = Signer(session_key(settings.session_key_path))
        self.personal = load_or_create_key(settings.pii_key_path)
        self.doorkeeper = Doorkeeper(self.tokens, self.signer) if settings.auth == "token" else None
        self._sockets: dict[str, socket.socket] = {}
        if "web" in self.parts:
            self._sockets["web"] = bind(settings.web, "LEADTRACE_WEB")
        if "collector" in self.parts:
            self._sockets["otlp_http"] = bind(settings.otlp_http, "LEADTRACE_OTLP_HTTP")
        if settings.metrics is not None:
            self._sockets["metrics"] = bind(settings.metrics, "LEADTRACE_METRICS")
        self.store = Store(settings.store_url)
        self.collector = self._made_collector() if "collector" in self.parts else None
        if self.store.embedded:
            _keep_drafts_in(settings.data / "tmp")  # after the spool's lock: the folder is nobody else's
        self.counter = Counter(self.store, self.objectives, self.flows)
        self.settler = (
            Settler(self.store, self.flows, self.codes, shard=settings.shard) if "engine" in self.parts else None
        )
        self.alerts = self._made_alerts() if "engine" in self.parts else None
        self.library = Library(self.store, self.flows, lambda text: search_tokens(self.personal, text), self.codes)
        self._stopping = threading.Event()
        self._failure = ""

    # ── running ─────────────────────────────────────────────────────────────────────────────────────────────────

    def run(self, on_ready: Callable[[Ready], None]) -> None:
        """Serve until SIGTERM or SIGINT, then close the doors, load what is spooled, and close the engine."""
        self._prepare_store()
        keep_what_is_loaded()
        threads = self._start_threads()
        try:
            asyncio.run(self._serve(on_ready))
        finally:
            self._stopping.set()
            if self.settler is not None:
                self.settler.stop()
            if self.alerts is not None:
                self.alerts.stop()
            drained = self.collector.stop(drain_s=DRAIN_S) if self.collector is not None else True
            for thread in threads:
                thread.join(timeout=15)
            self.store.close()
            if "web" in self.parts:
                (self.settings.data / SERVER_FILE).unlink(missing_ok=True)
            log.info("stopped", spool="empty" if drained else "kept for the next start")
        if self._failure:
            raise ListenerEndedError(self._failure)

    def _start_threads(self) -> list[threading.Thread]:
        if self.collector is not None:
            self.collector.start()
        loops = {"settle": self.settler, "alerts": self.alerts}
        threads = [
            threading.Thread(target=loop.run, name=name, daemon=True)
            for name, loop in loops.items()
            if loop is not None
        ]
        for thread in threads:
            thread.start()
        return threads

    async def _serve(self, on_ready: Callable[[Ready], None]) -> None:
        stop = asyncio.Event()
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, _stop_for, number, stop)
        grpc_address = await self._start_grpc()
        servers = [(server(app), self._sockets[name]) for name, app in self._apps().items()]
        running = [asyncio.create_task(one.serve([listener])) for one, listener in servers]
        ready = Ready(self._bound("web"), self._bound("otlp_http"), grpc_address)
        self._announce(ready)
        on_ready(ready)
        stopped = asyncio.create_task(stop.wait())
        await asyncio.wait([stopped, *running], return_when=asyncio.FIRST_COMPLETED)
        if not stop.is_set():
            self._failure = "a listening server ended by itself; its reason stands above in the log"
            log.error("listener_ended")
        for one, _ in servers:
            one.should_exit = True
        if self.collector is not None:
            await self.collector.stop_grpc()
        await asyncio.gather(*running)

    def _apps(self) -> dict[str, ASGIApp]:
        apps: dict[str, ASGIApp] = {}
        if self.collector is not None:
            apps["otlp_http"] = BesideHealth(self.collector.asgi_app, health_app(self._spool_full, self.doorkeeper))
        if "metrics" in self._sockets:
            only_collects = self.parts == ("collector",)
            apps["metrics"] = health_app(self._spool_full if only_collects else self._not_ready, self.doorkeeper)
        if "web" in self.parts:
            secure = self.settings.public_url.startswith("https:")
            budgets = Answers(self.store, self.objectives, self.counter, lambda: leases.seen(self.store, LEASE))
            apps["web"] = web_app(
                self.library,
                budgets,
                Backtester(self.store, self.objectives, self.flows),
                self.doorkeeper,
                not_ready=self._not_ready,
                scrub=self.personal.scrub_text,
                secure=secure,
            )
        return apps

    async def _start_grpc(self) -> Address | None:
        if self.collector is None:
            return None
        asked = self.settings.otlp_grpc
        try:
            port = await self.collector.start_grpc(str(asked))
        except RuntimeError as error:  # gRPC says no more than that it failed
            raise CannotListenError(asked, "LEADTRACE_OTLP_GRPC", "gRPC cannot bind it") from error
        return Address(asked.host, port)

    def _bound(self, name: str) -> Address | None:
        return bound(self._sockets[name]) if name in self._sockets else None

    def _announce(self, ready: Ready) -> None:
        """Leave a note for the command line: an embedded engine can be asked only through this process."""
        if ready.web is not None:
            note = {"pid": os.getpid(), "web": f"http://{reachable(ready.web)}"}
            if ready.otlp_http is not None:
                note["otlp_http"] = f"http://{reachable(ready.otlp_http)}"
            write_private(self.settings.data / SERVER_FILE, json.dumps(note).encode())

    # ── parts ───────────────────────────────────────────────────────────────────────────────────────────────────

    def _made_collector(self) -> Collector:
        settings = self.settings
        doorkeeper = self.doorkeeper
        return Collector(
            spool_dir=settings.data / "spool",
            quarantine_dir=settings.data / "quarantine",
            personal=self.personal,
            personal_keys=settings.personal_keys,
            land=self.store.land,
            authorize=doorkeeper.may_ingest if doorkeeper is not None else lambda _header: True,
            on_quarantine=self._quarantined,
            door_limits=DoorLimits(
                max_body_bytes=settings.max_body_bytes, max_held_bytes=max(4 * settings.max_body_bytes, 64 * 1024**2)
            ),
            spool_limits=SpoolLimits(max_bytes=settings.spool_max_bytes),
        )

    def _made_alerts(self) -> AlertLoop:
        settings = self.settings
        receivers = ReceiverFile(settings.receivers, os.environ, self.objectives)
        home = settings.public_url or f"http://{reachable(self._bound('web') or settings.web)}"
        name = f"{socket.gethostname()} {os.getpid()} {token_hex(4)}"
        return AlertLoop(
            self.store, self.counter, self.objectives, self.flows, receivers, home=home, clock=_now, name=name
        )

    def _quarantined(self, record: QuarantineRecord) -> None:
        try:
            refusals.record(self.store, [_refusal(record)])
        except StoreError as error:
            log.error("refusal_not_recorded", reason=str(error))

    # ── the store ───────────────────────────────────────────────────────────────────────────────────────────────

    def _prepare_store(self) -> None:
        """Migrate. An embedded engine must work now; a server may still be on its way and is tried again."""
        try:
            self.store.migrate()
        except StoreUnavailable as error:
            if self.store.embedded:
                raise
            log.warning("clickhouse_away", reason=str(error), next_try_s=5)
            threading.Thread(target=self._migrate_later, name="migrate", daemon=True).start()

    def _migrate_later(self) -> None:
        while not self._stopping.wait(5):
            try:
                self.store.migrate()
            except StoreError as error:
                log.warning("clickhouse_away", reason=str(error), next_try_s=5)
            else:
                return

    def _spool_full(self) -> str | None:
        """Why telemetry cannot be taken; None when it can, whether the database answers or not."""
        held = self.collector.status().spool_bytes if self.collector is not None else 0
        return spool_full(held, self.settings.spool_max_bytes)

    def _not_ready(self) -> str | None:
        """Why questions cannot be answered yet; None when they can. Raises StoreUnavailable."""
        lacking = self.store.unmigrated()
        return f"The schema lacks {', '.join(lacking)}; run `leadtrace migrate`." if lacking else None


def keep_what_is_loaded() -> None:
    """Modules and settings stay until the end: the garbage collector need not look through them while hops become
    verdicts by the thousand (5 % of settling).
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(50_000, 20, 50)


def _now() -> datetime:
    return datetime.now(UTC)


def _keep_drafts_in(folder: Path) -> None:
    """The embedded engine takes inserts through temporary files. They belong to the data, not to a shared /tmp; what a
    killed process left is removed.
    """
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(mode=0o700)
    tempfile.tempdir = str(folder.resolve())


def _stop_for(number: signal.Signals, stop: asyncio.Event) -> None:
    log.info("stopping", signal=number.name)
    stop.set()


def reachable(address: Address) -> Address:
    """An address that a client on this machine can use for a server that listens on all."""
    everywhere = {"0.0.0.0": "127.0.0.1", "::": "::1"}  # noqa: S104  compared, not bound
    return Address(everywhere.get(address.host, address.host), address.port)


def first_ingest_token(tokens: Tokens) -> str | None:
    """A token for the first engineer; None when tokens were made before."""
    return tokens.create(Role.INGEST, "made at the first start") if len(tokens) == 0 else None


def _refusal(record: QuarantineRecord) -> Refusal:
    return Refusal(
        at=datetime.now(UTC),
        kind="quarantined",
        signal=record.signal,
        reason=record.reason,
        count=1,
        detail=record.segment,
    )
