"""Says how right the verdicts were, and shows each miss with the generator's reason."""

from collections import Counter
from collections.abc import Callable, Iterator, Sequence

from benchmarks.accuracy.judged import Answer


def share(good: int, total: int) -> str:
    return f"{good} of {total} ({100 * good / total:.2f} %)" if total else "none"


class Tally:
    """Counts answers, and keeps the misses."""

    def __init__(self) -> None:
        self.answers = 0
        self.unknowable: Counter[str] = Counter()
        self.unknowable_right = 0
        self.status: Counter[bool] = Counter()
        self.cause: Counter[bool] = Counter()
        self.step: Counter[bool] = Counter()
        self.contributing: Counter[bool] = Counter()
        self.healthy: Counter[bool] = Counter()
        self.confusions: Counter[tuple[str, str]] = Counter()
        self.by: dict[str, Counter[tuple[str, bool]]] = {name: Counter() for name in ("style", "shape", "plot")}
        self.causes: set[str] = set()
        self.misses: list[Answer] = []
        self.reordered = 0
        self.doubled = 0

    def add(self, answer: Answer) -> None:
        self.answers += 1
        if answer.unknowable:
            self.unknowable[answer.unknowable] += 1
            self.unknowable_right += not answer.wrong
            return
        truth, verdict = answer.truth, answer.verdict
        self.status[answer.status_right and not answer.wrong.endswith("of one")] += 1
        if answer.healthy:
            self.healthy[verdict is not None and verdict.status.value == "blocked"] += 1
        if answer.cause_asked:
            self.causes |= truth.causes
            self.cause[answer.cause_right] += 1
        if truth.step and not answer.healthy:
            self.step[verdict is not None and verdict.step == truth.step] += 1
        if truth.contributing:
            self.contributing[answer.contributing_right] += 1
        for name, value in (("style", answer.case.style), ("shape", answer.case.shape), ("plot", answer.case.plot)):
            self.by[name][value, not answer.wrong] += 1
        if answer.wrong:
            self.misses.append(answer)
            self.confusions[_said(answer.truth.statuses, answer.truth.causes), _given(answer)] += 1

    # ── shares ──────────────────────────────────────────────────────────────────────────────────────────────────

    @property
    def status_share(self) -> float:
        return self.status[True] / max(1, self.status.total())

    @property
    def cause_share(self) -> float:
        return self.cause[True] / max(1, self.cause.total())

    @property
    def step_share(self) -> float:
        return self.step[True] / max(1, self.step.total())

    @property
    def contributing_share(self) -> float:
        return self.contributing[True] / max(1, self.contributing.total())

    @property
    def healthy_blocked(self) -> int:
        return self.healthy[True]


def _said(statuses: frozenset[str], causes: frozenset[str]) -> str:
    return "/".join(sorted(statuses)) + " " + "/".join(sorted(causes))


def _given(answer: Answer) -> str:
    return f"{answer.verdict.status.value} {answer.verdict.cause}" if answer.verdict else answer.wrong


def lines(tally: Tally, *, most: int = 40) -> Iterator[str]:
    yield f"verdicts            {tally.answers}, of which the truth can be known {tally.status.total()}"
    yield f"right status        {share(tally.status[True], tally.status.total())}"
    yield f"right first cause   {share(tally.cause[True], tally.cause.total())}, {len(tally.causes)} causes planted"
    yield f"right step          {share(tally.step[True], tally.step.total())}"
    yield f"right contributing  {share(tally.contributing[True], tally.contributing.total())}"
    yield f"healthy but blocked {tally.healthy[True]} of {tally.healthy.total()}"
    yield f"order changed it    {tally.reordered}; doubles changed it {tally.doubled}"
    told = ", ".join(f"{why}: {count}" for why, count in tally.unknowable.items()) or "none"
    yield f"unknowable          {told}; answered as planted all the same {tally.unknowable_right}"
    yield "\nmost confused: truth → verdict"
    for (truth, given), count in tally.confusions.most_common(30):
        yield f"{count:6}  {truth} → {given}"
    for name, counts in tally.by.items():
        yield f"\nby {name}, right of all"
        yield from _table(counts)
    yield f"\nmisses: {len(tally.misses)}, the first {min(most, len(tally.misses))}"
    for answer in tally.misses[:most]:
        yield from miss(answer)


def _table(counts: Counter[tuple[str, bool]]) -> Iterator[str]:
    names = sorted({name for name, _ in counts}, key=lambda name: (-counts[name, False], name))
    for name in names:
        yield f"  {name:52} {share(counts[name, True], counts[name, True] + counts[name, False])}"


def miss(answer: Answer) -> Iterator[str]:
    truth, verdict = answer.truth, answer.verdict
    yield f"\n- {answer.case.lead} {answer.case.shape}: {answer.case.plot} [{answer.case.style}] wrong {answer.wrong}"
    yield f"  truth: {_said(truth.statuses, truth.causes)} at {truth.step or 'any step'}, since {truth.why}"
    if verdict is None:
        return
    yield f"  given: {verdict.status.value} {verdict.cause} at {verdict.step or 'no step'}: {verdict.headline}"
    for one in verdict.evidence[:3]:
        yield f"         {one.service} · {one.name} · {one.outcome}"


def spoil(answer: Answer, number: int = 0) -> str:
    """The hops of a miss in short, for whoever mends it."""
    out = []
    for one in sorted(answer.case.said, key=lambda said: said.at):
        words = {k: v for k, v in one.attributes.items() if k not in {"lead.id", "lead.correlation_id", "lead.flow"}}
        exceptions = [told for _, _, told in one.events]
        out.append(f"    {one.at:9.1f}+{one.took:<6.2f} {one.signal[0]} {one.trace[:4]} {one.parent[:4] or '----'}>{one.id[:4]} "
                   f"{one.service} · {one.name} [{one.kind}] {one.status} {one.message} {words} {exceptions or ''} {'L' if one.links else ''}")  # fmt: skip
    return "\n".join(out)


def classes(misses: Sequence[Answer], key: Callable[[Answer], str]) -> list[tuple[str, int]]:
    return Counter(key(one) for one in misses).most_common()
