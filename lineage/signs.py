"""What a single hop says: it went well, it failed and why, or it refused the lead by policy.

Every rule that turns plain telemetry into a cause stands in the tables of this module, each with its reason. Words
that a sender chose (`lead.outcome`, `lead.reason`, `lead.event`) count before anything guessed from HTTP.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from lineage.calls import is_health_check, reads
from lineage.errors import error_words, named_error, was_cancelled
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
_RETRYABLE_CAUSES = frozenset({"crm.row_lock", "crm.rate_limit"})

# gRPC's codes as the HTTP statuses they are mapped to by google/rpc/code.proto.
_GRPC_AS_HTTP = {
    2: 500, 3: 400, 4: 504, 5: 404, 6: 409, 7: 403, 8: 429, 9: 400,
    10: 409, 11: 400, 12: 501, 13: 500, 14: 503, 15: 500, 16: 401,
}  # fmt: skip

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

# Where people put an answer's body, when they put it on a span at all.
_BODIES = ("http.response.body.text", "http.response.body", "http.response.body.content", "response.body")
_REFUSING_WORDS = frozenset({"skipped", "rejected", "refused", "suppressed", "excluded", "not_enrolled", "discarded"})
_FAILING_WORDS = frozenset({"failed", "failure", "error"})
MAX_BODY_CHARS = 64_000


def sign_of(hop: Hop, step: Step | None, codes: VendorCodes | None = None) -> Sign:
    """What `hop` says about `step`. Never raises, whatever the attributes hold."""
    kind = step.kind if step is not None else ""
    if is_health_check(hop):
        return NEUTRAL
    meant = codes or built_in_codes()
    sign = _said(hop, kind, meant) or _failed(hop, kind, meant) or _refused_in_body(hop, kind, meant)
    if sign is not None:
        return sign
    if hop.signal == "event" and step is None:
        return NEUTRAL
    return SUCCESS


def _said(hop: Hop, kind: str, codes: VendorCodes) -> Sign | None:
    """What the sender said in leadtrace's own words."""
    outcome, reason = hop.outcome, hop.reason
    if hop.event == names.DEAD_LETTERED or outcome == "dead_lettered":
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
        cause, reason = (plain.cause, plain.raw_reason) if plain else (_unsaid(effect, kind), "")
    return Sign(effect, cause, reason, final=outcome != "retrying", explicit=True)


def _cause_of(reason: str, hop: Hop, codes: VendorCodes) -> str:
    return codes.resolve(reason, hop.system) or UNMAPPED


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
    status = hop.http_status or _grpc_status(hop)
    words = error_words(hop)
    if status in _NOT_THERE and reads(hop) and kind != "enrich":
        return NEUTRAL  # who looks something up and does not find it has learned something; nothing failed
    if status >= 400:
        cause = _named(words, kind) if status >= 500 else ""
        cause = cause or _cause_of_status(status, kind)
        if vendor := _vendor_code(hop):
            cause = codes.resolve(vendor, hop.system) or cause
        final = 400 <= status < 500 and status not in _RETRYABLE_4XX and not (vendor and cause in _RETRYABLE_CAUSES)
        return Sign("failure", cause, vendor or str(status), final=final)
    if not words and hop.status != "error":
        return None
    return _of_error(words, kind)


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
    text = hop.attributes.get("rpc.grpc.status_code", "")
    return _GRPC_AS_HTTP.get(int(text), 0) if text.isdecimal() and len(text) < 3 else 0


# ── A green span whose body says no ─────────────────────────────────────────────────────────────────────────────────


def _body(hop: Hop) -> Any:
    for name in _BODIES:
        text = hop.attributes.get(name, "")
        if text.lstrip()[:1] in {"{", "["} and len(text) <= MAX_BODY_CHARS:
            try:
                return json.loads(text)
            except (ValueError, RecursionError):
                return None
    return None


def _results(body: Any) -> list[Mapping[str, Any]]:
    """The objects that may carry a verdict: the body itself and the records of its list."""
    if isinstance(body, list):
        return [one for one in body[:100] if isinstance(one, dict)]
    if not isinstance(body, dict):
        return []
    inner = [
        one for key in ("result", "results", "records", "errors", "data") for one in _results(_listed(body.get(key)))
    ]
    return [body, *inner]


def _listed(value: Any) -> Any:
    return value if isinstance(value, list) else [value] if isinstance(value, dict) else []


def _refused_in_body(hop: Hop, kind: str, codes: VendorCodes) -> Sign | None:
    for result in _results(_body(hop)):
        word = str(result.get("status") or result.get("outcome") or "").lower()
        if word in _REFUSING_WORDS or word in _FAILING_WORDS:
            raw = _code_in(result) or word
            cause = codes.resolve(raw, hop.system) or _BY_KIND.get(kind, {}).get("skipped") or UNMAPPED
            effect: Effect = "failure" if word in _FAILING_WORDS or _class(cause) == "fault" else "stop"
            return Sign(effect, cause, raw, final=True)
    return None


def _vendor_code(hop: Hop) -> str:
    return next((code for result in _results(_body(hop)) if (code := _code_in(result))), "")


def _code_in(result: Mapping[str, Any]) -> str:
    """The vendor's own code: `errorCode` (Salesforce), `reasons[].code` (Marketo), `code`, `reason`, `error`."""
    for reason in _results(_listed(result.get("reasons"))):
        if code := _code_in(reason):
            return code
    for key in ("errorCode", "error_code", "code", "reason", "category", "error"):
        value = result.get(key)
        if isinstance(value, str | int) and not isinstance(value, bool) and value != "":
            return str(value)[:200]
    return ""
