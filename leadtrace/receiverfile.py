"""The file of receivers in force: who is told of alerts."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from difflib import get_close_matches
from pathlib import Path

import structlog

from leadtrace.watched import Watched
from model.objective import Objective
from slo.receivers import ReceiverProblems, Receivers, read_receivers

log = structlog.get_logger(__name__)


class ReceiverFile(Watched[Receivers]):
    """Calling it gives the receivers in force. A changed secret is read again like a changed file.

    At the start an objective that names a receiver whom the file does not have is a mistake too; later it is logged,
    and its alerts go to the others it names, or to everybody.
    """

    def __init__(
        self, path: Path | None, environment: Mapping[str, str], objectives: Callable[[], Mapping[str, Objective]]
    ) -> None:
        self._path = path
        self._environment = environment
        self._objectives = objectives
        self._secrets: tuple[Path, ...] = ()
        self._started = False
        super().__init__("receivers", self._looked_at, self._receivers)
        self._started = True

    def _looked_at(self) -> Sequence[Path]:
        return [self._path, *self._secrets] if self._path else []

    def _receivers(self) -> Receivers:
        wanted = self._objectives().values()
        if self._path is None:
            if wanted:
                log.warning("alerts_reach_nobody", mend="name a file of receivers in LEADTRACE_RECEIVERS")
            return Receivers()
        found = read_receivers(self._path, self._environment)
        self._secrets = found.files
        unknown = list(unknown_receivers(wanted, found, self._path))
        if unknown and not self._started:
            raise ReceiverProblems("\n".join(unknown))
        for sentence in unknown:
            log.error("receiver_unknown", reason=sentence)
        return found


def unknown_receivers(objectives: Iterable[Objective], receivers: Receivers, path: Path) -> Iterable[str]:
    """A sentence for each receiver that an objective names and the file does not have."""
    for objective in objectives:
        named = {name for names in objective.receivers.values() for name in names}
        for name in sorted(named - receivers.by_name.keys()):
            near = get_close_matches(name, receivers.by_name, 1)
            known = ", ".join(receivers.by_name)
            hint = f"Did you mean `{near[0]}`?" if near else f"It has {known}"
            yield f"objective `{objective.name}` tells `{name}`, and {path} has no receiver of that name. {hint}"
