"""How trouble looks on the wire: each way a stack tells a cause, and what an analyst who reads it would say.

The truth of words is `model/causes.csv` and `model/vendor_codes.csv` as shipped (`CAUSES`), of plain telemetry the table in
docs/conventions.md. What those leave open is decided here, with the reason beside it.
"""

import csv
import json
import random
import re
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path

from benchmarks.accuracy.told import Said, Value

ROOT = Path(__file__).parents[2]
FAULT, POLICY = "blocked", "skipped"


@dataclass(frozen=True)
class Symptom:
    """A cause as it is told. `place`: on the vendor call, on the step's own span, or as a body of a green answer."""

    cause: str
    status: str
    style: str
    transient: bool = False
    place: str = "own"
    http: int = 0
    grpc: int = 0
    attributes: Mapping[str, Value] = field(default_factory=dict)
    error: bool = True
    message: str = ""
    exception: tuple[str, str] | None = None
    error_type: str = ""
    why: str = ""

    def paint(self, said: Said, wire: str, at: float = 0.0) -> None:
        """Tell it on this span, the way instrumentation of `wire` (stable, old, grpc) would."""
        said.attributes.update(self.attributes)
        if self.http:
            said.attributes["http.status_code" if wire == "old" else "http.response.status_code"] = self.http
            said.attributes.setdefault("http.method" if wire == "old" else "http.request.method", "POST")
            if self.error and wire == "stable":
                said.attributes["error.type"] = str(self.http)
        if self.grpc:
            said.attributes.update({"rpc.system": "grpc", "rpc.grpc.status_code": self.grpc})
        if self.error_type:
            said.attributes["error.type"] = self.error_type
        if self.exception:
            kind, text = self.exception
            said.events.append((at, "exception", {"exception.type": kind, "exception.message": text}))
        if self.error:
            said.status, said.message = "error", self.message


@cache
def catalogue() -> tuple[dict[str, str], list[tuple[str, str, str]]]:
    """Causes with their class, and (cause, vendor, code) of the codes that mean one thing at their vendor."""
    text = (ROOT / "model" / "causes.csv").read_text()
    classes = {row["cause"]: row["class"] for row in csv.DictReader(text.splitlines())}
    meanings: dict[tuple[str, str], set[str]] = defaultdict(set)
    for row in csv.DictReader((ROOT / "model" / "vendor_codes.csv").read_text().splitlines()):
        meanings[row["system"], row["code"]].add(row["cause"])
    codes = [(next(iter(causes)), *key) for key, causes in meanings.items() if len(causes) == 1 and key[0]]
    return classes, codes


HOME = {
    "capture": ("capture", "contract"),
    "identity": ("identity",),
    "consent": ("consent",),
    "enrich": ("enrich",),
    "score": (),
    "segment": ("suppress", "address"),
    "route": ("route",),
    "crm": ("crm", "contract"),
    "sequence": ("campaign", "reentry", "cap", "sender", "suppress", "address", "eligible", "content", "consent", "holdout"),
    "delivery": ("delivery", "content", "sender", "address", "suppress"),
}  # fmt: skip
"""Where the families of causes come up by nature."""
UNPLANTED = {
    "delivery.retries_exhausted",  # says that, not why
    "identity.merged_away",  # has plots of its own
    "unknown.vendor_unspecified",
    "observability.expected_but_absent",
    "observability.instrumentation_gap",
    "enrich.value_arrived_late",
}


def _by_family(kind: str) -> list[str]:
    classes, _ = catalogue()
    return [c for c in classes if c.split(".")[0] in HOME[kind] and c not in UNPLANTED and classes[c] != "pending"]


def words(kind: str, chance: random.Random) -> Symptom:
    """`lead.reason` says a canonical cause; the outcome beside it may be missing."""
    cause = chance.choice(_by_family(kind))
    return _said(cause, {"lead.reason": cause}, "words: canonical reason", chance)


def vendor(kind: str, chance: random.Random) -> Symptom:
    """`lead.reason` is the vendor's own code, with `lead.system`; often spelt as the vendor's page spells its name."""
    able = set(_by_family(kind))
    cause, system, code = chance.choice([one for one in catalogue()[1] if one[0] in able])
    spelt = chance.choice([system, system, system, system.title(), system.upper()])
    return _said(cause, {"lead.reason": code, "lead.system": spelt}, "words: vendor code", chance)


_CODE = re.compile(r"[a-z][A-Z]|[A-Za-z]_[A-Za-z]")
"""What nobody would take for a word of everyday language."""


def bare_code(kind: str, chance: random.Random) -> Symptom | None:
    """The vendor's code without `lead.system`, where every vendor that has it means the same."""
    able = set(_by_family(kind))
    meanings: dict[str, set[str]] = defaultdict(set)
    for cause, _, code in catalogue()[1]:
        meanings[code.casefold()].add(cause)
    sure = [
        one
        for one in catalogue()[1]
        if one[0] in able and len(meanings[one[2].casefold()]) == 1 and _CODE.search(one[2])
    ]
    if not sure:
        return None
    cause, _, code = chance.choice(sure)
    return _said(cause, {"lead.reason": code}, "words: vendor code without vendor", chance)


def _said(cause: str, attributes: dict[str, Value], style: str, chance: random.Random) -> Symptom:
    """What the class of the cause, or how it was said, makes of it."""
    kind = catalogue()[0][cause]
    error = False
    if kind == "fault":
        status, outcome = FAULT, chance.choice(["failed", "failed", ""])
        error = chance.random() < 0.5
    elif kind == "expected":
        status, outcome = POLICY, chance.choice(["skipped", "rejected", ""])
    else:
        status, outcome = chance.choice([(FAULT, "failed"), (POLICY, "skipped"), (POLICY, "rejected")])
        error = outcome == "failed" and chance.random() < 0.5
    said = attributes | ({"lead.outcome": outcome} if outcome else {})
    why = f"the step said {attributes['lead.reason']}" + (f", outcome {outcome}" if outcome else "")
    return Symptom(cause, status, style, attributes=said, error=error, why=why)


def outcome_only(kind: str, chance: random.Random) -> Symptom | None:
    """`lead.outcome` with no reason at all: docs/conventions.md, Outcomes."""
    cause = {"consent": "consent.missing"} | dict.fromkeys(
        ("sequence", "score", "segment"), "eligible.criteria_not_met"
    )
    if kind not in cause:
        return None
    said = chance.choice(["skipped", "rejected"])
    return Symptom(
        cause[kind],
        POLICY,
        "words: outcome only",
        attributes={"lead.outcome": said},
        error=False,
        why=f"it said {said}",
    )


HTTP_AT = {
    "crm": {400: "crm.bad_value", 401: "crm.auth", 403: "crm.permission", 404: "crm.mapping_drift",
            409: "crm.duplicate_rule", 410: "crm.converted_or_deleted", 422: "crm.validation_rule",
            423: "crm.row_lock", 429: "crm.rate_limit"},
    "capture": {400: "capture.bad_payload", 401: "capture.signature_failed", 403: "capture.signature_failed",
                404: "capture.unknown_source_key", 413: "capture.too_large", 415: "capture.unsupported_type",
                422: "capture.bad_payload"},
}  # fmt: skip
GRPC = {3: 400, 4: 504, 5: 404, 6: 409, 7: 403, 8: 429, 14: 503, 16: 401}
"""gRPC codes and the HTTP statuses they map to (google.rpc.Code)."""


def http_cause(kind: str, status: int) -> str:
    if kind == "enrich":
        return "enrich.lookup_failed"
    if status in {408, 504}:
        return "delivery.timeout"
    return HTTP_AT.get(kind, {}).get(status, "delivery.http_error")


def http(kind: str, chance: random.Random) -> Symptom:
    common = [429, 500, 502, 503, 504, 401, 403, 400, 422, 404]
    status = chance.choice(common + list(HTTP_AT.get(kind, {})) * 2)
    if kind == "capture":
        status = chance.choice([*HTTP_AT["capture"], 500, 503])
    transient = status in {408, 429} or status >= 500
    return Symptom(
        http_cause(kind, status), FAULT, "http status", transient, "call", http=status, why=f"answered HTTP {status}"
    )


def grpc(kind: str, chance: random.Random) -> Symptom:
    code = chance.choice(list(GRPC))
    status = GRPC[code]
    return Symptom(
        http_cause(kind, status), FAULT, "grpc status", code in {4, 8, 14}, "call", grpc=code, error_type=str(code),
        why=f"answered gRPC {code}",
    )  # fmt: skip


TIMEOUTS = (
    ("java.net.SocketTimeoutException", "Read timed out"),
    ("java.net.http.HttpTimeoutException", "request timed out"),
    ("java.util.concurrent.TimeoutException", ""),
    ("io.netty.handler.timeout.ReadTimeoutException", ""),
    ("requests.exceptions.ReadTimeout", "HTTPSConnectionPool(host='api', port=443): Read timed out. (read timeout=10)"),
    ("httpx.ReadTimeout", ""),
    ("asyncio.exceptions.TimeoutError", ""),
    ("TimeoutError", "The operation was aborted due to timeout"),
    ("AxiosError", "timeout of 10000ms exceeded"),
    ("ETIMEDOUT", "connect ETIMEDOUT 10.4.0.12:443"),
    ("ECONNABORTED", "timeout of 5000ms exceeded"),
    ("UND_ERR_HEADERS_TIMEOUT", "Headers Timeout Error"),
    ("*url.Error", 'Post "https://api/v1": context deadline exceeded (Client.Timeout exceeded while awaiting headers)'),
    ("context.deadlineExceededError", "context deadline exceeded"),
    ("*errors.errorString", "i/o timeout"),
    ("System.Threading.Tasks.TaskCanceledException",
     "The request was canceled due to the configured HttpClient.Timeout of 30 seconds elapsing."),
    ("Net::ReadTimeout", "Net::ReadTimeout with #<TCPSocket:(closed)>"),
    ("GuzzleHttp\\Exception\\ConnectException", "cURL error 28: Operation timed out after 10001 milliseconds"),
    ("reqwest::Error", "operation timed out"),
)  # fmt: skip
REFUSED = (
    ("java.net.ConnectException", "Connection refused"),
    ("java.net.UnknownHostException", "crm.internal: Name or service not known"),
    ("java.nio.channels.UnresolvedAddressException", ""),
    ("requests.exceptions.ConnectionError", "[Errno 111] Connection refused"),
    ("httpx.ConnectError", "[Errno -2] Name or service not known"),
    ("socket.gaierror", "[Errno -3] Temporary failure in name resolution"),
    ("ConnectionRefusedError", "[Errno 111] Connection refused"),
    ("ECONNREFUSED", "connect ECONNREFUSED 10.4.0.12:443"),
    ("Error", "connect ECONNREFUSED 127.0.0.1:8443"),
    ("ENOTFOUND", "getaddrinfo ENOTFOUND api.vendor.example"),
    ("Error", "getaddrinfo EAI_AGAIN api.vendor.example"),
    ("*net.OpError", "dial tcp 10.4.0.12:443: connect: connection refused"),
    ("*url.Error", 'Post "https://api/v1": dial tcp: lookup api.vendor.example on 10.0.0.2:53: no such host'),
    ("System.Net.Http.HttpRequestException",
     "No connection could be made because the target machine actively refused it. (api:443)"),
    ("System.Net.Sockets.SocketException", "Connection refused"),
    ("name_resolution_error", "No such host is known. (api.vendor.example:443)"),
    ("Errno::ECONNREFUSED", "Failed to open TCP connection to api:443 (Connection refused - connect(2))"),
    ("GuzzleHttp\\Exception\\ConnectException", "cURL error 7: Failed to connect to api port 443: Connection refused"),
)  # fmt: skip
TLS = (
    ("javax.net.ssl.SSLHandshakeException", "PKIX path building failed: unable to find valid certification path"),
    ("java.security.cert.CertificateExpiredException", "NotAfter: Mon Mar 02 00:00:00 UTC 2026"),
    ("ssl.SSLCertVerificationError", "[SSL: CERTIFICATE_VERIFY_FAILED] certificate verify failed"),
    ("requests.exceptions.SSLError", "certificate verify failed: certificate has expired"),
    ("CERT_HAS_EXPIRED", "certificate has expired"),
    ("Error", "self-signed certificate in certificate chain"),
    ("DEPTH_ZERO_SELF_SIGNED_CERT", "self-signed certificate"),
    ("ERR_TLS_CERT_ALTNAME_INVALID", "Hostname/IP does not match certificate's altnames"),
    ("x509.CertificateInvalidError", "x509: certificate has expired or is not yet valid"),
    ("*tls.CertificateVerificationError", "tls: failed to verify certificate: x509: certificate signed by unknown authority"),
    ("System.Security.Authentication.AuthenticationException",
     "The remote certificate is invalid according to the validation procedure"),
    ("secure_connection_error", "The SSL connection could not be established, see inner exception."),
    ("OpenSSL::SSL::SSLError", "SSL_connect returned=1 errno=0 state=error: certificate verify failed"),
)  # fmt: skip
BUGS = (
    ("java.lang.NullPointerException", 'Cannot invoke "String.trim()" because "phone" is null'),
    ("java.lang.IllegalStateException", "no such attribute: utm"),
    ("TypeError", "Cannot read properties of undefined (reading 'email')"),
    ("KeyError", "'company_size'"),
    ("AttributeError", "'NoneType' object has no attribute 'lower'"),
    ("System.InvalidOperationException", "Sequence contains no elements"),
    ("runtime.boundsError", "runtime error: index out of range [1] with length 1"),
    ("NoMethodError", "undefined method `strip' for nil:NilClass"),
)


def network(kind: str, chance: random.Random) -> Symptom:
    """A timeout, a refused connection, a bad certificate, as five languages tell it: error.type, exception or both."""
    cause, ways = chance.choice((("delivery.timeout", TIMEOUTS), ("delivery.refused", REFUSED), ("delivery.tls", TLS)))
    name, text = chance.choice(ways)
    cause = "enrich.lookup_failed" if kind == "enrich" else cause
    code_like = name.isupper() or name.endswith("_error")
    telling = chance.choice(["type", "exception", "both", "message"])
    if telling == "message" and not text:
        telling = "exception"
    if telling == "type" and name in {"Error", "AxiosError", "*url.Error", "*errors.errorString", "reqwest::Error",
                                      "requests.exceptions.ConnectionError", "System.Net.Http.HttpRequestException",
                                      "System.Net.Sockets.SocketException", "System.Threading.Tasks.TaskCanceledException", "httpx.ConnectError", "*net.OpError",
                                      "GuzzleHttp\\Exception\\ConnectException"}:  # fmt: skip
        telling = "both"  # the name alone does not say which
    exception = ("Error" if code_like else name, text) if telling in {"exception", "both"} else None
    if telling == "message" and text.startswith("NotAfter"):
        exception = (name, text)  # the words alone say nothing
    if exception and code_like and telling == "exception":
        telling = "both"
    return Symptom(
        cause, FAULT, "network error", True, "call",
        message=text if telling in {"message", "both"} else "",
        exception=exception,
        error_type=name if telling in {"type", "both"} else "",
        why=f"{name}: {text}",
    )  # fmt: skip


def bug(kind: str, chance: random.Random) -> Symptom:
    name, text = chance.choice(BUGS)
    at = {"capture": "capture.transform_failed", "sequence": "campaign.engine_failed", "enrich": "enrich.lookup_failed"}
    return Symptom(
        at.get(kind, "unknown.vendor_unspecified"), FAULT, "exception", True, "own", exception=(name, text),
        message=text if chance.random() < 0.5 else "", error_type=name if chance.random() < 0.5 else "",
        why=f"the step's own code threw {name}",
    )  # fmt: skip


def _body(answer: object) -> Mapping[str, Value]:
    return {"http.response.body": json.dumps(answer)}


def green_body(kind: str, chance: random.Random) -> Symptom | None:
    """HTTP 200 whose body says that nothing was done."""
    if kind == "crm":
        answer = chance.choice([
            {"requestId": "e42b", "success": True, "result": [{"status": "skipped", "reasons": [{"code": "1004", "message": "Lead not found"}]}]},
            {"results": [{"id": None, "status": "skipped"}]},
            {"status": "skipped"},
        ])  # fmt: skip
        return Symptom(
            "crm.record_skipped_in_200", FAULT, "green body", place="call", http=200, attributes=_body(answer), error=False,
            why="the CRM answered 200 and skipped the record",
        )  # fmt: skip
    if kind != "sequence":
        return None
    cause, code = chance.choice([
        ("reentry.already_active", "ALREADY_ENROLLED"), ("suppress.bounced_elsewhere", "RECIPIENT_PREVIOUSLY_BOUNCED_GLOBALLY"),
        ("suppress.low_engagement", "GRAYMAIL_SUPPRESSED"), ("cap.frequency", "FrequencyCapping"), ("suppress.domain", "BLOCKED_DOMAIN"),
    ])  # fmt: skip
    answer = chance.choice([{"status": "skipped", "reason": code}, {"results": [{"status": "rejected", "code": code}]}])
    return Symptom(
        cause, POLICY, "green body", place="call", http=200, attributes=_body(answer), error=False,
        why=f"the vendor answered 200 and the body said {code}",
    )  # fmt: skip


def coded_error(kind: str, chance: random.Random) -> Symptom | None:
    """An HTTP error whose body holds the vendor's own, more telling code: the code wins over the status."""
    if kind != "crm":
        return None
    status, cause, answer, system, transient = chance.choice([
        (403, "crm.rate_limit", [{"errorCode": "REQUEST_LIMIT_EXCEEDED", "message": "TotalRequests Limit exceeded."}], "salesforce", True),
        (400, "crm.validation_rule", [{"errorCode": "FIELD_CUSTOM_VALIDATION_EXCEPTION", "message": "Phone is needed"}], "salesforce", False),
        (400, "crm.duplicate_rule", [{"errorCode": "DUPLICATES_DETECTED", "message": "Use one of these records?"}], "salesforce", False),
        (400, "crm.row_lock", [{"errorCode": "UNABLE_TO_LOCK_ROW", "message": "unable to obtain exclusive access"}], "salesforce", True),
        (400, "crm.auth", {"error": "invalid_grant", "error_description": "expired access/refresh token"}, "salesforce", False),
    ])  # fmt: skip
    extra: dict[str, Value] = {"lead.system": system} if chance.random() < 0.5 else {}
    return Symptom(
        cause, FAULT, "error body", transient, "call", http=status, attributes=dict(_body(answer)) | extra,
        why=f"HTTP {status} whose body says {json.dumps(answer)[:60]}",
    )  # fmt: skip


def symptoms(kind: str, chance: random.Random, *, how: str, wire: str) -> Symptom:
    """One way in which a step of this kind fails, that can be told from this transport's telemetry."""
    if how == "event":
        telling = [words, words, vendor, vendor, bare_code, outcome_only]
    elif wire == "grpc":
        telling = [words, vendor, grpc, grpc, grpc, network, bug]
    else:
        telling = [
            words,
            vendor,
            vendor,
            bare_code,
            outcome_only,
            http,
            http,
            http,
            network,
            network,
            bug,
            green_body,
            coded_error,
        ]
    while True:
        way = chance.choice(telling)
        if way in {words, vendor, bare_code} and not _by_family(kind):
            continue
        if way is vendor and not any(one[0] in set(_by_family(kind)) for one in catalogue()[1]):
            continue
        if (found := way(kind, chance)) is not None:
            return found
