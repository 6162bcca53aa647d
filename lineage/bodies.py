"""What the body of an answer says, where people put bodies on their spans: a vendor's code, and whether a record was
refused although the status said 200.
"""

import json
from collections.abc import Iterator, Mapping
from typing import Any, Literal

from model.hop import Hop

# Where people put an answer's body, when they put it on a span at all.
_BODIES = (
    "http.response.body.text", "http.response.body", "http.response.body.content", "response.body",
    "http.response_body",
)  # fmt: skip
REFUSING_WORDS = frozenset({
    "skipped", "rejected", "refused", "suppressed", "excluded", "not_enrolled", "discarded", "declined", "denied",
    "ineligible", "not_eligible",
})  # fmt: skip
FAILING_WORDS = frozenset({"failed", "failure", "error"})
# Marketo and Salesforce's collections say `success`, Slack and others `ok`.
_SUCCESS_KEYS = ("success", "ok", "isSuccess")
# `errorCode` (Salesforce), `statusCode` (its collections), `reasons[].code` (Marketo), `category` (HubSpot), `code`, …
_CODE_KEYS = ("errorCode", "error_code", "statusCode", "code", "reason", "category", "error")
_INNER_KEYS = ("result", "results", "records", "errors", "error", "data", "extensions")
_MAX_RESULTS, _MAX_DEPTH, _MAX_PLAIN = 100, 4, 200
MAX_BODY_CHARS = 64_000

Result = Mapping[str, Any]


def results_in(hop: Hop) -> list[Result]:
    """The objects of the body that may say what came of the request: itself and what it lists, 100 a list."""
    return _results(_body(hop))


def refusal_in(results: list[Result]) -> tuple[Literal["refused", "failed"], str] | None:
    """What the first result that went wrong says of itself, with its code or, without one, its word."""
    for result in results:
        word = str(result.get("status") or result.get("outcome") or "").lower()
        if word in REFUSING_WORDS:
            return "refused", code_in(result) or word
        if word in FAILING_WORDS or any(result.get(key) is False for key in _SUCCESS_KEYS) or _is_graphql_error(result):
            return "failed", code_in(result) or first_code(results) or word or "success: false"
        if code := _listed_as_refused(result):
            return "refused", code
    return None


def _listed_as_refused(result: Result) -> str:
    """Why the only records that an answer lists are those it refused: `{"contacts": [], "skipped_ids": {"7": "…"}}`;
    '' for any other answer. One with an id is a record itself, and lists what of it was left out.
    """
    if result.get("id"):
        return ""
    lists = {key: value for key, value in result.items() if isinstance(value, list | dict) and value}
    refused = {key for key in lists if key.partition("_")[0].lower() in REFUSING_WORDS}
    if not refused or any(isinstance(value, list) for key, value in lists.items() if key not in refused):
        return ""
    key = min(refused)
    told = lists[key]
    why = next(iter(told.values() if isinstance(told, dict) else told))
    return (code_in(why) if isinstance(why, dict) else str(why)[:200]) or key.partition("_")[0].lower()


def first_code(results: list[Result]) -> str:
    """The first code that any of the results gives; '' for none."""
    return next((code for result in results if (code := code_in(result))), "")


def code_in(result: Result) -> str:
    """The vendor's own code in one result; '' for none."""
    return next(_codes(result), "")


def _codes(result: Result) -> Iterator[str]:
    for reason in _results(_listed(result.get("reasons"))):
        yield from _codes(reason)
    for key in _CODE_KEYS:
        value = result.get(key)
        is_status = key == "statusCode" and str(value).isdecimal()
        if isinstance(value, str | int) and not isinstance(value, bool) and value != "" and not is_status:
            yield str(value)[:200]


def _is_graphql_error(result: Result) -> bool:
    """GraphQL answers 200, lists `errors` and leaves `data` empty."""
    return bool(result.get("errors")) and isinstance(result["errors"], list) and "data" in result and not result["data"]


def _body(hop: Hop) -> Any:
    """The body, read: JSON as it is, and of a plain text its first word as the status: `skipped: no such lead`."""
    text = next((told for told in _texts(hop) if told), "")
    if text.lstrip()[:1] in {"{", "["} and len(text) <= MAX_BODY_CHARS:
        try:
            return json.loads(text)
        except (ValueError, RecursionError):
            return None
    status, _, reason = text[:_MAX_PLAIN].partition(":")
    return {"status": status.strip(), "reason": reason.strip()} if text else None


def _texts(hop: Hop) -> Iterator[str]:
    """Where a body may stand: on the span, else on one of its events."""
    for told in (hop.attributes, *(event.attributes for event in hop.events)):
        yield from (told.get(name, "") for name in _BODIES)


def _results(body: Any, depth: int = _MAX_DEPTH) -> list[Result]:
    return [inner for one in _listed(body)[:_MAX_RESULTS] if isinstance(one, dict) for inner in _unfolded(one, depth)]


def _unfolded(result: Result, depth: int) -> list[Result]:
    """A result and those inside it."""
    if depth == 0:
        return [result]
    return [result, *(inner for key in _INNER_KEYS for inner in _results(result.get(key), depth - 1))]


def _listed(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value] if isinstance(value, dict) else []
