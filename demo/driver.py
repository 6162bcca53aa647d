"""The visitors: browsers that fill in the form, some twice, some with second thoughts. They carry no telemetry."""

import asyncio
import time

import httpx

from demo.faults import Visit
from demo.hosting import NO_TLS
from demo.plan import Plan, Visitor
from demo.stack import CRM_WRITER_AFTER, Stack
from demo.truth import FLOW, Truth

MOST_UNFINISHED = 30
SECOND_SUBMIT_AFTER_S = 0.6
SETTLE_TIMEOUT_S = 30.0
LOOK_EVERY_S = 0.05
STAY_EVERY_S = 3.0
REPORT_EVERY = 60


class DriveError(Exception):
    """The stack did not do what it should have done without any fault."""


class Driver:
    def __init__(self, stack: Stack, truth: Truth, *, leads_per_s: float) -> None:
        self._stack = stack
        self._truth = truth
        self._pause_s = 1 / leads_per_s
        self._browser = httpx.AsyncClient(timeout=30.0, trust_env=False, verify=NO_TLS)
        self._sent = 0

    async def drive(self, plan: Plan) -> None:
        """Return when every visit is over and nothing moves in the stack any more."""
        total = len(plan.before) + len(plan.after)
        try:
            async with asyncio.TaskGroup() as visits:
                await asyncio.gather(*await self._send(plan.before, visits, total))
                await self._stack.roll_out_crm_writer()
                self._truth.add_change(f"crm-writer {CRM_WRITER_AFTER}")
                _say(f"rolled out crm-writer {CRM_WRITER_AFTER}")
                await self._send(plan.after, visits, total)
        except ExceptionGroup as failed:
            raise DriveError(str(failed.exceptions[0])) from failed
        _say("all sent; waiting for the last retries and timeouts")
        await self._settled()

    async def visit(self, visitor: Visitor) -> None:
        """All this person does, waits included; raises DriveError."""
        try:
            await self._visit(visitor)
        except (httpx.HTTPError, TimeoutError) as exc:
            raise DriveError(f"the visit of {visitor.person.email} failed: {exc!r}") from exc

    async def _visit(self, visitor: Visitor) -> None:
        correlation_id = await self._submit(visitor)
        if visitor.fault.visit is Visit.TWICE:
            await asyncio.sleep(SECOND_SUBMIT_AFTER_S)
            await self._submit(visitor)
        elif visitor.fault.visit is Visit.REGRETTED:
            await self._crm_has(correlation_id)
            await self._post("/unsubscribe", {"email": visitor.person.email})

    async def close(self) -> None:
        await self._browser.aclose()

    async def _send(self, visitors: list[Visitor], visits: asyncio.TaskGroup, total: int) -> list[asyncio.Task[None]]:
        """Keep the pace of a clock, and slow down rather than bury a busy machine."""
        due = time.monotonic()
        begun = []
        for visitor in visitors:
            while self._stack.unfinished >= MOST_UNFINISHED:  # noqa: ASYNC110  (watched from outside)
                await asyncio.sleep(LOOK_EVERY_S)
            await asyncio.sleep(max(0.0, due - time.monotonic()))
            due = max(due + self._pause_s, time.monotonic())
            begun.append(visits.create_task(self.visit(visitor)))
            self._sent += 1
            if self._sent % REPORT_EVERY == 0 or self._sent == total:
                _say(f"{self._sent}/{total} leads sent, {self._stack.unfinished} messages on their way")
        return begun

    async def _submit(self, visitor: Visitor) -> str:
        accepted = await self._post(f"/forms/{FLOW}", visitor.submission.model_dump())
        ids: dict[str, str] = accepted.json()
        self._truth.add_entry(visitor, ids["lead_id"], ids["correlation_id"])
        return ids["correlation_id"]

    async def _post(self, path: str, form: dict[str, object]) -> httpx.Response:
        answer = await self._browser.post(self._stack.urls["web-forms"] + path, json=form)
        if not answer.is_success:
            raise DriveError(f"web-forms answered {answer.status_code} to {path}: {answer.text[:200]}")
        return answer

    async def _crm_has(self, correlation_id: str) -> None:
        """Return when the CRM has begun to write; asked of the vendor, so that no telemetry shows the question."""
        async with asyncio.timeout(SETTLE_TIMEOUT_S):
            while True:
                answer = await self._browser.get(f"{self._stack.urls['crm-api']}/leads/{correlation_id}")
                if answer.json()["writes"]:
                    return
                await asyncio.sleep(LOOK_EVERY_S)

    async def _settled(self) -> None:
        try:
            await self._stack.settle(SETTLE_TIMEOUT_S)
        except TimeoutError as exc:
            left = self._stack.unfinished
            raise DriveError(f"{left} messages were still on their way after {SETTLE_TIMEOUT_S:.0f} s") from exc


def _say(line: str) -> None:
    print(f"demo: {line}", flush=True)
