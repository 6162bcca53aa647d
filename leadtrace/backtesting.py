"""Back-tests an objective file, wherever the history is: in a running server, or in the store itself."""

import json
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from leadtrace.asking import NoAnswerError
from leadtrace.flowfiles import FlowFiles
from leadtrace.objectivefiles import ObjectiveFiles
from leadtrace.remote import RemoteError, running_server
from leadtrace.settings import Settings
from lineage.backtests import BacktestError
from lineage.window import WindowError, window
from slo.backtest import Backtester
from store.engine import Store

SERVER_S = 900.0


def ask_backtest(settings: Settings, text: str, since: str, tell: Callable[[int], None]) -> Any:
    """The answer as the API gives it. `tell` hears of every step how many leads it did. Raises NoAnswerError."""
    if settings.store_url.startswith("chdb:"):
        server = running_server(settings)
        if server is not None:
            try:
                return server.post("/api/v1/slos/backtest", text, timeout_s=SERVER_S, since=since)
            except (RemoteError, OSError) as error:
                raise NoAnswerError(str(error)) from error
    return _from_store(settings, text, since, tell)


def _from_store(settings: Settings, text: str, since: str, tell: Callable[[int], None]) -> Any:
    folder = Path(urlsplit(settings.store_url).path)
    if settings.store_url.startswith("chdb:") and not folder.exists():
        raise NoAnswerError(f"Nothing was collected yet in {settings.data}, so there is no history to walk.")
    flows = FlowFiles(settings.flows)
    objectives = ObjectiveFiles(settings.objectives, flows)
    store = Store(settings.store_url)
    try:
        if lacking := store.unmigrated():
            raise NoAnswerError(f"The schema lacks {', '.join(lacking)}: run `leadtrace migrate`.")
        asked = window(since, None, now=datetime.now(UTC))
        answer = Backtester(store, objectives, flows, tell)(text, asked.since, asked.until)
    except (BacktestError, WindowError) as error:
        raise NoAnswerError(str(error)) from error
    finally:
        store.close()
    return json.loads(answer.model_dump_json(by_alias=True))
