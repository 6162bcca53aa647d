"""The spool's frame: how one request lies on disk, and how much of a file can be believed after a crash.

    magic "LTF1" · payload length · CRC-32 of the payload · CRC-32 of the twelve bytes before · payload

The header has a checksum of its own: a damaged length is then told from a tail that was never fully written.
"""

import struct
import zlib
from typing import Final, NamedTuple

MAGIC: Final = b"LTF1"
_PREFIX: Final = struct.Struct("<4sII")
_CHECK: Final = struct.Struct("<I")
HEADER_BYTES: Final = _PREFIX.size + _CHECK.size


class Scan(NamedTuple):
    """The requests at the start of a file that can be believed, where they end, and what the rest is."""

    payloads: list[bytes]
    good_bytes: int
    torn: bool
    """The rest is a frame whose writing was cut short: it was never acknowledged. Otherwise it was damaged."""


def header_of(payload: bytes) -> bytes:
    prefix = _PREFIX.pack(MAGIC, len(payload), zlib.crc32(payload))
    return prefix + _CHECK.pack(zlib.crc32(prefix))


def frame(payload: bytes) -> bytes:
    return header_of(payload) + payload


def scan(file: bytes) -> Scan:
    """Every whole frame from the start of the file on, until the first that is not."""
    payloads: list[bytes] = []
    at = 0
    while at < len(file):
        payload = _payload_at(file, at)
        if payload is None:
            return Scan(payloads, at, torn=_is_torn(file, at))
        payloads.append(payload)
        at += HEADER_BYTES + len(payload)
    return Scan(payloads, at, torn=False)


def _payload_at(file: bytes, at: int) -> bytes | None:
    header = _read_header(file, at)
    if header is None:
        return None
    length, checksum = header
    payload = file[at + HEADER_BYTES : at + HEADER_BYTES + length]
    return payload if len(payload) == length and zlib.crc32(payload) == checksum else None


def _read_header(file: bytes, at: int) -> tuple[int, int] | None:
    if len(file) - at < HEADER_BYTES:
        return None
    magic, length, checksum = _PREFIX.unpack_from(file, at)
    (own,) = _CHECK.unpack_from(file, at + _PREFIX.size)
    believable = magic == MAGIC and own == zlib.crc32(file[at : at + _PREFIX.size])
    return (length, checksum) if believable else None


def _is_torn(file: bytes, at: int) -> bool:
    """Whether the rest is what an interrupted append leaves: a prefix of one frame, or blocks never written (zeros)."""
    rest = memoryview(file)[at:]
    if not any(rest[:HEADER_BYTES]) and rest.nbytes == file.count(0, at):
        return True
    if rest.nbytes < HEADER_BYTES:
        return MAGIC.startswith(bytes(rest[: len(MAGIC)])) or bytes(rest[: len(MAGIC)]) == MAGIC
    header = _read_header(file, at)
    return header is not None and rest.nbytes - HEADER_BYTES < header[0]
