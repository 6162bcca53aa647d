"""The flow files in force, and how one is read."""

from collections.abc import Mapping, Sequence
from pathlib import Path

from leadtrace.watched import Watched, why_unread
from model.flow import Flow
from model.flowfile import FlowProblems, Problem, read_flow

SUFFIXES = (".yaml", ".yml")
MAX_FLOW_BYTES = 1024 * 1024


def flow_files(paths: Sequence[Path]) -> list[Path]:
    """The files that paths name; of a folder, the YAML files directly in it."""
    found: list[Path] = []
    for path in paths:
        if path.is_dir():
            found += sorted(one for one in path.iterdir() if one.suffix in SUFFIXES and one.is_file())
        else:
            found.append(path)
    return found


def read_flow_file(path: Path) -> Flow:
    """The flow in one file. Raises FlowProblems, also for a file that cannot be read."""
    try:
        if path.stat().st_size > MAX_FLOW_BYTES:
            raise FlowProblems([Problem(str(path), 1, "the file is larger than 1 MiB", "Split the flow")])
        return read_flow(path.read_text(encoding="utf-8"), str(path))
    except (OSError, UnicodeDecodeError) as error:
        raise FlowProblems([Problem(str(path), 1, *why_unread(error))]) from error


def read_flows(paths: Sequence[Path]) -> dict[str, Flow]:
    """Every flow by its name. Raises FlowProblems with the mistakes of all files."""
    problems: list[Problem] = []
    flows: dict[str, Flow] = {}
    origin: dict[str, Path] = {}
    for path in flow_files(paths):
        try:
            flow = read_flow_file(path)
        except FlowProblems as error:
            problems += error.problems
            continue
        if flow.name in flows:
            mend = f"{origin[flow.name]} describes it already: give one of them another name"
            problems.append(Problem(str(path), 1, f"the flow `{flow.name}` is described twice", mend))
        flows[flow.name], origin[flow.name] = flow, path
    if problems:
        raise FlowProblems(problems)
    return flows


class FlowFiles(Watched[Mapping[str, Flow]]):
    """Calling it gives the flows in force."""

    def __init__(self, paths: Sequence[Path]) -> None:
        super().__init__("flows", lambda: flow_files(paths), lambda: read_flows(paths))
