"""A small body that unpacks to gigabytes costs bounded memory and a 413."""

import gzip
import subprocess
import sys
import zlib
from functools import cache

import grpc
import pytest
import zstandard
from telemetry import running

from collector.errors import TooLarge, Undecodable
from collector.inflate import inflate
from collector.limits import MIB, DoorLimits

SIZE = 1 << 30


def packed(packer, size=SIZE) -> bytes:
    piece = bytes(MIB)
    return b"".join(packer.compress(piece) for _ in range(size // MIB)) + packer.flush()


BOMBS = {
    "gzip": cache(lambda: packed(zlib.compressobj(1, wbits=31))),
    "deflate": cache(lambda: packed(zlib.compressobj(1, wbits=15))),
    "zstd": cache(lambda: packed(zstandard.ZstdCompressor(level=3).compressobj())),
}

DEFUSE = """
import resource, sys
from collector.errors import TooLarge
from collector.inflate import inflate
encoding, path = sys.argv[1:]
body = open(path, "rb").read()
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
try:
    inflate(encoding, body, 16 << 20, lambda _: None)
except TooLarge:
    print((resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) // 1024)
"""


@pytest.mark.parametrize("encoding", BOMBS)
def test_a_gigabyte_bomb_costs_no_more_memory_than_a_few_times_the_limit(tmp_path, encoding):
    bomb = tmp_path / "bomb"
    bomb.write_bytes(BOMBS[encoding]())
    command = [sys.executable, "-c", DEFUSE, encoding, str(bomb)]
    grown_mib = int(subprocess.run(command, check=True, capture_output=True).stdout)
    assert grown_mib < 64


@pytest.mark.parametrize("encoding", BOMBS)
def test_a_bomb_is_413_over_http(tmp_path, encoding):
    with running(tmp_path, door=DoorLimits(max_body_bytes=2 * MIB)) as road:
        assert road.post("/v1/traces", BOMBS[encoding](), content_encoding=encoding).status_code == 413


# A client whose message says 60 MiB in 60 KB: raw HTTP/2, because a real client would need the memory itself.
GRPC_BOMB = """
import asyncio, resource, sys
from collector.held import HeldBytes
from collector.limits import DoorLimits
from collector.over_grpc import GrpcDoor

def frame(kind, flags, stream, payload):
    return len(payload).to_bytes(3, "big") + bytes([kind, flags]) + stream.to_bytes(4, "big") + payload

def header(name, value):
    return bytes([0, len(name)]) + name + bytes([len(value)]) + value

HEADERS = [(b":method", b"POST"), (b":scheme", b"http"), (b":authority", b"x"), (b"te", b"trailers"),
           (b":path", b"/opentelemetry.proto.collector.trace.v1.TraceService/Export"),
           (b"content-type", b"application/grpc"), (b"grpc-encoding", b"gzip")]

async def main():
    door = GrpcDoor(None, HeldBytes(1 << 30), lambda _: True, DoorLimits(max_body_bytes=1 << 20))
    port = await door.start("127.0.0.1:0")
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    body = open(sys.argv[1], "rb").read()
    message = b"\\1" + len(body).to_bytes(4, "big") + body
    writer.write(b"PRI * HTTP/2.0\\r\\n\\r\\nSM\\r\\n\\r\\n" + frame(4, 0, 0, b""))
    writer.write(frame(1, 4, 1, b"".join(header(*pair) for pair in HEADERS)))
    for at in range(0, len(message), 16384):
        writer.write(frame(0, 0, 1, message[at : at + 16384]))
    writer.write(frame(0, 1, 1, b""))
    seen = b""
    while b"larger than max" not in seen:
        seen += await asyncio.wait_for(reader.read(65536), 10)
    print((resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) // 1024)
    writer.close()
    await door.stop(0)

asyncio.run(main())
"""


def test_grpc_itself_unpacks_no_further_than_the_limit(tmp_path):
    bomb = tmp_path / "bomb"
    bomb.write_bytes(gzip.compress(bytes(60 * MIB)))
    assert len(bomb.read_bytes()) < 65_000
    command = [sys.executable, "-c", GRPC_BOMB, str(bomb)]
    assert int(subprocess.run(command, check=True, capture_output=True, timeout=30).stdout) < 30


def test_a_bomb_over_grpc_is_resource_exhausted(tmp_path):
    with (
        running(tmp_path, door=DoorLimits(max_body_bytes=2 * MIB)) as road,
        grpc.insecure_channel(f"127.0.0.1:{road.grpc_port}") as channel,
    ):
        export = channel.unary_unary("/opentelemetry.proto.collector.trace.v1.TraceService/Export")
        with pytest.raises(grpc.RpcError) as caught:
            export(bytes(64 * MIB), compression=grpc.Compression.Gzip, timeout=20)
        assert caught.value.code() == grpc.StatusCode.RESOURCE_EXHAUSTED


def test_unpacked_bytes_are_counted_as_they_come():
    counted = []
    body = inflate("gzip", gzip.compress(bytes(5 * MIB)), 6 * MIB, counted.append)
    assert (len(body), sum(counted), len(counted) >= 5) == (5 * MIB, 5 * MIB, True)


@pytest.mark.parametrize("encoding", ["gzip", "deflate", "zstd"])
def test_the_limit_is_exact(encoding):
    body = packed({"gzip": zlib.compressobj(wbits=31), "deflate": zlib.compressobj(),
                   "zstd": zstandard.ZstdCompressor().compressobj()}[encoding], MIB)  # fmt: skip
    assert len(inflate(encoding, body, MIB, lambda _: None)) == MIB
    with pytest.raises(TooLarge):
        inflate(encoding, body, MIB - 1, lambda _: None)


@pytest.mark.parametrize("encoding", ["gzip", "deflate", "zstd"])
def test_every_truncation_is_undecodable(encoding):
    body = packed({"gzip": zlib.compressobj(wbits=31), "deflate": zlib.compressobj(),
                   "zstd": zstandard.ZstdCompressor().compressobj()}[encoding], MIB)  # fmt: skip
    for end in range(1, len(body), max(1, len(body) // 50)):
        with pytest.raises(Undecodable):
            inflate(encoding, body[:end], MIB, lambda _: None)


def test_a_zstd_frame_that_asks_for_a_huge_window_is_refused():
    parameters = zstandard.ZstdCompressionParameters(window_log=27)
    body = zstandard.ZstdCompressor(compression_params=parameters).compressobj()
    packed_body = body.compress(b"x" * 100) + body.flush()
    with pytest.raises(Undecodable):
        inflate("zstd", packed_body, MIB, lambda _: None)
