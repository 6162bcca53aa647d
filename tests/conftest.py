"""One engine serves the whole run (chDB allows one path a process); each test that asks for a store gets a database."""

import itertools
from collections.abc import Iterator
from pathlib import Path

import pytest

from store import engine
from store.engine import Store

SHARED = Path(__file__).resolve().parents[2] / "shared"
_numbers = itertools.count(1)


@pytest.fixture(scope="session")
def engine_path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("engine")


def _fresh_store(path: Path) -> Store:
    store = Store(f"chdb://{path}", database=f"{engine.DATABASE}_{next(_numbers)}")
    store.migrate()
    return store


@pytest.fixture
def store(engine_path: Path) -> Iterator[Store]:
    """An empty, migrated database of its own."""
    made = _fresh_store(engine_path)
    yield made
    made.command(f"DROP DATABASE {made.database}")
    made.close()


@pytest.fixture(scope="module")
def module_store(engine_path: Path) -> Iterator[Store]:
    """The same, shared by the tests of a module that only read it."""
    made = _fresh_store(engine_path)
    yield made
    made.command(f"DROP DATABASE {made.database}")
    made.close()


@pytest.fixture(scope="session")
def shared_cases() -> Path:
    """The real inputs that others wrote; a test that needs them is marked `shared`."""
    if not (SHARED / "cases").is_dir():
        pytest.skip("../shared/cases is not here")
    return SHARED / "cases"
