"""What a success mends, and what a failure spoils, among the hops of one step."""

import heapq
import sys
from bisect import bisect_left
from collections import defaultdict
from collections.abc import Sequence

from lineage.calls import is_beside, is_datastore, operation_of
from lineage.reading import HANDLING, Key, Reading
from model.hop import Hop
from model.kept import kept


class Successes:
    """The successes among some hops, so that each failure is compared with the first and the latest of its kind."""

    def __init__(self, read: Reading, hops: Sequence[Hop]) -> None:
        self._read = read
        self._last_word_ns = -1
        self._done_by: dict[Key | None, int] = {}
        self._by_operation: dict[tuple[str, ...], int] = {}
        self._well_handled: set[tuple[str, ...]] = set()
        self._handled: Hop | None = None
        for hop in hops:
            if read.signs[hop.key].effect == "success":
                self._add(hop)

    def _add(self, hop: Hop) -> None:
        if self._read.speaks(hop):
            self._last_word_ns = max(self._last_word_ns, hop.at_ns)
        elif hop.key in self._read.above_refusals:
            return  # a green span around a refusal says nothing of its own
        if self._does(hop):
            handling = self._handling_of(hop)
            by = handling.key if handling is not None else None
            self._done_by[by] = min(self._done_by.get(by, sys.maxsize), hop.end_ns)
        operation = operation_of(hop)
        self._by_operation[operation] = max(self._by_operation.get(operation, -1), hop.at_ns)
        if self._handles(hop) and hop.key in self._read.direct and hop.key not in self._read.above_failures:
            self._well_handled.add(operation)
            if self._handled is None or hop.at_ns > self._handled.at_ns:
                self._handled = hop

    def repair(self, failed: Hop) -> bool:
        """Did something later do what `failed` failed to do?"""
        if self._last_word_ns >= failed.at_ns or self._by_operation.get(operation_of(failed), -1) >= failed.at_ns:
            return True
        again = self._handled
        above = self._read.journey.ancestors(failed)
        return again is not None and again.at_ns >= failed.end_ns and all(again.key != up.key for up in above)

    def overrule(self, stop: Hop) -> bool:
        """Did the step say later that all is well, or the same system handle the lead once more and not refuse it?"""
        if self._last_word_ns > stop.at_ns:
            return True
        handling = self._handling_of(stop)
        return handling is not None and self._by_operation.get(operation_of(handling), -1) > handling.end_ns

    def came_besides(self, hop: Hop, *, there_already: bool) -> bool:
        """Was this done by another handling of the same, before or meanwhile? Where the answer is that the lead is
        `there_already`, any handling before will do.
        """
        handling = self._handling_of(hop)
        own = handling.key if handling is not None else None
        if there_already and any(ns < hop.at_ns for by, ns in self._earliest if by != own):
            return True
        is_stop = self._read.signs[hop.key].effect == "stop"
        return handling is not None and not is_stop and operation_of(handling) in self._well_handled

    @kept
    def _earliest(self) -> list[tuple[Key | None, int]]:
        """The two handlings that did something first: of two, one is another than any given one."""
        return heapq.nsmallest(2, self._done_by.items(), key=lambda item: item[1])

    def _does(self, hop: Hop) -> bool:
        """Does the hop do what its step is there for, by itself?"""
        if hop.key not in self._read.direct:
            return False
        return self._read.speaks(hop) or (hop.key not in self._read.above_failures and not is_beside(hop))

    def _handling_of(self, hop: Hop) -> Hop | None:
        return next((up for up in (hop, *self._read.journey.ancestors(hop)) if self._handles(up)), None)

    def _handles(self, hop: Hop) -> bool:
        """Does the hop see to something: a request, a message, an activity of a workflow?"""
        return hop.kind in HANDLING or (hop.kind == "internal" and hop.key in self._read.direct)


class Spoiled:
    """The green spans of a step that mean nothing, since what they are part of, or what is part of them, went wrong."""

    def __init__(self, read: Reading, failures: Sequence[Hop], stops: Sequence[Hop]) -> None:
        """`failures` and `stops` are those of one step that stand."""
        self._read = read
        standing = [*failures, *stops]
        self._fallen = {hop.key for hop in standing}
        self._above = {up.key for hop in standing for up in read.handed_to(hop)}
        # A record that could not be kept takes nothing back of what another system said before.
        undoing = [hop for hop in standing if not is_datastore(hop)]
        self._undone = {one.key for hop in undoing for one in (hop, *read.handed_to(hop))}
        steps = {read.step_of[hop.key].name for hop in standing}
        self._undone = {key for key in self._undone if key in read.direct and read.step_of[key].name in steps}
        self._stopped_ns: dict[str, list[int]] = defaultdict(list)
        for hop in sorted(stops, key=lambda stop: stop.at_ns):
            self._stopped_ns[hop.service].append(hop.at_ns)

    def covers(self, hop: Hop) -> bool:
        above = self._read.journey.ancestors(hop)
        return (
            hop.key in self._above
            or any(up.key in self._fallen and not _only_waited(up, hop) for up in above)
            or any(up.key in self._undone and up.service == hop.service for up in above)
            or self._refused_meanwhile(hop)
        )

    def _refused_meanwhile(self, hop: Hop) -> bool:
        """Did the same system refuse the lead while the hop lasted? A log record need not name its span."""
        stopped_ns = self._stopped_ns.get(hop.service, [])
        first = bisect_left(stopped_ns, hop.at_ns)
        return first < len(stopped_ns) and stopped_ns[first] <= hop.end_ns


def _only_waited(caller: Hop, called: Hop) -> bool:
    """Did a caller give up, and the system that it called do its work all the same?"""
    return caller.kind in {"client", "producer"} and called.kind in {"server", "consumer"}
