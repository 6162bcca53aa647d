"""Calling a vendor: stock client spans, the answer's body kept on the span, retries that respect Retry-After."""

import asyncio
from typing import Any

import httpx
from opentelemetry.instrumentation.httpx import HTTPXClientInstrumentor, RequestInfo, ResponseInfo
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.trace import Span

from demo.hosting import NO_TLS

MAX_BODY_BYTES = 2_048
LONGEST_WAIT_S = 0.4
BACKOFF_S = 0.15
WORTH_RETRYING = frozenset({429, 500, 502, 503, 504})


class VendorClient:
    """One vendor, called by one service. `keep_bodies` is for vendors that answer 200 and mean no."""

    def __init__(self, system: str, provider: TracerProvider, *, timeout_s: float, keep_bodies: bool = False) -> None:
        self._system = system
        transport = _ReadAheadTransport(httpx.AsyncHTTPTransport(verify=NO_TLS))
        self._http = httpx.AsyncClient(transport=transport, timeout=timeout_s, headers={"accept-encoding": "identity"})
        HTTPXClientInstrumentor.instrument_client(
            self._http,
            tracer_provider=provider,
            request_hook=self._name_the_attempt,
            response_hook=_keep_body if keep_bodies else None,
        )

    async def post(self, url: str, payload: dict[str, Any], *, key: str, attempts: int) -> httpx.Response:
        """The last answer, whatever its status; raises httpx.TransportError when the last attempt had none."""
        headers = {"idempotency-key": key}
        for attempt in range(1, attempts):
            try:
                answer = await self._post_once(url, payload, headers, attempt)
            except httpx.TransportError:
                await asyncio.sleep(BACKOFF_S)
                continue
            if answer.status_code not in WORTH_RETRYING:
                return answer
            await asyncio.sleep(_wait_s(answer))
        return await self._post_once(url, payload, headers, attempts)

    async def close(self) -> None:
        await self._http.aclose()

    async def _post_once(
        self, url: str, payload: dict[str, Any], headers: dict[str, str], attempt: int
    ) -> httpx.Response:
        return await self._http.post(url, json=payload, headers=headers, extensions={"attempt": attempt})

    async def _name_the_attempt(self, span: Span, request: RequestInfo) -> None:
        span.set_attribute("lead.system", self._system)
        span.set_attribute("lead.attempt", (request.extensions or {}).get("attempt", 1))


class _ReadAheadTransport(httpx.AsyncBaseTransport):
    """Read the body before handing the answer up.

    The stock instrumentation ends its span when the headers are there, and its hook gets a stream that can be read
    only once. Below it, this makes the body part of the call: a hook may read it, and a slow body is a slow span.
    """

    def __init__(self, inner: httpx.AsyncBaseTransport) -> None:
        self._inner = inner

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        answer = await self._inner.handle_async_request(request)
        assert isinstance(answer.stream, httpx.AsyncByteStream)  # noqa: S101  (httpx asserts the same)
        try:
            body = b"".join([chunk async for chunk in answer.stream])
        finally:
            await answer.aclose()
        return httpx.Response(
            answer.status_code, headers=answer.headers, stream=httpx.ByteStream(body), extensions=answer.extensions
        )

    async def aclose(self) -> None:
        await self._inner.aclose()


async def _keep_body(span: Span, _request: RequestInfo, response: ResponseInfo) -> None:
    if span.is_recording() and isinstance(response.stream, httpx.ByteStream):
        body = b"".join(response.stream)
        span.set_attribute("http.response.body.text", body[:MAX_BODY_BYTES].decode("utf-8", "replace"))


def _wait_s(answer: httpx.Response) -> float:
    """What Retry-After asks, but never longer than a visitor's patience; a date counts as the longest wait."""
    asked = answer.headers.get("retry-after")
    if asked is None:
        return BACKOFF_S
    return min(float(asked), LONGEST_WAIT_S) if asked.isdigit() else LONGEST_WAIT_S
