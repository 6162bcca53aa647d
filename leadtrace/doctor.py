"""Looks a set-up over, from the settings to the last hop, and says what is wrong and how to mend it."""

import shutil
import socket
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from leadtrace.flowfiles import flow_files, read_flows
from leadtrace.objectivefiles import read_files
from leadtrace.remote import RemoteError, running_server
from leadtrace.settings import Address, Settings, SettingsError, read_settings
from leadtrace.tokens import TokenFileError, Tokens
from model.flowfile import FlowProblems
from model.personal import PersonalKeyError, load_key
from slo.receivers import ReceiverProblems, read_receivers
from store.engine import Store
from store.errors import StoreError

LOW_DISK_BYTES = 2 * 1024**3


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that was looked at. `bad` findings make `leadtrace doctor` exit with 1."""

    sign: str
    what: str
    mend: str = ""

    @property
    def bad(self) -> bool:
        return self.sign == "✗"


def _good(what: str) -> Finding:
    return Finding("✓", what)


def _bad(what: str, mend: str) -> Finding:
    return Finding("✗", what, mend)


def _note(what: str, mend: str = "") -> Finding:
    return Finding("·", what, mend)


def examine(environment: Mapping[str, str]) -> Iterator[Finding]:
    """Every finding in the order in which a start would meet it."""
    try:
        settings = read_settings(environment)
    except SettingsError as error:
        for sentence in str(error).splitlines():
            yield _bad(sentence, "docs/settings.md lists every setting")
        return
    yield _good(f"settings are right; data in {settings.data}, engine {_without_password(settings.store_url)}")
    yield from _folder(settings.data)
    yield from _keys(settings)
    yield from _flows(settings)
    yield from _objectives(settings)
    yield from _receivers(settings, environment)
    server = running_server(settings)
    if server is not None:
        yield _good(f"a server runs on this data folder at {server.address}")
        yield from _asked(server.get)
    else:
        yield from _addresses(settings)
        yield from _engine(settings)


def _folder(data: Path) -> Iterator[Finding]:
    at = next(one for one in (data, *data.resolve().parents) if one.exists())
    if not _writable(at):
        yield _bad(
            f"{at} cannot be written", f"chown it to the user that runs leadtrace, or set LEADTRACE_DATA (is {data})"
        )
        return
    free = shutil.disk_usage(at).free
    if free < LOW_DISK_BYTES:
        yield _bad(f"{at} has {free / 1024**2:.0f} MiB free", "free some: a full disk makes the collector answer 503")
    else:
        yield _good(f"{at} can be written and has {free / 1024**3:.0f} GiB free")


def _writable(folder: Path) -> bool:
    probe = folder / ".leadtrace-doctor"
    try:
        probe.touch()
        probe.unlink()
    except OSError:
        return False
    return True


def _keys(settings: Settings) -> Iterator[Finding]:
    path = settings.pii_key_path
    if path.exists():
        try:
            load_key(path)
            yield _good(f"the key of personal tokens is {path}; back it up: without it an e-mail finds nobody")
        except PersonalKeyError as error:
            yield _bad(str(error), "mend it before the next start")
    else:
        yield _note(f"no key of personal tokens yet; the first start makes {path}")
    if settings.auth == "off":
        yield _note("LEADTRACE_AUTH is off: whoever can log in to this machine can read and send")
        return
    try:
        count = len(Tokens(settings.tokens_path))
        yield (
            _good(f"{count} tokens in {settings.tokens_path}")
            if count
            else _note("no tokens yet; the first start makes one for ingest")
        )
    except TokenFileError as error:
        yield _bad(str(error), "restore it, or remove it and make new tokens")


def _flows(settings: Settings) -> Iterator[Finding]:
    if not settings.flows:
        yield _bad("no flow file is named, so no lead is judged", "set LEADTRACE_FLOWS to a folder of flow files")
        return
    try:
        flows = read_flows(settings.flows)
    except FlowProblems as error:
        for problem in error.problems:
            yield _bad(f"{problem.file}:{problem.line}: {problem.what}", problem.mend)
        return
    if flows:
        yield _good(f"{len(flows)} flows are right: {', '.join(sorted(flows))}")
    else:
        named = ", ".join(str(path) for path in settings.flows)
        yield _bad(f"{named} holds no flow file ({len(flow_files(settings.flows))} .yaml files)", "put one there")


def _objectives(settings: Settings) -> Iterator[Finding]:
    if not settings.objectives:
        yield _note("no objective file is named, so no budget is counted", "LEADTRACE_OBJECTIVES names them")
        return
    try:
        flows = read_flows(settings.flows)
    except FlowProblems:
        flows = {}  # told above
    reading = read_files(settings.objectives, flows=flows)
    for finding in reading.errors:
        yield _bad(f"{finding.file}:{finding.line}: {finding.about} {finding.path} {finding.what}", finding.mend)
    if not reading.errors:
        counted = sorted(objective.name for objective in reading.objectives)
        yield _good(f"{len(counted)} objectives are right{': ' if counted else ''}{', '.join(counted)}")
    for outcome in reading.outcomes:
        if outcome.why_none and outcome.described.kind == "SLO":
            yield _note(f"{outcome.described.about} is not counted: {outcome.why_none}")


def _receivers(settings: Settings, environment: Mapping[str, str]) -> Iterator[Finding]:
    if settings.receivers is None:
        if settings.objectives:
            yield _note("no file of receivers is named, so alerts are shown and nobody is told", "docs/alerts.md")
        return
    try:
        found = read_receivers(settings.receivers, environment)
    except ReceiverProblems as error:
        for sentence in str(error).splitlines():
            yield _bad(sentence, "docs/alerts.md shows a whole file")
        return
    names = ", ".join(found.by_name)
    yield _good(f"{len(found.by_name)} receivers are right: {names}")


def _addresses(settings: Settings) -> Iterator[Finding]:
    for name in ("web", "otlp_http", "otlp_grpc"):
        address: Address = getattr(settings, name)
        key = f"LEADTRACE_{name.upper()}"
        try:
            with socket.socket(socket.AF_INET6 if ":" in address.host else socket.AF_INET) as probe:
                probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
                probe.bind(tuple(address))
            yield _good(f"{key} {address} is free")
        except OSError as error:
            yield _bad(
                f"{key} {address} cannot be listened on ({error.strerror})", f"stop what uses it, or change {key}"
            )


def _engine(settings: Settings) -> Iterator[Finding]:
    if (
        settings.store_url.startswith("chdb:")
        and not (settings.data / "clickhouse").exists()
        and not settings.clickhouse
    ):
        yield _note("no server has run on this data folder yet; start one with `leadtrace serve`")
        return
    store = Store(settings.store_url)
    try:
        version = store.command("SELECT version()")
        lacking = store.unmigrated()
        yield _good(f"ClickHouse {version} answers")
        if lacking:
            yield _bad(f"the schema lacks {', '.join(lacking)}", "run `leadtrace migrate`")
        else:
            yield from _telemetry(store)
    except StoreError as error:
        yield _bad(
            f"ClickHouse does not answer: {error}", "check LEADTRACE_CLICKHOUSE, its user, its password, its database"
        )
    finally:
        store.close()


def _telemetry(store: Store) -> Iterator[Finding]:
    row = store.rows("telemetry_seen")[0]
    hops, last, with_lead, entries = row
    if not hops:
        yield _note("no telemetry has come yet", "point an SDK at OTLP; the start prints the lines to paste")
        return
    age = datetime.now(UTC) - last
    yield _good(f"{hops} spans and events, the last {_ago(age)}; {with_lead} on timelines; {entries} entries judged")
    if not with_lead:
        yield _bad(
            "no span carries lead.id",
            "set it in baggage at capture and add the baggage span processor: docs/conventions.md",
        )
    elif not entries:
        yield _bad("no entry was judged", "no flow file fits: compare `lead.flow` and the matchers with what is sent")


def _asked(get: object) -> Iterator[Finding]:
    try:
        flows = get("/api/v1/flows")  # type: ignore[operator]
        judged = sum(sum(flow["by_status"].values()) for flow in flows["flows"])
        yield (
            _good(f"it answers; {judged} entries of the last 7 days are judged")
            if judged
            else _note(
                "it answers; no entry was judged in the last 7 days",
                "compare `lead.flow` and the matchers with what is sent",
            )
        )
    except (OSError, RemoteError) as error:
        yield _bad(f"the server does not answer: {error}", "look at its log")


def _ago(age: timedelta) -> str:
    seconds = max(int(age.total_seconds()), 0)
    return (
        f"{seconds} s ago"
        if seconds < 120
        else f"{seconds // 60} min ago"
        if seconds < 7200
        else f"{seconds // 3600} h ago"
    )


def _without_password(url: str) -> str:
    head, at, tail = url.rpartition("@")
    return f"{head.rsplit(':', 1)[0]}:…@{tail}" if at and head.count(":") > 1 else url
