"""Two pretend vendors. A customer cannot see inside a vendor, so they have no telemetry of their own.

A `sandbox` value in the request, as real vendors' sandboxes have them, makes a vendor misbehave.
"""

import asyncio
from collections import Counter
from typing import Any

from fastapi import FastAPI
from fastapi.responses import JSONResponse

from demo.people import COMPANIES

HANG_S = 4.0  # longer than any client of ours waits
SLOW_S = 0.8  # shorter than the CRM client waits

CRM_BUSY = "crm:busy"
CRM_BUSY_ONCE = "crm:busy-once"
CRM_STALE_TOKEN = "crm:stale-token"  # noqa: S105
CRM_STRICT = "crm:strict"
CRM_SKIP = "crm:skip"
CRM_HANG = "crm:hang"
CRM_SLOW = "crm:slow"
ENRICH_DOWN = "enrich:down"
ENRICH_HANG = "enrich:hang"


def _rate_limited() -> JSONResponse:
    body = [{"errorCode": "REQUEST_LIMIT_EXCEEDED", "message": "TotalRequests Limit exceeded."}]
    return JSONResponse(body, status_code=429, headers={"retry-after": "1"})


def _unauthorised() -> JSONResponse:
    return JSONResponse([{"errorCode": "INVALID_SESSION_ID", "message": "Session expired or invalid"}], status_code=401)


def _invalid() -> JSONResponse:
    error = {
        "errorCode": "FIELD_CUSTOM_VALIDATION_EXCEPTION",
        "message": "A partner lead needs a partner account",
        "fields": ["PartnerAccount__c"],
    }
    return JSONResponse([error], status_code=422)


def _skipped() -> JSONResponse:
    reasons = [{"code": "1004", "message": "Lead not found"}]
    return JSONResponse({"success": True, "result": [{"status": "skipped", "reasons": reasons}]})


class CrmApi:
    """`POST /leads` upserts; `GET /leads/{key}` says whether a write has arrived."""

    def __init__(self) -> None:
        self.app = FastAPI(openapi_url=None)
        self.app.post("/leads")(self._upsert)
        self.app.get("/leads/{external_id}")(self._find)
        self._writes: Counter[str] = Counter()
        self._refusals = {
            CRM_BUSY: _rate_limited,
            CRM_STALE_TOKEN: _unauthorised,
            CRM_STRICT: _invalid,
            CRM_SKIP: _skipped,
        }

    @property
    def was_asked(self) -> bool:
        return bool(self._writes)

    async def _upsert(self, record: dict[str, Any]) -> JSONResponse:
        external_id, sandbox = record["external_id"], record["sandbox"]
        self._writes[external_id] += 1
        if sandbox in self._refusals:
            return self._refusals[sandbox]()
        if sandbox == CRM_BUSY_ONCE and self._writes[external_id] == 1:
            return _rate_limited()
        if sandbox in {CRM_HANG, CRM_SLOW}:
            await asyncio.sleep(HANG_S if sandbox == CRM_HANG else SLOW_S)
        return JSONResponse({"success": True, "result": [{"id": f"00Q{external_id[:12]}", "status": "created"}]})

    async def _find(self, external_id: str) -> JSONResponse:
        return JSONResponse({"writes": self._writes[external_id]})


class EnrichmentApi:
    """`POST /v1/companies/find` answers what is known of a domain."""

    def __init__(self) -> None:
        self.app = FastAPI(openapi_url=None)
        self.app.post("/v1/companies/find")(self._find)
        self._employees = {company.domain: company.employees for company in COMPANIES}

    async def _find(self, query: dict[str, str]) -> JSONResponse:
        if query["sandbox"] == ENRICH_DOWN:
            return JSONResponse({"error": "upstream_unavailable"}, status_code=503)
        if query["sandbox"] == ENRICH_HANG:
            await asyncio.sleep(HANG_S)
        employees = self._employees.get(query["domain"])
        if employees is None:
            return JSONResponse({"error": "company_not_found"}, status_code=404)
        return JSONResponse({"domain": query["domain"], "employees": employees})
