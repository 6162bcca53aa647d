"""Whatever comes in at the doors, the server stays small and answers the next one who asks."""

import gzip
import random
import socket
import zlib
from contextlib import ExitStack
from urllib.parse import urlsplit

import grpc
import httpx
import pytest
from live import PROTOBUF, Live, export, span, wait_for

MIB = 1024**2
GIB = 1024 * MIB
BOMB_BYTES = 10 * GIB
ROOM_BYTES = 512 * MIB  # two bodies of 64 MiB in the making, and what the engine takes meanwhile


@pytest.fixture
def chance() -> random.Random:
    return random.Random(2026)


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    """One of their own: what is done to it here is nobody else's trouble."""
    with Live(tmp_path_factory.mktemp("server")) as running:
        yield running


@pytest.fixture(scope="module")
def admin(server: Live) -> dict[str, str]:
    return server.bearer("admin")


@pytest.fixture(autouse=True)
def still_answers(server: Live):
    """After each of these tests the same process takes the next span and answers the next question."""
    yield
    assert server.process.poll() is None, server.log
    assert server.send(span()).status_code == 200
    assert httpx.get(f"{server.web}/readyz", timeout=30).status_code == 200


@pytest.fixture(autouse=True, scope="module")
def still_stores(server: Live):
    """After all of them a span finds its way to its lead, and nothing was a surprise to the server."""
    yield
    assert server.send(span(lead_id="L-after")).status_code == 200
    wait_for(lambda: server.get("/api/v1/leads/L-after").status_code == 200, "an answer after the nonsense")
    assert "Traceback" not in server.log


def test_random_bytes_for_otlp_are_refused_as_the_senders_fault(server, chance):
    for size in (1, 2, 10, 100, 1_000, 100_000):
        for media in ("application/x-protobuf", "application/json"):
            headers = {"content-type": media, **server.bearer()}
            for path in ("/v1/traces", "/v1/logs"):
                answer = httpx.post(f"{server.otlp_http}{path}", content=chance.randbytes(size), headers=headers)
                assert answer.status_code in {200, 400}, (size, media, answer.text)


def test_random_bytes_instead_of_http_are_not_answered_with_a_crash(server, chance):
    for url in (server.web, server.otlp_http, server.otlp_grpc):
        for _ in range(10):
            with _connected(url) as raw:
                raw.sendall(chance.randbytes(3_000) + b"\r\n\r\n")
                raw.shutdown(socket.SHUT_WR)
                _read_to_the_end(raw)


@pytest.mark.parametrize(
    "path", ["/", "/v1", "/v1/traces/", "/v2/traces", "/v1/metrics", "/%00", "/..%2f..%2fetc", "/v1/traces%0d%0a"]
)
def test_other_paths_take_nothing(server, path):
    answer = httpx.post(f"{server.otlp_http}{path}", content=b"", headers={**PROTOBUF, **server.bearer()})
    assert answer.status_code == 404


@pytest.mark.parametrize("method", ["GET", "PUT", "DELETE", "OPTIONS", "HEAD", "PATCH", "BREW"])
def test_other_methods_are_not_allowed(server, admin, method):
    answer = httpx.request(method, f"{server.otlp_http}/v1/traces", headers=server.bearer())
    assert (answer.status_code, answer.headers["allow"]) == (405, "POST")
    answer = httpx.request(method, f"{server.web}/api/v1/flows", headers=admin)
    assert answer.status_code == (200 if method == "GET" else 405)


@pytest.mark.parametrize(
    "path",
    [
        "/api/v1/leads?q=" + "x" * 5_000, "/api/v1/leads?cursor=-1", "/api/v1/leads?q=%00%ff%27%22%5c", "/api/v1/traces/xyz",
        "/api/v1/leads/" + "L" * 3_000, "/api/v1/leads/%00/why", "/api/v1/leads/%ff%fe", "/api/v1/leads/..%2f..%2fetc/why",
        "/api/v1/flows/x/funnel?since=yesterday", "/api/v1/flows/x/funnel?since=9999999999d", "/api/v1/nothing",
        "/leads/%00", "/leads/%ff", "/flows/%27", "/traces/xyz", "/?cursor=x", "/leads/L?hop=x", "/static/..%2f..%2fpyproject.toml",
        "/static/%00", "/" + "x" * 5_000,
    ],
)  # fmt: skip
def test_nonsense_for_pages_and_api_is_the_askers_fault(server, path):
    answer = server.get(path)
    assert answer.status_code in {200, 400, 404, 422}, answer.text


def test_ten_gigabytes_in_ten_megabytes_are_refused_and_take_no_room(server):
    before = server.peak_memory_bytes()
    bomb = _bomb()
    assert len(bomb) < 12 * MIB
    for _ in range(3):
        answer = httpx.post(
            f"{server.otlp_http}/v1/traces",
            content=bomb,
            headers={**PROTOBUF, **server.bearer(), "content-encoding": "gzip"},
            timeout=60,
        )
        assert answer.status_code == 413, answer.content
    grew = server.peak_memory_bytes() - before
    assert grew < ROOM_BYTES, f"the server grew by {grew / MIB:.0f} MiB"


def _bomb() -> bytes:
    """10 GB of zeros as gzip: blocks of a full flush repeat, so one is made and said again and again."""
    packer = zlib.compressobj(9, zlib.DEFLATED, -15)
    block = packer.compress(bytes(64 * MIB)) + packer.flush(zlib.Z_FULL_FLUSH)
    header = gzip.compress(b"")[:10]
    return header + block * (BOMB_BYTES // (64 * MIB)) + packer.flush(zlib.Z_FINISH) + bytes(8)


def test_a_bomb_over_grpc_is_refused_and_takes_no_room(server):
    before = server.peak_memory_bytes()
    huge = export(span("x" * 100 * MIB))
    with grpc.insecure_channel(
        server.otlp_grpc.removeprefix("http://"), options=[("grpc.max_send_message_length", GIB)]
    ) as channel:
        call = channel.unary_unary("/opentelemetry.proto.collector.trace.v1.TraceService/Export")
        with pytest.raises(grpc.RpcError) as refused:
            call(
                huge.SerializeToString(),
                metadata=tuple(server.bearer().items()),
                compression=grpc.Compression.Gzip,
                timeout=60,
            )
    assert refused.value.code() in {grpc.StatusCode.RESOURCE_EXHAUSTED, grpc.StatusCode.INVALID_ARGUMENT}
    grew = server.peak_memory_bytes() - before
    assert grew < ROOM_BYTES, f"the server grew by {grew / MIB:.0f} MiB"


def test_a_sign_in_form_of_a_gigabyte_takes_no_room(server):
    before = server.peak_memory_bytes()
    with _connected(server.web) as raw:
        raw.sendall(f"POST /sign-in HTTP/1.1\r\nhost: x\r\ncontent-length: {GIB}\r\n\r\n".encode())
        try:
            for _ in range(256):
                raw.sendall(bytes(MIB))
        except OSError:
            pass  # it hung up, which is an answer as well
    grew = server.peak_memory_bytes() - before
    assert grew < 64 * MIB, f"the server grew by {grew / MIB:.0f} MiB"


def test_hundreds_of_half_open_requests_keep_nobody_else_out(server):
    half = (
        b"POST /v1/traces HTTP/1.1\r\nhost: x\r\n",
        b"POST /v1/traces HTTP/1.1\r\nhost: x\r\ncontent-type: application/x-protobuf\r\ncontent-length: 1000\r\n"
        + "".join(f"{key}: {value}\r\n" for key, value in server.bearer().items()).encode()
        + b"\r\nhalf",
        b"",
    )
    with ExitStack() as held:
        for number in range(300):
            url = (server.otlp_http, server.web, server.otlp_grpc)[number % 3]
            raw = held.enter_context(_connected(url))
            raw.sendall(half[number % 3 if number % 2 else 0])
        for _ in range(5):
            assert server.send(span(lead_id="L-between")).status_code == 200
            assert httpx.get(f"{server.web}/healthz").status_code == 200


def test_endless_headers_are_cut_off(server):
    for url in (server.web, server.otlp_http):
        with _connected(url) as raw:
            raw.sendall(b"GET / HTTP/1.1\r\n")
            try:
                for number in range(20_000):
                    raw.sendall(f"x-{number}: {'y' * 100}\r\n".encode())
            except OSError:
                continue
            assert b" 4" in _read_to_the_end(raw)[:20]


def _connected(url: str) -> socket.socket:
    where = urlsplit(url)
    return socket.create_connection((where.hostname, where.port), timeout=30)


def _read_to_the_end(raw: socket.socket) -> bytes:
    found = b""
    try:
        while more := raw.recv(65_536):
            found += more
    except OSError:
        pass
    return found
