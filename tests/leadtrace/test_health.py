"""Health and metrics of processes without pages: open where a probe asks, closed where numbers are."""

import asyncio

import httpx
import pytest
from starlette.responses import PlainTextResponse

from leadtrace.guard import Doorkeeper
from leadtrace.health import BesideHealth, health_app, spool_full
from leadtrace.settings import Settings
from leadtrace.tokens import Role, Signer, Tokens
from store.errors import StoreUnavailable


async def otlp(scope, receive, send):
    await PlainTextResponse(f"otlp {scope['method']} {scope['path']}")(scope, receive, send)


@pytest.fixture
def keeper(tmp_path):
    return Doorkeeper(Tokens(tmp_path / "tokens.json"), Signer(b"k" * 32))


def ask(app, path, method="GET", token="", host="127.0.0.1:4318"):
    async def asked():
        headers = {"host": host} | ({"authorization": f"Bearer {token}"} if token else {})
        async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://127.0.0.1:4318") as client:
            return await client.request(method, path, headers=headers)

    return asyncio.run(asked())


def test_the_other_application_keeps_its_own_addresses(keeper):
    app = BesideHealth(otlp, health_app(lambda: None, keeper))
    assert ask(app, "/v1/traces", "POST").text == "otlp POST /v1/traces"
    assert ask(app, "/metrics", "POST").text == "otlp POST /metrics"
    assert ask(app, "/healthz").json() == ask(app, "/readyz").json() == {"status": "ok"}


def test_a_process_that_is_not_ready_says_why(keeper):
    answer = ask(health_app(lambda: "The spool is nearly full.", keeper), "/readyz")
    assert (answer.status_code, answer.json()["detail"]) == (503, "The spool is nearly full.")
    assert answer.headers["retry-after"]


def test_a_database_that_is_away_is_not_ready_and_no_bug(keeper):
    def away():
        raise StoreUnavailable("secret-host:8123 refused")

    answer = ask(health_app(away, keeper), "/readyz")
    assert (answer.status_code, answer.json()["type"]) == (503, "/problems/engine-away")
    assert "secret-host" not in answer.text


@pytest.mark.parametrize(("role", "status"), [(None, 401), (Role.INGEST, 403), (Role.READ, 200), (Role.ADMIN, 200)])
def test_metrics_need_a_token_that_may_read(keeper, role, status):
    token = keeper.tokens.create(role) if role else ""
    answer = ask(health_app(lambda: None, keeper), "/metrics", token=token)
    assert answer.status_code == status
    assert ("leadtrace_" in answer.text) == (status == 200)


def test_without_tokens_this_machine_sees_them_and_a_foreign_page_does_not():
    app = health_app(lambda: None, None)
    assert "leadtrace_" in ask(app, "/metrics").text
    assert ask(app, "/metrics", host="evil.example").status_code == 403


@pytest.mark.parametrize("path", ["/", "/sign-in", "/v1/traces", "/metrics/"])
def test_there_is_nothing_else(keeper, path):
    answer = ask(health_app(lambda: None, keeper), path)
    assert answer.status_code == 404
    assert "set-cookie" not in answer.headers


def test_a_spool_is_full_a_little_before_it_refuses():
    assert spool_full(94, 100) is None
    assert "spool is nearly full" in spool_full(95, 100)


def test_a_metrics_address_is_nowhere_unless_given_and_keeps_to_loopback_without_tokens():
    assert Settings().metrics is None
    assert str(Settings(metrics="127.0.0.1:9464").metrics) == "127.0.0.1:9464"
    with pytest.raises(ValueError, match=r"LEADTRACE_AUTH=off would open 0\.0\.0\.0:9464"):
        Settings(metrics="0.0.0.0:9464", auth="off")
