"""Whatever is given: any valid objective survives being written, and no text breaks the reader."""

from datetime import timedelta
from fractions import Fraction
from pathlib import Path

import yaml
from hypothesis import given, settings
from hypothesis import strategies as st
from writing_slos import slo, written

from model.objective import GROUP_KEYS, Gate, Indicator, Objective, Tier, Window
from slo.openslo.indicator import KINDS
from slo.openslo.objective import generation_of
from slo.openslo.objects import Source
from slo.openslo.read import read_openslo

names = st.from_regex(r"[a-z0-9]([-a-z0-9]{0,20}[a-z0-9])?", fullmatch=True)
words = (
    st.text(st.characters(categories=["L", "N", "P", "S", "Zs"]), min_size=1, max_size=40).map(str.strip).filter(bool)
)
minutes = st.integers(1, 60 * 24 * 14).map(lambda count: timedelta(minutes=count))
zones = st.sampled_from(["UTC", "Europe/Warsaw", "America/New_York", "Asia/Kolkata"])
rolling = st.integers(1, 366).map(lambda days: Window(timedelta(days=days)))
moments = st.datetimes(timezones=st.none()).map(lambda at: f"{at.replace(microsecond=0, year=max(at.year, 1000))}")
NOMINAL = {"day": 1, "week": 7, "month": 30, "quarter": 90, "year": 365}


@st.composite
def calendars(draw: st.DrawFn) -> Window:
    unit = draw(st.sampled_from(sorted(NOMINAL)))
    count = draw(st.integers(1, 366 // NOMINAL[unit]))
    return Window(timedelta(days=count * NOMINAL[unit]), False, unit, count, draw(moments), draw(zones))


@st.composite
def tiers(draw: st.DrawFn, period: timedelta) -> Tier:
    long = timedelta(minutes=draw(st.integers(5, int(period.total_seconds()) // 60)))
    least = int(1000 * (long / period)) + 1
    share = Fraction(draw(st.integers(min(least, 1000), 1000)), 1000)
    short = timedelta(minutes=draw(st.integers(1, int(long.total_seconds()) // 60 - 1)))
    burn = share * Fraction(int(period.total_seconds()), int(long.total_seconds()))
    return Tier(draw(st.sampled_from(["page", "ticket"])), long, short, share, burn)


@st.composite
def objectives(draw: st.DrawFn) -> Objective:
    name = draw(st.sampled_from(sorted(KINDS)))
    kind = KINDS[name]
    limit = timedelta(seconds=draw(st.integers(1, 28 * 86_400))) if kind.has_limit else None
    asked = draw(st.dictionaries(st.sampled_from(kind.parameters), names)) if kind.parameters else {}
    window = draw(st.one_of(rolling, calendars()))
    told = {tier.name: tier for tier in draw(st.lists(tiers(window.length), min_size=1, max_size=3))}
    ordered = tuple(sorted(told.values(), key=lambda tier: (tier.severity != "page", tier.long)))
    return Objective(
        name=draw(names),
        title=draw(words),
        indicator=Indicator(name, draw(names), limit, asked),
        target=Fraction(draw(st.integers(1, 99_999)), 100_000),
        window=window,
        tiers=ordered,
        generation="",
        method="timeslices" if name == "backlog" or (kind.sliced and draw(st.booleans())) else "occurrences",
        description=draw(words),
        service=draw(names),
        owner=draw(words),
        playbook=draw(st.sampled_from(["", "https://playbooks.acme.example/x?y=z#a"])),
        group_by=tuple(draw(st.lists(st.sampled_from(GROUP_KEYS), unique=True))),
        max_groups=draw(st.integers(1, 10_000)),
        decision_deadline=draw(st.one_of(st.none(), minutes)),
        lateness_horizon=draw(minutes),
        gate=Gate(
            draw(st.integers(1, 1_000)),
            draw(st.floats(1e-12, 0.05)),
            draw(st.integers(1, 1_000)),
            draw(st.sampled_from(["", "batch.id", "lead.batch"])),
        ),
        receivers={tier.name: tuple(draw(st.lists(names, min_size=1, max_size=3, unique=True))) for tier in ordered},
    )


@given(objectives())
@settings(max_examples=60)
def test_any_objective_survives_being_written_as_openslo(objective):
    text = yaml.safe_dump(written(objective), allow_unicode=True)
    reading = read_openslo([Source("any.yaml", text)])
    assert reading.errors == ()
    [back] = reading.objectives
    assert back.generation == generation_of(objective)
    assert _plain(back) == _plain(objective)


def _plain(objective: Objective) -> dict[str, object]:
    return {key: value for key, value in vars(objective).items() if key not in {"generation", "text"}}


PIECES = st.sampled_from(
    ["apiVersion: openslo/v1\n", "kind: SLO\n", "metadata: ", "{name: x}\n", "spec:\n", "  ", "- ", ": ", "[", "]", "{", "}", "&a ", "*a",
     "<<: ", "---\n", "\n", "\t", '"', "'", "|\n", ">-\n", "!!", "%YAML 1.1\n", "\\u", "1e999", ".nan", "0x", "\x00", "\ud800", "\ufeff", "target: "]
)  # fmt: skip
DEMO = sorted((Path(__file__).resolve().parents[2] / "demo" / "objectives").glob("*.yaml"))


@given(st.one_of(st.text(max_size=200), st.lists(PIECES, max_size=40).map("".join)), st.booleans())
@settings(max_examples=300)
def test_no_text_breaks_the_reader(text, strict):
    reading = read_openslo([Source("any", text)], strict=strict)
    assert all(str(finding) for finding in reading.findings)
    assert reading.errors or reading.outcomes


json_values = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(), st.floats(), st.text(max_size=8), st.sampled_from(["0d", "1M", "lte", "mine"])),
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(st.text(max_size=5), inner, max_size=3)),
    max_leaves=6,
)  # fmt: skip


def places(document: object, way: tuple[object, ...] = ()) -> list[tuple[object, ...]]:
    """Every place of a document."""
    inner = (
        document.items() if isinstance(document, dict) else enumerate(document) if isinstance(document, list) else ()
    )
    return [way, *(one for key, value in inner for one in places(value, (*way, key)))]


@given(st.sampled_from(sorted(KINDS)), st.data(), json_values, st.booleans())
@settings(max_examples=150)
def test_no_value_at_any_place_of_an_slo_breaks_the_reader(indicator, data, value, strict):
    document = slo(indicator)
    document["spec"]["alertPolicies"] = written_policies()
    *way, last = data.draw(st.sampled_from([place for place in places(document) if place]))
    there = document
    for key in way:
        there = there[key]
    there[last] = value
    text = yaml.safe_dump(document)
    reading = read_openslo([Source("any", text)], strict=strict)
    assert all(finding.file == "any" and finding.line >= 1 for finding in reading.findings)
    assert reading.errors or all(one.objectives or one.why_none for one in reading.outcomes)


def written_policies() -> list[object]:
    from writing_slos import condition, policy  # noqa: PLC0415

    return [policy(condition(13.44, "1h", short_window="5m", budget_share="2%"))]


@given(st.sampled_from(DEMO), st.data(), st.text(max_size=5))
@settings(max_examples=200)
def test_no_edit_of_a_right_file_breaks_the_reader(path, data, inserted):
    text = path.read_text()
    start, end = sorted(data.draw(st.lists(st.integers(0, len(text)), min_size=2, max_size=2)))
    read_openslo([Source("any", text[:start] + inserted + text[min(end, start + 20) :])])
