"""What a single hop says: it went well, it failed and why, or it refused the lead by policy.

What plain telemetry means stands in `tables.py`. Words that a sender chose (`lead.outcome`, `lead.reason`,
`lead.event`) count before anything guessed from HTTP.
"""

import re
from dataclasses import dataclass, replace
from typing import Literal

from lineage.bodies import FAILING_WORDS, REFUSING_WORDS, first_code, refusal_in, results_in
from lineage.calls import asks_for_token, is_dead_letters, is_health_check, reads, sends, system_of
from lineage.errors import (
    caught_words,
    codes_in,
    error_words,
    named_error,
    status_in,
    was_cancelled,
    was_throttled,
)
from lineage.tables import (
    ANYWHERE,
    BY_KIND,
    GAVE_UP,
    GRPC_AS_HTTP,
    GRPC_NUMBERS,
    NOT_THERE,
    OFTEN_THROTTLED,
    RETRYABLE_4XX,
    RETRYABLE_CAUSES,
    WITHOUT_CRM,
)
from model import attributes as names
from model.causes import UNMAPPED, VendorCodes, built_in_codes, causes
from model.flow import Step
from model.hop import Hop

Effect = Literal["success", "failure", "stop", "neutral"]


@dataclass(frozen=True, slots=True)
class Sign:
    """What a hop means for its step. `final` says that no retry is to be expected after it."""

    effect: Effect
    cause: str = ""
    raw_reason: str = ""
    final: bool = False
    explicit: bool = False
    dead_lettered: bool = False


SUCCESS = Sign("success")
SAID_SUCCESS = Sign("success", explicit=True)
NEUTRAL = Sign("neutral")
GIVEN_UP = Sign("neutral", dead_lettered=True)  # who works off a queue of dead letters does not do the step's work

EXCEPTION = "exception"  # the event name of an exception that is told as a log record

_OUTCOMES: dict[str, Effect] = {
    "ok": "success",
    "skipped": "stop",
    "rejected": "stop",
    "failed": "failure",
    "retrying": "failure",
    "dead_lettered": "failure",
}
_MAX_RAW = 120
_SKIPPING_EVENTS = frozenset({names.ENROLLMENT_SKIPPED})
# The last words of the names of events that turn a lead away.
_TURNED_AWAY = REFUSING_WORDS | {"declined", "denied", "disqualified"}
_WORDS = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+")


def sign_of(hop: Hop, step: Step | None, codes: VendorCodes | None = None) -> Sign:
    """What `hop` says about `step`. Never raises, whatever the attributes hold."""
    kind = step.kind if step is not None else ""
    if is_health_check(hop):
        return NEUTRAL
    meant = codes or built_in_codes()
    sign = (
        _said(hop, kind, meant)
        or _named_so(hop, step, meant)
        or _failed(hop, kind, meant)
        or _refused_in_body(hop, kind, meant)
    )
    if sign is not None:
        return sign
    if hop.signal == "event" and (step is None or hop.event == EXCEPTION):
        return NEUTRAL
    return GIVEN_UP if is_dead_letters(hop) else SUCCESS


def caught_sign(hop: Hop, step: Step | None, codes: VendorCodes | None = None) -> Sign | None:
    """The error that a hop recorded although it ended well: why it then gave up, where nothing else tells."""
    words, kind = caught_words(hop), step.kind if step is not None else ""
    return _of_error(hop, words, kind, codes or built_in_codes()) if words else None


def _said(hop: Hop, kind: str, codes: VendorCodes) -> Sign | None:
    """What the sender said in leadtrace's own words."""
    outcome, reason = hop.outcome, hop.reason
    if not outcome and not reason:
        outcome, reason = _in_span_event(hop)
    gave_up = hop.event == names.DEAD_LETTERED or outcome == "dead_lettered"
    if gave_up or (not outcome and sends(hop) and is_dead_letters(hop)):
        cause = _cause_of(reason, hop, codes) if reason else ""
        return Sign("failure", cause, reason, final=True, explicit=True, dead_lettered=True)
    effect = _OUTCOMES.get(outcome)
    if effect == "success":
        return SAID_SUCCESS
    if effect is None and hop.event in _SKIPPING_EVENTS:
        effect = "stop"
    if effect is None and reason:
        effect = "failure" if hop.status == "error" or _class(_cause_of(reason, hop, codes)) == "fault" else "stop"
    if effect is None:
        return None
    if reason:
        cause = _cause_of(reason, hop, codes)
    else:
        plain = _failed(hop, kind, codes) or _refused_in_body(hop, kind, codes)
        told = plain is not None and plain.cause
        cause, reason = (plain.cause, plain.raw_reason) if plain and told else (_unsaid(effect, kind), "")
    return Sign(effect, cause, reason, final=outcome != "retrying", explicit=True)


def _in_span_event(hop: Hop) -> tuple[str, str]:
    """Outcome and reason where the sender put them on an event of the span."""
    for event in reversed(hop.events):
        outcome, reason = event.attributes.get(names.OUTCOME, ""), event.attributes.get(names.REASON, "")
        if outcome or reason:
            return outcome.lower(), reason
    return "", ""


def _named_so(hop: Hop, step: Step | None, codes: VendorCodes) -> Sign | None:
    """What the name of an event says: `optin_denied`, `ProgramEntryRejected`, `contact_upsert_failed`."""
    if step is None or _is_milestone(hop, step):
        return None
    word = _last_word(hop.event)
    if word in FAILING_WORDS:
        return _failed(hop, step.kind, codes) or Sign("failure", UNMAPPED, hop.event, explicit=True)
    says_no = word in _TURNED_AWAY or (
        hop.status != "error" and any(_last_word(one.name) in REFUSING_WORDS for one in hop.events)
    )
    return Sign("stop", _unsaid("stop", step.kind), "", final=True, explicit=True) if says_no else None


def _is_milestone(hop: Hop, step: Step) -> bool:
    """Is the event all that the step waits for? Then its name is the flow's own business."""
    return bool(hop.event) and bool(step.matchers) and all(one.event == hop.event for one in step.matchers)


def _last_word(name: str) -> str:
    words = _WORDS.findall(name)
    return words[-1].lower() if words else ""


def _cause_of(reason: str, hop: Hop, codes: VendorCodes) -> str:
    return codes.resolve(reason, system_of(hop)) or UNMAPPED


def _meant(code: str, hop: Hop, kind: str, codes: VendorCodes) -> str | None:
    """The cause of a code that nobody gave as the reason. `INVALID_TOKEN` may be anybody's: where the vendor is not
    known, it is no CRM's at a step that writes to none.
    """
    system = system_of(hop)
    cause = codes.resolve(code, system)
    foreign = not system and kind in WITHOUT_CRM and (cause or "").startswith("crm.")
    return None if foreign else cause


def _class(cause: str) -> str:
    known = causes().get(cause)
    return known.cls if known else "fault"


def _unsaid(effect: Effect, kind: str) -> str:
    """A lead that was turned away without a reason."""
    if effect == "stop" and kind in {"sequence", "score", "segment", ""}:
        return "eligible.criteria_not_met"
    return {"consent": "consent.missing"}.get(kind, UNMAPPED) if effect == "stop" else UNMAPPED


def _failed(hop: Hop, kind: str, codes: VendorCodes) -> Sign | None:
    """What HTTP, gRPC, error types and exceptions say."""
    status = _answered(hop)
    if status < 400:
        words = error_words(hop)
        return _of_error(hop, words, kind, codes) if words or hop.status == "error" else _asked_again(hop, kind, codes)
    if status == GAVE_UP or (status in NOT_THERE and reads(hop) and kind != "enrich"):
        return NEUTRAL  # who looks something up and does not find it has learned something; nothing failed
    if hop.status == "ok" and status < 500:
        return SUCCESS  # instrumentation never sets ok: somebody looked at the answer and found it right
    return _refused_by_status(hop, status, kind, codes)


def _refused_by_status(hop: Hop, status: int, kind: str, codes: VendorCodes) -> Sign:
    words = error_words(hop)
    if status in OFTEN_THROTTLED and was_throttled(words):
        status = 429
    vendor = first_code(results_in(hop))
    if status >= 500 and not vendor and (told := _told_in(hop, words, kind, codes)):
        return told  # a handler that answers 500 since the vendor's SDK raised is told by what it raised
    cause = _refused_token(hop, status, kind) or _cause_of_status(status, kind)
    if vendor:
        cause = _meant(vendor, hop, kind, codes) or cause
    final = _is_final(status) and not (vendor and cause in RETRYABLE_CAUSES)
    return Sign("failure", cause, vendor or str(status), final=final)


def _refused_token(hop: Hop, status: int, kind: str) -> str:
    meant = BY_KIND.get(kind, {}).get("token", "")
    return meant if meant and status in {400, 401, 403} and asks_for_token(hop) else ""


def _asked_again(hop: Hop, kind: str, codes: VendorCodes) -> Sign | None:
    """A task that ended well by asking for another try, as Celery's do."""
    if hop.attributes.get("celery.state") != "RETRY":
        return None
    found = _of_error(hop, hop.attributes.get("celery.retry.reason") or caught_words(hop), kind, codes)
    return replace(found, final=False) if found.effect == "failure" else None


def _answered(hop: Hop) -> int:
    """The status that was answered, as HTTP's; 0 for none. Where there is no attribute for it, error.type may tell."""
    if status := hop.http_status or _grpc_status(hop):
        return status
    text = hop.attributes.get("error.type", "")
    return int(text) if len(text) == 3 and text.isdecimal() and text.isascii() else 0


def _cause_of_status(status: int, kind: str) -> str:
    table = BY_KIND.get(kind, {})
    if status in table:
        return table[status]
    if "any" in table:
        return table["any"]
    return ANYWHERE["timeout"] if status in {408, 504} else ANYWHERE["http"]


def _of_error(hop: Hop, words: str, kind: str, codes: VendorCodes) -> Sign:
    """An error without a status: what its words tell, an exception, or just an error."""
    if was_cancelled(words):
        return NEUTRAL
    table = BY_KIND.get(kind, {})
    cause = table.get("any") or table.get("exception", UNMAPPED)
    return _told_in(hop, words, kind, codes) or Sign("failure", cause, _first_words(hop, words))


def _told_in(hop: Hop, words: str, kind: str, codes: VendorCodes) -> Sign | None:
    """What the words of an error tell: a vendor's code, a status that an SDK wrote into its message, a timeout, a
    connection that failed. The name of an error tells more than a 5xx, and less than a 4xx.
    """
    known = ((code, _meant(code, hop, kind, codes)) for code in codes_in(words))
    if found := next(((code, cause) for code, cause in known if cause), None):
        return Sign("failure", found[1], found[0], final=found[1] not in RETRYABLE_CAUSES)
    status = status_in(words) or (429 if was_throttled(words) else 0)
    cause = "" if 400 <= status < 500 else _named(words, kind)
    if not cause and not status:
        return None
    cause = cause or _cause_of_status(status, kind)
    return Sign("failure", cause, _first_words(hop, words), final=_is_final(status))


def _first_words(hop: Hop, words: str) -> str:
    first = words.split("\n", 1)[0]
    whole = first and hop.status_message.startswith(first)
    return (first if whole else first.partition(": ")[0])[:_MAX_RAW]


def _is_final(status: int) -> bool:
    return 400 <= status < 500 and status not in RETRYABLE_4XX


def _named(words: str, kind: str) -> str:
    """The cause of an error whose name tells it: a timeout, a connection refused, a certificate; '' for others."""
    name = named_error(words)
    return BY_KIND.get(kind, {}).get("any", ANYWHERE[name]) if name else ""


def _grpc_status(hop: Hop) -> int:
    for name in ("rpc.grpc.status_code", "rpc.response.status_code", "rpc.connect_rpc.error_code"):
        if text := hop.attributes.get(name, ""):
            number = int(text) if text.isdecimal() and len(text) < 3 else GRPC_NUMBERS.get(text.upper(), 0)
            return GRPC_AS_HTTP.get(number, 0)
    return 0


def _refused_in_body(hop: Hop, kind: str, codes: VendorCodes) -> Sign | None:
    """A green span whose body says no. What a lookup brings tells of the record, not of the request."""
    found = refusal_in(results_in(hop))
    if found is None or (reads(hop) and kind != "enrich"):
        return None
    word, code = found
    table = BY_KIND.get(kind, {})
    cause = _meant(code, hop, kind, codes) or table.get("skipped") or table.get("any")
    if cause is None:
        cause = _unsaid("stop", kind) if word == "refused" and code in REFUSING_WORDS else UNMAPPED
    effect: Effect = "failure" if word == "failed" or _class(cause) == "fault" else "stop"
    return Sign(effect, cause, code, final=cause not in RETRYABLE_CAUSES)
