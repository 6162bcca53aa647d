"""The same leads through the real road: OTLP into the store, the settle loop, verdicts read back.

The loop judges by the engine's clock, so only cases that have ended take part: what is pending at a moment of its own
is judged in memory (`judged`).
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.common.v1.common_pb2 import AnyValue, KeyValue
from opentelemetry.proto.trace.v1.trace_pb2 import Span

from benchmarks.accuracy.judged import FLOWS, answers, ns
from benchmarks.accuracy.report import Tally
from benchmarks.accuracy.told import SECOND, Case, Said, Value
from lineage.identity import read_merges
from lineage.settle import Settler
from store.engine import Store
from store.verdicts import verdicts_of_leads

LEADS_A_SEGMENT = 200
KINDS = {"unspecified": 0, "internal": 1, "server": 2, "client": 3, "producer": 4, "consumer": 5}
STATUSES = {"unset": 0, "ok": 1, "error": 2}


def measured_in_store(cases: Iterable[Case], folder: Path) -> Tally:
    """Lands the cases in a new embedded engine in `folder`, settles, and compares."""
    store = Store(f"chdb://{folder}", database="accuracy")
    store.migrate()
    ended = [_adoptable(case) for case in cases if not case.plot.startswith("pending")]
    land(store, ended)
    settler = Settler(store, lambda: FLOWS)
    while settler.tick():
        pass
    tally = Tally()
    for some in _batches(ended):
        merges = read_merges(store, [case.lead for case in some])
        lead_of = {case.lead: merges.identity(case.lead).lead for case in some}
        found = verdicts_of_leads(store, sorted(set(lead_of.values())))
        for case in some:
            ours = [one.verdict for one in found.get(lead_of[case.lead], ())]
            given = [verdict for verdict in ours if case.lead in {verdict.lead, *verdict.came_as}]
            for answer in answers(case, given):
                tally.add(answer)
    return tally


def land(store: Store, cases: Sequence[Case]) -> None:
    """Put what the cases say into the store, as OTLP."""
    for number, some in enumerate(_batches(cases)):
        store.land("traces", _traces(some), f"traces-{number}")
        store.land("logs", _logs(some), f"logs-{number}")


def _adoptable(case: Case) -> Case:
    """Counts spans as lost whose trace names no lead and links to none that does: nobody can know whose they are."""
    owned = {one.trace for one in case.said if "lead.id" in one.attributes}
    linked = {one.trace for one in case.said if any(trace in owned for trace, _ in one.links)}
    alone = {one.id for one in case.said if one.trace not in owned | linked and one.signal == "span"}
    return replace(case, lost=case.lost | alone)


def _batches(cases: Sequence[Case]) -> Iterable[Sequence[Case]]:
    for start in range(0, len(cases), LEADS_A_SEGMENT):
        yield cases[start : start + LEADS_A_SEGMENT]


def _pairs(said: Mapping[str, Value]) -> list[KeyValue]:
    return [KeyValue(key=key, value=_any(value)) for key, value in said.items()]


def _any(value: Value) -> AnyValue:
    if isinstance(value, bool):
        return AnyValue(bool_value=value)
    if isinstance(value, int):
        return AnyValue(int_value=value)
    return AnyValue(double_value=value) if isinstance(value, float) else AnyValue(string_value=value)


def _by_service(cases: Sequence[Case], signal: str) -> Mapping[str, list[Said]]:
    grouped: dict[str, list[Said]] = defaultdict(list)
    for case in cases:
        for one in case.said:
            if one.signal == signal:
                grouped[one.service].append(one)
    return grouped


def _traces(cases: Sequence[Case]) -> bytes:
    request = ExportTraceServiceRequest()
    for service, said in _by_service(cases, "span").items():
        resource = request.resource_spans.add()
        resource.resource.attributes.extend(_pairs({"service.name": service}))
        resource.scope_spans.add().spans.extend(_span(one) for one in said)
    return request.SerializeToString()


def _span(said: Said) -> Span:
    span = Span(
        trace_id=bytes.fromhex(said.trace), span_id=bytes.fromhex(said.id), parent_span_id=bytes.fromhex(said.parent),
        name=said.name, kind=KINDS[said.kind],  # type: ignore[arg-type]
        start_time_unix_nano=ns(said.at), end_time_unix_nano=ns(said.at) + round(said.took * SECOND),
        attributes=_pairs(said.attributes),
    )  # fmt: skip
    span.status.code = STATUSES[said.status]  # type: ignore[assignment]
    span.status.message = said.message
    for at, name, told in said.events:
        span.events.add(time_unix_nano=ns(at), name=name, attributes=_pairs(told))
    for trace, target in said.links:
        span.links.add(trace_id=bytes.fromhex(trace), span_id=bytes.fromhex(target))
    return span


def _logs(cases: Sequence[Case]) -> bytes:
    request = ExportLogsServiceRequest()
    for service, said in _by_service(cases, "event").items():
        resource = request.resource_logs.add()
        resource.resource.attributes.extend(_pairs({"service.name": service}))
        scope = resource.scope_logs.add()
        for one in said:
            scope.log_records.add(event_name=one.name, time_unix_nano=ns(one.at), attributes=_pairs(one.attributes))
    return request.SerializeToString()
