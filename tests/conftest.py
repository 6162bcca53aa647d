"""One engine serves the whole run (chDB allows one path a process); each test that asks for a store gets an empty one."""

import itertools
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

from store import engine
from store.engine import Store

SHARED = Path(__file__).resolve().parents[2] / "shared"
# How long an example takes to make and to run tells of the machine.
settings.register_profile("leadtrace", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("leadtrace")
_numbers = itertools.count(1)
_clean: list[Store] = []


@pytest.fixture(scope="session")
def engine_path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("engine")


@contextmanager
def _lent(path: Path) -> Iterator[Store]:
    """A migrated database with empty tables. Emptying one costs an eighth of migrating another."""
    store = _clean.pop() if _clean else _migrated(path)
    yield store
    for table in _tables(store):
        store.command(f"TRUNCATE TABLE {table}")
    _clean.append(store)


def _tables(store: Store) -> list[str]:
    with store.client() as client:
        found = client.query(
            "SELECT name FROM system.tables WHERE database = currentDatabase() AND engine LIKE '%MergeTree' AND name != 'migrations'"
        )
    return [row[0] for row in found.result_rows]


def _migrated(path: Path) -> Store:
    store = Store(f"chdb://{path}", database=f"{engine.DATABASE}_{next(_numbers)}")
    store.migrate()
    for table in _tables(store):  # no test cuts the machine's power, and most would wait longer for its disk than run
        store.command(f"ALTER TABLE {table} MODIFY SETTING fsync_after_insert = 0, fsync_part_directory = 0")
    return store


@pytest.fixture
def store(engine_path: Path) -> Iterator[Store]:
    """An empty, migrated database of its own."""
    with _lent(engine_path) as lent:
        yield lent


@pytest.fixture(scope="module")
def module_store(engine_path: Path) -> Iterator[Store]:
    """The same, shared by the tests of a module that only read it."""
    with _lent(engine_path) as lent:
        yield lent


@pytest.fixture(scope="session")
def shared_cases() -> Path:
    """The real inputs that others wrote; a test that needs them is marked `shared`."""
    if not (SHARED / "cases").is_dir():
        pytest.skip("../shared/cases is not here")
    return SHARED / "cases"
