"""What an answer means at a step of a kind: every rule that turns plain telemetry into a cause, each with its reason.

Keys: the kind of the step, then what was seen. Statuses are HTTP's; gRPC's are translated to them below.
"""

BY_KIND: dict[str, dict[int | str, str]] = {
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
ANYWHERE: dict[str, str] = {
    "timeout": "delivery.timeout",
    "refused": "delivery.refused",
    "tls": "delivery.tls",
    "http": "delivery.http_error",
    "dead_lettered": "delivery.retries_exhausted",
}
# Steps that write to no CRM: who fails there is another system, whatever its codes are called.
WITHOUT_CRM = frozenset({"capture", "enrich", "delivery"})

# Asking again may help after these (RFC 9110; 429 from RFC 6585): the lead waits until its step's deadline. After any
# other refusal by status the same request gives the same answer.
RETRYABLE_4XX = frozenset({408, 425, 429})
# Salesforce answers 400 or 403 to these, and takes the same request a moment later.
RETRYABLE_CAUSES = frozenset({"crm.row_lock", "crm.rate_limit", "delivery.timeout"})
# AWS answers 400 or 503 to who is to slow down, others 403, and says so by the error's name.
OFTEN_THROTTLED = frozenset({400, 403, 503})
# Whoever waited went away (nginx's 499, gRPC's CANCELLED): nothing came of it, and that says nothing.
GAVE_UP = 499

# gRPC's codes as the HTTP statuses they are mapped to by google/rpc/code.proto.
GRPC_AS_HTTP = {
    1: 499, 2: 500, 3: 400, 4: 504, 5: 404, 6: 409, 7: 403, 8: 429, 9: 400,
    10: 409, 11: 400, 12: 501, 13: 500, 14: 503, 15: 500, 16: 401,
}  # fmt: skip

GRPC_NAMES = (
    "OK", "CANCELLED", "UNKNOWN", "INVALID_ARGUMENT", "DEADLINE_EXCEEDED", "NOT_FOUND", "ALREADY_EXISTS",
    "PERMISSION_DENIED", "RESOURCE_EXHAUSTED", "FAILED_PRECONDITION", "ABORTED", "OUT_OF_RANGE", "UNIMPLEMENTED",
    "INTERNAL", "UNAVAILABLE", "DATA_LOSS", "UNAUTHENTICATED",
)  # fmt: skip
GRPC_NUMBERS = {name: number for number, name in enumerate(GRPC_NAMES)}

NOT_THERE = frozenset({404, 410})
