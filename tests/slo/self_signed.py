"""A certificate for this machine, made when a test needs one: a private key in a repository looks like a leak."""

import base64
import hashlib
import secrets
from datetime import UTC, datetime, timedelta
from pathlib import Path

# The curve P-256 (FIPS 186-4, D.1.2.3).
P = 0xFFFFFFFF00000001000000000000000000000000FFFFFFFFFFFFFFFFFFFFFFFF
N = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551
G = (
    0x6B17D1F2E12C4247F8BCE6E563A440F277037D812DEB33A0F4A13945D898C296,
    0x4FE342E2FE1A7F9B8EE7EB4A7C0F9E162BCE33576B315ECECBB6406837BF51F5,
)
EC_KEY, P256, ECDSA_SHA256 = "2a8648ce3d0201", "2a8648ce3d030107", "2a8648ce3d040302"
COMMON_NAME, ALTERNATIVE_NAMES, BASIC_CONSTRAINTS = "550403", "551d11", "551d13"


def write(folder: Path) -> tuple[Path, Path]:
    """Files of a certificate for localhost and 127.0.0.1, valid from yesterday until tomorrow, and of its key."""
    secret = secrets.randbelow(N - 1) + 1
    x, y = times(secret, G)
    point = b"\x04" + x.to_bytes(32, "big") + y.to_bytes(32, "big")
    body = tbs(point)
    certificate = seq(body, seq(oid(ECDSA_SHA256)), bits(sign(body, secret)))
    key = seq(der(2, b"\x01"), der(4, secret.to_bytes(32, "big")), der(0xA0, oid(P256)), der(0xA1, bits(point)))
    return (
        pem(folder / "certificate.pem", "CERTIFICATE", certificate),
        pem(folder / "key.pem", "EC PRIVATE KEY", key),
    )


def tbs(point: bytes) -> bytes:
    now = datetime.now(UTC)
    name = seq(der(0x31, seq(oid(COMMON_NAME), der(12, b"localhost"))))
    valid = seq(*(der(23, f"{now + timedelta(days=days):%y%m%d%H%M%SZ}".encode()) for days in (-1, 1)))
    names = seq(der(0x82, b"localhost"), der(0x87, bytes([127, 0, 0, 1])))
    extensions = seq(
        seq(oid(BASIC_CONSTRAINTS), der(1, b"\xff"), der(4, seq(der(1, b"\xff")))),
        seq(oid(ALTERNATIVE_NAMES), der(4, names)),
    )
    public = seq(seq(oid(EC_KEY), oid(P256)), bits(point))
    serial = der(2, b"\x01" + secrets.token_bytes(8))
    return seq(
        der(0xA0, der(2, b"\x02")), serial, seq(oid(ECDSA_SHA256)), name, valid, name, public, der(0xA3, extensions)
    )


def sign(body: bytes, secret: int) -> bytes:
    digest = int.from_bytes(hashlib.sha256(body).digest(), "big")
    once = secrets.randbelow(N - 1) + 1
    r = times(once, G)[0] % N
    s = pow(once, -1, N) * (digest + r * secret) % N
    return seq(number(r), number(s))


def times(factor: int, point: tuple[int, int]) -> tuple[int, int]:
    found = None
    for bit in f"{factor:b}":
        found = plus(found, found)
        found = plus(found, point) if bit == "1" else found
    return found


def plus(one, other):
    if one is None or other is None:
        return one or other
    (x1, y1), (x2, y2) = one, other
    if x1 == x2 and (y1 + y2) % P == 0:
        return None
    slope = (3 * x1 * x1 - 3) * pow(2 * y1, -1, P) if one == other else (y2 - y1) * pow(x2 - x1, -1, P)
    x3 = (slope * slope - x1 - x2) % P
    return x3, (slope * (x1 - x3) - y1) % P


def der(tag: int, content: bytes) -> bytes:
    size = len(content)
    length = bytes([size]) if size < 128 else b"\x82" + size.to_bytes(2, "big")
    return bytes([tag]) + length + content


def seq(*parts: bytes) -> bytes:
    return der(0x30, b"".join(parts))


def oid(content: str) -> bytes:
    return der(6, bytes.fromhex(content))


def bits(content: bytes) -> bytes:
    return der(3, b"\x00" + content)


def number(value: int) -> bytes:
    return der(2, value.to_bytes(value.bit_length() // 8 + 1, "big"))


def pem(path: Path, label: str, content: bytes) -> Path:
    text = base64.encodebytes(content).decode()
    path.write_text(f"-----BEGIN {label}-----\n{text}-----END {label}-----\n")
    return path
