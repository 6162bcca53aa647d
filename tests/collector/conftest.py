from collections.abc import Iterator
from pathlib import Path

import pytest
from telemetry import Running, running, wait_for


@pytest.fixture(scope="module")
def long_road(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    with running(tmp_path_factory.mktemp("collector")) as road:
        yield road


@pytest.fixture
def road(long_road: Running) -> Running:
    """A collector with generous limits, and an empty store that takes everything."""
    wait_for(lambda: long_road.collector.status().spool_bytes == 0)
    long_road.store.landed.clear()
    return long_road


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path
