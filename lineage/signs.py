"""What a single hop says: it went well, it failed and why, or it refused the lead by policy.

Every rule that turns plain telemetry into a cause stands in the tables of this module, each with its reason. Words
that a sender chose (`lead.outcome`, `lead.reason`, `lead.event`) count before anything guessed from HTTP.
"""

from dataclasses import dataclass
from typing import Literal

from lineage.bodies import first_code, refusal_in, results_in
from lineage.calls import asks_for_token, is_dead_letters, is_health_check, reads, sends, system_of
from lineage.errors import caught_words, error_words, named_error, was_cancelled
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

# ── What an answer means at a step of a kind ────────────────────────────────────────────────────────────────────────
# Keys: the kind of the step, then what was seen. Statuses are HTTP's; gRPC's are translated to them below.
_BY_KIND: dict[str, dict[int | str, str]] = {
    "capture": {
        400: "capture.bad_payload",
        401: "capture.signature_failed",  # a form's or webhook's sender could not prove who it is
        403: "capture.signature_failed",
        404: "capture.unknown_source_key",
        413: "capture.too_large",
        415: "capture.unsupported_type",
        422: "capture.bad_payload",
        "exception": "capture.transform_failed",
    },
    "crm": {
        400: "crm.bad_value",
        401: "crm.auth",
        403: "crm.permission",
        404: "crm.mapping_drift",  # the object or field that the integration writes to is not there
        409: "crm.duplicate_rule",
        410: "crm.converted_or_deleted",
        422: "crm.validation_rule",
        423: "crm.row_lock",
        429: "crm.rate_limit",
        "token": "crm.auth",  # OAuth refuses a dead refresh token with 400
        "skipped": "crm.record_skipped_in_200",  # Marketo answers 200 and says `skipped` inside
    },
    # Whatever goes wrong while data is fetched, the lead is missing what the lookup would have brought.
    "enrich": {
        "any": "enrich.lookup_failed",
    },
    "sequence": {
        "exception": "campaign.engine_failed",
    },
}
_ANYWHERE: dict[str, str] = {
    "timeout": "delivery.timeout",
    "refused": "delivery.refused",
    "tls": "delivery.tls",
    "http": "delivery.http_error",
    "dead_lettered": "delivery.retries_exhausted",
}

# Asking again may help after these (RFC 9110; 429 from RFC 6585): the lead waits until its step's deadline. After any
# other refusal by status the same request gives the same answer.
_RETRYABLE_4XX = frozenset({408, 425, 429})
# Salesforce answers 400 or 403 to these, and takes the same request a moment later.
_RETRYABLE_CAUSES = frozenset({"crm.row_lock", "crm.rate_limit", "delivery.timeout"})
# Whoever waited went away (nginx's 499, gRPC's CANCELLED): nothing came of it, and that says nothing.
_GAVE_UP = 499

# gRPC's codes as the HTTP statuses they are mapped to by google/rpc/code.proto.
_GRPC_AS_HTTP = {
    1: 499, 2: 500, 3: 400, 4: 504, 5: 404, 6: 409, 7: 403, 8: 429, 9: 400,
    10: 409, 11: 400, 12: 501, 13: 500, 14: 503, 15: 500, 16: 401,
}  # fmt: skip

_GRPC_NAMES = (
    "OK", "CANCELLED", "UNKNOWN", "INVALID_ARGUMENT", "DEADLINE_EXCEEDED", "NOT_FOUND", "ALREADY_EXISTS",
    "PERMISSION_DENIED", "RESOURCE_EXHAUSTED", "FAILED_PRECONDITION", "ABORTED", "OUT_OF_RANGE", "UNIMPLEMENTED",
    "INTERNAL", "UNAVAILABLE", "DATA_LOSS", "UNAUTHENTICATED",
)  # fmt: skip
_GRPC_NUMBERS = {name: number for number, name in enumerate(_GRPC_NAMES)}

_NOT_THERE = frozenset({404, 410})

_OUTCOMES: dict[str, Effect] = {
    "ok": "success",
    "skipped": "stop",
    "rejected": "stop",
    "failed": "failure",
    "retrying": "failure",
    "dead_lettered": "failure",
}
_SKIPPING_EVENTS = frozenset({names.ENROLLMENT_SKIPPED})


def sign_of(hop: Hop, step: Step | None, codes: VendorCodes | None = None) -> Sign:
    """What `hop` says about `step`. Never raises, whatever the attributes hold."""
    kind = step.kind if step is not None else ""
    if is_health_check(hop):
        return NEUTRAL
    meant = codes or built_in_codes()
    sign = _said(hop, kind, meant) or _failed(hop, kind, meant) or _refused_in_body(hop, kind, meant)
    if sign is not None:
        return sign
    if hop.signal == "event" and (step is None or hop.event == EXCEPTION):
        return NEUTRAL
    return GIVEN_UP if is_dead_letters(hop) else SUCCESS


def caught_sign(hop: Hop, step: Step | None) -> Sign | None:
    """The error that a hop recorded although it ended well: why it then gave up, where nothing else tells."""
    words = caught_words(hop)
    return _of_error(words, step.kind if step is not None else "") if words else None


def _said(hop: Hop, kind: str, codes: VendorCodes) -> Sign | None:
    """What the sender said in leadtrace's own words."""
    outcome, reason = hop.outcome, hop.reason
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


def _cause_of(reason: str, hop: Hop, codes: VendorCodes) -> str:
    return codes.resolve(reason, system_of(hop)) or UNMAPPED


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
        return _of_error(words, kind) if words or hop.status == "error" else _asked_again(hop, kind)
    if status == _GAVE_UP or (status in _NOT_THERE and reads(hop) and kind != "enrich"):
        return NEUTRAL  # who looks something up and does not find it has learned something; nothing failed
    if hop.status == "ok" and status < 500:
        return SUCCESS  # instrumentation never sets ok: somebody looked at the answer and found it right
    return _refused_by_status(hop, status, kind, codes)


def _refused_by_status(hop: Hop, status: int, kind: str, codes: VendorCodes) -> Sign:
    cause = _named(error_words(hop), kind) if status >= 500 else _refused_token(hop, status, kind)
    cause = cause or _cause_of_status(status, kind)
    if vendor := first_code(results_in(hop)):
        cause = codes.resolve(vendor, system_of(hop)) or cause
    final = status < 500 and status not in _RETRYABLE_4XX and not (vendor and cause in _RETRYABLE_CAUSES)
    return Sign("failure", cause, vendor or str(status), final=final)


def _refused_token(hop: Hop, status: int, kind: str) -> str:
    meant = _BY_KIND.get(kind, {}).get("token", "")
    return meant if meant and status in {400, 401, 403} and asks_for_token(hop) else ""


def _asked_again(hop: Hop, kind: str) -> Sign | None:
    """A task that ended well by asking for another try, as Celery's do."""
    if hop.attributes.get("celery.state") != "RETRY":
        return None
    found = _of_error(hop.attributes.get("celery.retry.reason") or caught_words(hop), kind)
    return found if found.effect == "failure" else None


def _answered(hop: Hop) -> int:
    """The status that was answered, as HTTP's; 0 for none. Where there is no attribute for it, error.type may tell."""
    if status := hop.http_status or _grpc_status(hop):
        return status
    text = hop.attributes.get("error.type", "")
    return int(text) if len(text) == 3 and text.isdecimal() and text.isascii() else 0


def _cause_of_status(status: int, kind: str) -> str:
    table = _BY_KIND.get(kind, {})
    if status in table:
        return table[status]
    if "any" in table:
        return table["any"]
    return _ANYWHERE["timeout"] if status in {408, 504} else _ANYWHERE["http"]


def _of_error(words: str, kind: str) -> Sign:
    """An error without a status: a timeout, a connection that failed, an exception, or just an error."""
    if was_cancelled(words):
        return NEUTRAL
    table = _BY_KIND.get(kind, {})
    raw = words.split("\n", 1)[0].partition(": ")[0][:200]
    if named := _named(words, kind):
        return Sign("failure", named, raw)
    if "any" in table or "exception" in table:
        return Sign("failure", table.get("any") or table["exception"], raw)
    return Sign("failure", UNMAPPED, raw)


def _named(words: str, kind: str) -> str:
    """The cause of an error whose name tells it: a timeout, a connection refused, a certificate; '' for others."""
    name = named_error(words)
    return _BY_KIND.get(kind, {}).get("any", _ANYWHERE[name]) if name else ""


def _grpc_status(hop: Hop) -> int:
    for name in ("rpc.grpc.status_code", "rpc.response.status_code", "rpc.connect_rpc.error_code"):
        if text := hop.attributes.get(name, ""):
            number = int(text) if text.isdecimal() and len(text) < 3 else _GRPC_NUMBERS.get(text.upper(), 0)
            return _GRPC_AS_HTTP.get(number, 0)
    return 0


def _refused_in_body(hop: Hop, kind: str, codes: VendorCodes) -> Sign | None:
    """A green span whose body says no. What a lookup brings tells of the record, not of the request."""
    found = None if reads(hop) and kind != "enrich" else refusal_in(results_in(hop))
    if found is None:
        return None
    word, code = found
    table = _BY_KIND.get(kind, {})
    cause = codes.resolve(code, system_of(hop)) or table.get("skipped") or table.get("any") or UNMAPPED
    effect: Effect = "failure" if word == "failed" or _class(cause) == "fault" else "stop"
    return Sign(effect, cause, code, final=cause not in _RETRYABLE_CAUSES)
