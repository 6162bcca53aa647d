"""The commands. Each says in `--help` all that one needs to use it."""

import json
import os
import sys
from collections.abc import Callable
from datetime import UTC, datetime
from functools import wraps
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

import click

from leadtrace import __version__
from leadtrace.settings import Settings, SettingsError, read_settings

if TYPE_CHECKING:
    from leadtrace.remote import RunningServer


def _settings(**overrides: Any) -> Settings:
    """The settings in force, or an end with a sentence for each mistake."""
    from leadtrace.logs import log_beside_the_answer  # noqa: PLC0415

    log_beside_the_answer()
    environment = {
        **os.environ,
        **{f"LEADTRACE_{key.upper()}": str(value) for key, value in overrides.items() if value},
    }
    try:
        return read_settings(environment)
    except SettingsError as error:
        raise click.ClickException(str(error)) from error


def _ends_with_a_sentence(command: Callable[..., Any]) -> Callable[..., Any]:
    """Failures that people can mend end as one sentence, not as a traceback."""

    @wraps(command)
    def wrapped(*args: Any, **kwargs: Any) -> Any:
        try:
            return command(*args, **kwargs)
        except (click.ClickException, SystemExit):
            raise
        except _mendable() as error:
            raise click.ClickException(str(error)) from error

    return wrapped


def _mendable() -> tuple[type[Exception], ...]:
    """Asked for once something failed: to know them all takes longer than most commands."""
    from collector.spool import SpoolInUseError  # noqa: PLC0415
    from leadtrace.listen import CannotListenError  # noqa: PLC0415
    from leadtrace.remote import RemoteError  # noqa: PLC0415
    from leadtrace.serve import ListenerEndedError  # noqa: PLC0415
    from leadtrace.tokens import TokenFileError  # noqa: PLC0415
    from model.causes import CodeProblems  # noqa: PLC0415
    from model.flowfile import FlowProblems  # noqa: PLC0415
    from model.personal import PersonalKeyError  # noqa: PLC0415
    from slo.openslo.findings import ObjectiveProblems  # noqa: PLC0415
    from slo.receivers import ReceiverProblems  # noqa: PLC0415
    from store.errors import StoreError  # noqa: PLC0415

    return (
        CannotListenError,
        CodeProblems,
        TokenFileError,
        FlowProblems,
        ObjectiveProblems,
        PersonalKeyError,
        ReceiverProblems,
        RemoteError,
        SettingsError,
        StoreError,
        SpoolInUseError,
        ListenerEndedError,
    )


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="leadtrace")
def main() -> None:
    """Why did this lead never enter the sequence?

    leadtrace collects OpenTelemetry of every integration that a lead crosses, judges each lead's journey, and answers.
    Settings come from LEADTRACE_… in the environment or from leadtrace.toml; docs/settings.md lists them.
    """


# ── running ─────────────────────────────────────────────────────────────────────────────────────────────────────────


@main.command()
def serve() -> None:
    """Run everything in one process: collector, engine, pages and API.

    Nothing else is needed: ClickHouse runs inside, in the data folder. Ends on SIGTERM or Ctrl-C, keeping what it took.
    """
    _run(("collector", "engine", "web"))


@main.command()
def collector() -> None:
    """Run the collector alone: OTLP on 4318 and 4317, spool, loader. Needs LEADTRACE_CLICKHOUSE=clickhouse://…"""
    _run(("collector",))


@main.command()
def engine() -> None:
    """Run the settle loop alone. Several share the leads by LEADTRACE_SHARD=0/2, 1/2. Needs a ClickHouse server."""
    _run(("engine",))


@main.command()
def web() -> None:
    """Run the pages and the API alone. Needs a ClickHouse server."""
    _run(("web",))


@_ends_with_a_sentence
def _run(parts: tuple[str, ...]) -> None:
    from leadtrace.logs import set_up_logs  # noqa: PLC0415  the engine takes seconds to import; --help must not
    from leadtrace.serve import Ready, Service, first_ingest_token  # noqa: PLC0415
    from leadtrace.tokens import Role  # noqa: PLC0415
    from leadtrace.welcome import welcome  # noqa: PLC0415

    settings = _settings()
    if len(parts) == 1 and settings.store_url.startswith("chdb:"):
        raise click.ClickException(
            f"`leadtrace {parts[0]}` runs beside others, and an embedded engine belongs to one process."
            " Set LEADTRACE_CLICKHOUSE=clickhouse://user:password@host:8123/leadtrace, or run `leadtrace serve`."
        )
    set_up_logs(settings.log)
    service = Service(settings, parts)
    shows_token = settings.auth == "token" and "collector" in parts and len(service.tokens) == 0

    def greet(ready: Ready) -> None:
        """The token is made only now: a start that failed would have kept the one chance to show it.

        A terminal is looked at by who runs this; what goes to a log is read by others, who may read and no more.
        """
        token = first_ingest_token(service.tokens) if shows_token else None
        click.echo(welcome(service, ready, token, Role.ADMIN if sys.stdout.isatty() else Role.READ))

    service.run(greet)


@main.command()
@_ends_with_a_sentence
def migrate() -> None:
    """Bring the schema of LEADTRACE_CLICKHOUSE up to date. Safe to run again."""
    from store.engine import Store  # noqa: PLC0415

    store = Store(_settings().store_url)
    applied = store.migrate()
    store.close()
    click.echo(f"applied: {', '.join(applied)}" if applied else "the schema is up to date")


@main.command()
@click.option("--once", is_flag=True, help="Send the leads, print the funnel and an answer of each kind, compare, end.")
@click.option("--leads", default=240, show_default=True, help="How many leads to send.")
@click.option("--seed", default=7, show_default=True, help="The same seed plants the same faults.")
@click.option(
    "--data", type=click.Path(path_type=Path), help="Keep the data here; by default it is removed at the end."
)
def demo(*, once: bool, leads: int, seed: int, data: Path | None) -> None:
    """Start leadtrace and a small martech stack with planted faults, and see why leads never entered.

    Without --once it stays up, keeps sending, and prints the address to open.
    """
    from leadtrace.demo import run_demo  # noqa: PLC0415

    sys.exit(run_demo(once=once, leads=leads, seed=seed, data=data, echo=click.echo))


# ── asking ──────────────────────────────────────────────────────────────────────────────────────────────────────────


@main.command()
@click.argument("lead")
@click.option("--flow", help="The flow asked about; by default that of the latest entry.")
@click.option("--entry", help="The entry asked about, by its correlation id; by default the latest.")
@click.option("--json", "as_json", is_flag=True, help="The answer as JSON, as the API gives it.")
@_ends_with_a_sentence
def why(lead: str, flow: str | None, entry: str | None, *, as_json: bool) -> None:
    """Say why LEAD never entered the sequence.

    LEAD is a lead's id, or anything it is known by: a correlation id, an e-mail address, a CRM id, a trace id.
    """
    from leadtrace.asking import NoAnswerError, ask_why  # noqa: PLC0415
    from leadtrace.telling import told  # noqa: PLC0415

    try:
        answer = ask_why(_settings(), lead, flow, entry)
    except NoAnswerError as error:
        raise click.ClickException(str(error)) from error
    click.echo(json.dumps(answer, indent=2, ensure_ascii=False) if as_json else told(answer))


# ── checking ────────────────────────────────────────────────────────────────────────────────────────────────────────


@main.group()
def flow() -> None:
    """Flow files."""


@flow.command("check")
@click.argument("files", nargs=-1, required=True, type=click.Path(path_type=Path))
def flow_check(files: tuple[Path, ...]) -> None:
    """Judge flow files: exit 0 when all are right, else 1 with a sentence each. A folder means its YAML files."""
    from leadtrace.flowfiles import flow_files, read_flow_file, read_flows  # noqa: PLC0415
    from model.flowcheck import doubts  # noqa: PLC0415
    from model.flowfile import FlowProblems  # noqa: PLC0415

    found = flow_files(files)
    if not found:
        raise click.ClickException(f"no flow file in {', '.join(map(str, files))}")
    try:
        read_flows(found)
    except FlowProblems as error:
        click.echo(str(error), err=True)
        sys.exit(1)
    doubtful = [doubt for path in found for doubt in doubts(read_flow_file(path), str(path))]
    for doubt in doubtful:
        click.echo(str(doubt), err=True)
    if doubtful:
        sys.exit(1)
    for path in found:
        described = read_flow_file(path)
        way = " → ".join(step.name for step in described.steps)
        click.echo(f"{path}: `{described.name}` is right: {way}; the goal is {described.goal}")


@flow.command("preview")
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--since", default="7d", show_default=True, help="Entries captured since then: 24h, 7d, 2026-03-02.")
@_ends_with_a_sentence
def flow_preview(file: Path, since: str) -> None:
    """Say what FILE would have said of entries that a running server knows. Changes nothing."""
    from leadtrace.telling import told_preview  # noqa: PLC0415

    answer = _server().post("/api/v1/flow-preview", file.read_text(encoding="utf-8"), since=since)
    click.echo(told_preview(answer))


@flow.command("apply")
@click.argument("name")
@click.option("--since", required=True, help="Entries captured since then are judged again: 24h, 7d, 2026-03-02.")
@_ends_with_a_sentence
def flow_apply(name: str, since: str) -> None:
    """Judge again by the file of flow NAME as it is now. Without this, entries keep the version of their capture."""
    answer = _server().post(f"/api/v1/flows/{quote(name, safe='')}/apply", since=since)
    click.echo(f"{answer['leads']} leads are judged again by `{name}` as it is now")


def _server() -> "RunningServer":
    from leadtrace.remote import running_server  # noqa: PLC0415

    settings = _settings()
    found = running_server(settings)
    if found is None:
        raise click.ClickException(f"no server runs on {settings.data}; start one with `leadtrace serve`")
    return found


@main.group()
def slo() -> None:
    """Objective files, and who is told."""


@slo.command("check")
@click.option("--strict", is_flag=True, help="Refuse whatever OpenSLO's official SDK refuses, instead of mending it.")
@click.option("--flows", help="Flow files that names are compared with; LEADTRACE_FLOWS by default.")
@click.argument("files", nargs=-1, required=True, type=click.Path(path_type=Path))
@_ends_with_a_sentence
def slo_check(files: tuple[Path, ...], *, strict: bool, flows: str | None) -> None:
    """Judge OpenSLO files: exit 0 when all are valid, else 1 with a sentence each.

    A folder means its YAML and JSON files. All are read together, as they may name each other's objects. Names of flows
    and steps are checked where flows are known. Without --strict, what can be mended is told as a warning.
    """
    from leadtrace.flowfiles import read_flows  # noqa: PLC0415
    from leadtrace.objectivefiles import objective_files, read_files  # noqa: PLC0415
    from slo.openslo.objective import told  # noqa: PLC0415

    if not objective_files(files):
        raise click.ClickException(f"no objective file in {', '.join(map(str, files))}")
    reading = read_files(files, flows=read_flows(_settings(flows=flows).flows), strict=strict)
    for finding in reading.findings:
        click.echo(str(finding), err=True)
    if reading.errors:
        sys.exit(1)
    for outcome in reading.outcomes:
        where = outcome.described.place.node.file
        for objective in outcome.objectives:
            click.echo(f"{where}: `{objective.name}` is right: {told(objective)}")
        if not outcome.objectives:
            click.echo(f"{where}: {outcome.described.about} is valid and yields no objective: {outcome.why_none}")


@slo.command("backtest")
@click.argument("file", type=click.Path(path_type=Path))
@click.option("--since", default="28d", show_default=True, help="From when on: 7d, 28d, 2026-03-02.")
@click.option("--json", "as_json", is_flag=True, help="The answer as JSON, as the API gives it.")
@_ends_with_a_sentence
def slo_backtest(file: Path, since: str, *, as_json: bool) -> None:
    """Say what the objectives in FILE would have alerted on over the stored history. Changes nothing.

    An objective of a name that is in force is laid beside it. A running server is asked; else the store is read here.
    """
    from leadtrace.asking import NoAnswerError  # noqa: PLC0415
    from leadtrace.backtesting import ask_backtest  # noqa: PLC0415
    from leadtrace.objectivefiles import text_of  # noqa: PLC0415
    from leadtrace.telling import told_backtest  # noqa: PLC0415
    from leadtrace.watched import why_unread  # noqa: PLC0415

    done: list[int] = []

    def tell(leads: int) -> None:
        done.append(leads)
        click.echo(f"{sum(done)} leads looked at …", err=True)

    try:
        text = text_of(file)
    except (OSError, UnicodeDecodeError) as error:
        raise click.ClickException(f"{file}: {'. '.join(why_unread(error))}") from error
    try:
        answer = ask_backtest(_settings(), text, since, tell)
    except NoAnswerError as error:
        raise click.ClickException(str(error)) from error
    click.echo(json.dumps(answer, indent=2, ensure_ascii=False) if as_json else told_backtest(answer))


@slo.command("tell")
@click.argument("receiver")
@_ends_with_a_sentence
def slo_tell(receiver: str) -> None:
    """Send a test message to a receiver of the file in LEADTRACE_RECEIVERS, and say whether it took it."""
    from slo.notify.notifier import NotifyError  # noqa: PLC0415
    from slo.receivers import read_receivers  # noqa: PLC0415
    from slo.sample import try_out  # noqa: PLC0415

    settings = _settings()
    if settings.receivers is None:
        raise click.ClickException("no file of receivers is named; docs/alerts.md shows one for LEADTRACE_RECEIVERS")
    known = read_receivers(settings.receivers, os.environ).by_name
    if receiver not in known:
        raise click.ClickException(f"{settings.receivers} has no receiver `{receiver}`; it has {', '.join(known)}")
    try:
        try_out(known[receiver], settings.public_url or f"http://{settings.web}", datetime.now(UTC))
    except NotifyError as error:
        raise click.ClickException(f"{receiver} did not take it: {error}") from error
    click.echo(f"{receiver} took it")


@main.group()
def token() -> None:
    """Tokens for machines."""


@token.command("create")
@click.option("--role", type=click.Choice(["ingest", "read", "admin"]), required=True, help="What it may do.")
@click.option("--note", default="", help="What it is for; kept beside its hash.")
@_ends_with_a_sentence
def token_create(role: str, note: str) -> None:
    """Make a token and print it once; only its hash is kept. It works at once, without a restart.

    ingest sends telemetry (OTEL_EXPORTER_OTLP_HEADERS="authorization=Bearer%20TOKEN"), read asks the API and signs in
    to the pages, admin does both.
    """
    from leadtrace.settings import data_folder  # noqa: PLC0415
    from leadtrace.tokens import Role, Tokens  # noqa: PLC0415

    settings = _settings()
    data_folder(settings)
    click.echo(Tokens(settings.tokens_path).create(Role(role), note, now=datetime.now(UTC)))


@main.command()
def doctor() -> None:
    """Say what is wrong with this set-up: settings, folders, keys, addresses, engine, schema, flows, recent hops."""
    from leadtrace.doctor import examine  # noqa: PLC0415
    from leadtrace.logs import log_beside_the_answer  # noqa: PLC0415

    log_beside_the_answer()
    healthy = True
    for finding in examine(os.environ):
        healthy = healthy and not finding.bad
        click.echo(f"{finding.sign} {finding.what}" + (f"\n    {finding.mend}" if finding.mend else ""))
    sys.exit(0 if healthy else 1)
