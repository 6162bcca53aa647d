"""Where settling spends its CPU time, by what is being done. Measuring adds about 5 µs an entry."""

import time
from collections import defaultdict
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from typing import Any, Self
from unittest.mock import patch

from lineage import judging
from lineage.adopt import Adopter
from lineage.due import DueLines
from lineage.precedents import Precedents
from store import agenda, verdicts
from store.engine import Store
from store.hops_to_judge import HopPage, HopRows

DONE = (
    ("reads the agenda", DueLines, "read"),
    ("looks for orphans", Adopter, "adopt"),
    ("looks for merges", judging, "read_merges"),
    ("reads hops (ClickHouse)", Store, "columns"),
    ("parts hops by lead", HopPage, "__iter__"),
    ("reads what was said", verdicts, "bodies_of_leads"),
    ("finds the entry's form", Precedents, "form_of"),
    ("repeats precedents", Precedents, "rows_of"),
    ("makes hops", HopRows, "hops"),
    ("makes journeys", judging, "journeys"),
    ("judges", judging, "judge"),
    ("keeps precedents", Precedents, "keep"),
    ("writes verdicts as rows", judging, "row_of"),
    ("writes verdicts (ClickHouse)", verdicts, "write"),
    ("writes reminders", agenda, "remind"),
)
REST = "everything else"


class Phases:
    """Adds up CPU seconds, of all threads, while the block runs. What is done within something else counts once."""

    def __init__(self) -> None:
        self._cpu_s: defaultdict[str, float] = defaultdict(float)
        self._within: list[float] = []
        self._patches = ExitStack()

    def __enter__(self) -> Self:
        for label, owner, name in DONE:
            wrapped = self._iterated if name == "__iter__" else self._called
            self._patches.enter_context(patch.object(owner, name, wrapped(label, getattr(owner, name))))
        self._patches.enter_context(self._spent(REST))
        return self

    def __exit__(self, *error: object) -> None:
        self._patches.close()

    def table(self, entries: int) -> str:
        """A line for each thing that is done: microseconds of CPU an entry, and its part of the whole."""
        whole_s = sum(self._cpu_s.values())
        rows = [(label, self._cpu_s[label]) for label in (*(label for label, _, _ in DONE), REST)]
        lines = [f"  {label:30} {cpu_s / entries * 1e6:7.1f} µs  {cpu_s / whole_s:4.0%}" for label, cpu_s in rows]
        return "\n".join([*lines, f"  {'together':30} {whole_s / entries * 1e6:7.1f} µs an entry"])

    @contextmanager
    def _spent(self, label: str) -> Iterator[None]:
        self._within.append(0.0)
        began = time.process_time()
        try:
            yield
        finally:
            spent = time.process_time() - began
            self._cpu_s[label] += spent - self._within.pop()
            if self._within:
                self._within[-1] += spent

    def _called(self, label: str, real: Callable[..., Any]) -> Callable[..., Any]:
        def called(*arguments: Any, **named: Any) -> Any:
            with self._spent(label):
                return real(*arguments, **named)

        return called

    def _iterated(self, label: str, real: Callable[..., Iterator[Any]]) -> Callable[..., Iterator[Any]]:
        def iterated(*arguments: Any) -> Iterator[Any]:
            members = real(*arguments)
            while True:
                with self._spent(label):
                    member = next(members, None)
                if member is None:
                    return
                yield member

        return iterated
