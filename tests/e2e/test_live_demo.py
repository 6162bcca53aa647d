"""`make demo` tells the truth, and nothing about the people in it is on disk afterwards."""

import base64
import json
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

import pytest
from live import COMMAND, environment

LEADS = 48


@dataclass(frozen=True)
class Shown:
    """One run of the demo, kept."""

    folder: Path
    done: subprocess.CompletedProcess

    @property
    def truth(self) -> dict:
        return json.loads((self.folder / "truth.json").read_text())

    @property
    def server_data(self) -> Path:
        return self.folder / "data"


@pytest.fixture(scope="session")
def shown(tmp_path_factory) -> Shown:
    """The demo run once for all who look at it; 48 leads hold every fault."""
    folder = tmp_path_factory.mktemp("demo") / "kept"
    arguments = ["demo", "--once", "--leads", str(LEADS), "--data", str(folder)]
    done = subprocess.run(
        [*COMMAND, *arguments],
        cwd=folder.parent,
        env=environment(folder),
        capture_output=True,
        text=True,
        timeout=280,
        check=False,
    )
    return Shown(folder, done)


def test_the_demo_says_what_was_planted(shown):
    assert shown.done.returncode == 0, shown.done.stdout + shown.done.stderr
    entries = shown.truth["leads"]
    assert f"{len(entries)} of {len(entries)} verdicts are as planted." in shown.done.stdout
    assert shown.done.stderr == ""


def test_every_kind_of_fault_was_planted_and_its_answer_shown(shown):
    entries = shown.truth["leads"]
    assert len({entry["fault"] for entry in entries}) == 16
    planted = {entry["expect"]["cause"] for entry in entries} - {None}
    assert all(f"cause      {cause} " in shown.done.stdout for cause in planted)
    assert "Demo request to sales sequence:" in shown.done.stdout


def test_the_demos_server_ends_in_order_and_leaves_nothing_unstored(shown):
    log = (shown.folder / "server.log").read_text()
    assert "spool=empty" in log
    assert "Traceback" not in log
    assert "[error" not in log
    assert not list((shown.server_data / "spool").glob("*-*"))
    assert not (shown.server_data / "server.json").exists()


# ── personal data ───────────────────────────────────────────────────────────────────────────────────────────────────

DUMP = """
import sys
from store.engine import Store
store = Store(f"chdb://{sys.argv[1]}/clickhouse")
with store.client() as client:
    if len(sys.argv) > 2:
        client.insert("spans", [["canary", {"note": sys.argv[2]}]], column_names=["span_id", "attributes"])
    tables = client.query(
        "SELECT database, name FROM system.tables WHERE engine LIKE '%MergeTree%' AND total_rows > 0"
    ).result_rows
    for database, name in tables:
        sys.stdout.buffer.write(f"{database}.{name}\\n".encode())
        sys.stdout.buffer.write(client.raw_query(f"SELECT * FROM {database}.{name}", fmt="TSVRaw"))
store.close()
"""


def dumped(data: Path, *canary: str) -> bytes:
    """Every row of every table of a data folder, decompressed, in one text."""
    arguments = [sys.executable, "-c", DUMP, str(data), *canary]
    done = subprocess.run(
        arguments, cwd=data, env=environment(data.parent), capture_output=True, timeout=120, check=False
    )
    assert done.returncode == 0, done.stderr.decode()
    return done.stdout


def guises(value: str) -> Iterator[bytes]:
    """A value as it may hide: spelled otherwise, percent-encoded once and twice, in JSON, in base64 at any offset."""
    spelled = {value, value.lower(), value.upper(), value.replace(" ", "")}
    for text in spelled:
        for shape in (text, quote(text, safe=""), quote(quote(text, safe=""), safe=""), json.dumps(text)[1:-1]):
            yield shape.encode()
        yield text.encode("utf-16-le")
        for before in (b"", b"x", b"xx"):
            whole = base64.b64encode(before + text.encode())
            yield whole[4 if before else 0 : -4]  # the ends depend on what stands beside it


def personal(truth: dict) -> dict[bytes, str]:
    """Every guise of everybody's address, phone number and name."""
    values = {value for lead in truth["leads"] for value in (*lead["emails"], lead["phone"], lead["name"])}
    assert len(values) > LEADS
    return {guise: value for value in values for guise in guises(value)}


def told_of(content: bytes, needles: dict[bytes, str]) -> set[str]:
    return {value for guise, value in needles.items() if guise in content}


def test_no_personal_data_touches_the_disk(shown):
    needles = personal(shown.truth)
    files = [path for path in shown.server_data.rglob("*") if path.is_file()]
    assert len(files) > 100
    written = {path: told for path in [*files, shown.folder / "server.log"] if (told := told_of(_read(path), needles))}
    assert not written


def _read(path: Path) -> bytes:
    return path.name.encode() + b"\n" + path.read_bytes()


def test_no_personal_data_is_in_any_row_of_the_engine(shown):
    rows = dumped(shown.server_data)
    assert rows.count(b"\n") > 10 * LEADS
    assert b"demo-request" in rows
    assert "•••@".encode() in rows, "masks are what people see of addresses"
    assert not told_of(rows, personal(shown.truth))


@pytest.mark.parametrize(
    "shape",
    [
        pytest.param(str, id="plain"),
        pytest.param(str.upper, id="upper case"),
        pytest.param(lambda text: quote(text, safe=""), id="percent-encoded"),
        pytest.param(lambda text: f"q={quote(quote(text, safe=''), safe='')}&", id="percent-encoded twice"),
        pytest.param(lambda text: base64.b64encode(f"to: {text}, cc".encode()).decode(), id="inside base64"),
    ],
)
def test_the_search_finds_what_somebody_wrote(shown, tmp_path, shape):
    """The two tests above can fail: the same search finds an address in a file, in any guise."""
    needles = personal(shown.truth)
    address = shown.truth["leads"][0]["emails"][0]
    canary = tmp_path / "canary"
    canary.write_text(f"before {shape(address)} after")
    assert told_of(_read(canary), needles) == {address}


def test_the_search_finds_what_the_engine_compressed(shown, tmp_path):
    """A row with an address is found in the rows of an engine, where the bytes of its files may show nothing."""
    person = shown.truth["leads"][0]
    canary = f"{person['emails'][0]} is {person['name']}"
    rows = dumped(tmp_path, canary) if _migrated(tmp_path) else b""
    assert told_of(rows, personal(shown.truth)) == {person["emails"][0], person["name"]}


def _migrated(data: Path) -> bool:
    script = "import sys; from store.engine import Store; s = Store(f'chdb://{sys.argv[1]}/clickhouse'); s.migrate()"
    arguments = [sys.executable, "-c", f"{script}; s.close()", str(data)]
    return subprocess.run(arguments, cwd=data, env=environment(data), check=True, capture_output=True).returncode == 0
