"""Decompression with a hard end: however small a bomb is packed, it costs no more memory than the limit."""

import io
import zlib
from collections.abc import Callable, Generator, Iterator
from typing import Final

import zstandard

from collector.errors import TooLarge, Undecodable

_STEP_BYTES: Final = 1024 * 1024
_ZSTD_INPUT_BYTES: Final = 1024  # a thousand bytes of zstd can hold 250 blocks of 128 KiB, and its reader does not stop
_ZSTD_WINDOW_BYTES: Final = 8 * 1024 * 1024  # RFC 9659: what HTTP may ask of a receiver
_GZIP: Final = 31
_ZLIB: Final = 15
_RAW: Final = -15

IDENTITY: Final = "identity"


def inflate(encoding: str, body: bytes, max_bytes: int, hold: Callable[[int], None]) -> bytes:
    """The body as it was before compression.

    Raises TooLarge beyond `max_bytes`, Undecodable where it is cut or damaged. `hold` is told of each piece before the
    next one is made.
    """
    if encoding == IDENTITY:
        return body
    pieces: list[bytes] = []
    size = 0
    try:
        for piece in _DECODERS[encoding](body):
            size += len(piece)
            if size > max_bytes:
                raise TooLarge(f"the body is over the limit of {max_bytes} bytes once decompressed")
            hold(len(piece))
            pieces.append(piece)
    except (zlib.error, zstandard.ZstdError) as exc:
        raise Undecodable(f"the body is not valid {encoding}") from exc
    return b"".join(pieces)


def _gunzip(body: bytes) -> Iterator[bytes]:
    """RFC 1952: a body may be several members, one after the other, and zeros may pad it."""
    while body:
        body = (yield from _unzip(body, _GZIP)).lstrip(b"\0")


def _inflate_either(body: bytes) -> Iterator[bytes]:
    """RFC 9110 says deflate is the zlib format; some senders leave the wrapper off."""
    is_zlib = len(body) >= 2 and body[0] & 0x0F == 8 and int.from_bytes(body[:2], "big") % 31 == 0
    if (yield from _unzip(body, _ZLIB if is_zlib else _RAW)):
        raise Undecodable("the body goes on after its deflate stream")


def _unzip(body: bytes, wbits: int) -> Generator[bytes, None, bytes]:
    """The pieces of one stream; returns what follows it."""
    stream = zlib.decompressobj(wbits)
    rest = body
    while not stream.eof:
        piece = stream.decompress(rest, _STEP_BYTES)
        rest = stream.unconsumed_tail
        if not piece and not rest and not stream.eof:
            raise Undecodable("the body is compressed and cut short")
        yield piece
    return stream.unused_data


def _unzstd(body: bytes) -> Iterator[bytes]:
    decompressor = zstandard.ZstdDecompressor(max_window_size=_ZSTD_WINDOW_BYTES)
    file = io.BytesIO(body)
    stream = decompressor.decompressobj()
    while chunk := file.read(_ZSTD_INPUT_BYTES):
        while chunk:
            if stream.eof:
                stream = decompressor.decompressobj()
            yield stream.decompress(chunk)
            chunk = stream.unused_data if stream.eof else b""
    if not stream.eof:
        raise Undecodable("the body is compressed and cut short")


_DECODERS: Final[dict[str, Callable[[bytes], Iterator[bytes]]]] = {
    "gzip": _gunzip,
    "x-gzip": _gunzip,
    "deflate": _inflate_either,
    "zstd": _unzstd,
}
ENCODINGS: Final = (IDENTITY, *_DECODERS)
