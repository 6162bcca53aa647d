"""What can be kept of a request that protobuf refuses whole, most often for one string that is not UTF-8.

The request is walked on the wire, resources → scopes → records, and each record is parsed apart. A frame that is itself
broken (a length beyond the end) says nothing about what it holds, so that request is undecodable.
"""

from collections.abc import Iterator
from typing import Any, Final, NamedTuple

from google.protobuf.message import DecodeError, Message

from collector.errors import Undecodable
from collector.otlp import Signal

_LENGTH_DELIMITED: Final = 2


class Field(NamedTuple):
    """One field on the wire: its number, its content if that is a message, a text or bytes, and all its bytes."""

    number: int
    content: bytes | None
    whole: bytes


def salvage(signal: Signal, body: bytes) -> tuple[Message, int]:
    """The request without the records that cannot be parsed, and how many those are. Raises Undecodable if none can."""
    request: Any = signal.request()
    lost = 0
    for field in fields_of(body):
        if field.number == 1 and field.content is not None:
            lost += _salvage_resource(signal, field.content, signal.resources(request).add())
    if not any(len(signal.records(scope)) for scope in signal.scopes(request)):
        raise Undecodable(f"the body is not a {signal.request.DESCRIPTOR.name}")
    return request, lost


def _salvage_resource(signal: Signal, content: bytes, resource: Any) -> int:
    shell, scopes = _split(content)
    readable = _parses(resource, shell)
    lost = 0
    for scope in scopes:
        if readable:
            lost += _salvage_scope(signal, scope, getattr(resource, signal.scopes_field).add())
        else:
            lost += len(_split(scope)[1])
    return lost


def _salvage_scope(signal: Signal, content: bytes, scope: Any) -> int:
    shell, records = _split(content)
    if not _parses(scope, shell):
        return len(records)
    lost = 0
    for content_of_record in records:
        record = signal.record()
        if _parses(record, content_of_record):
            signal.records(scope).append(record)
        else:
            lost += 1
    return lost


def _split(content: bytes) -> tuple[bytes, list[bytes]]:
    """A resource or scope message without its children, and the children: field 2 in both, of both signals."""
    fields = list(fields_of(content))
    shell = b"".join(field.whole for field in fields if field.number != 2)
    return shell, [field.content for field in fields if field.number == 2 and field.content is not None]


def _parses(message: Message, content: bytes) -> bool:
    try:
        message.ParseFromString(content)
    except DecodeError:
        message.Clear()
        return False
    return True


def fields_of(message: bytes) -> Iterator[Field]:
    """The fields of a message as they stand on the wire. Raises Undecodable where the framing is broken."""
    at = 0
    while at < len(message):
        tag, after_tag = _varint(message, at)
        start, end = _extent(message, tag & 7, after_tag)
        if end > len(message) or not tag >> 3:
            raise Undecodable("the body is not protobuf: a length reaches beyond its end")
        yield Field(tag >> 3, message[start:end] if tag & 7 == _LENGTH_DELIMITED else None, message[at:end])
        at = end


def _extent(message: bytes, wire_type: int, at: int) -> tuple[int, int]:
    match wire_type:
        case 0:
            return at, _varint(message, at)[1]
        case 1:
            return at, at + 8
        case 2:
            length, start = _varint(message, at)
            return start, start + length
        case 5:
            return at, at + 4
    raise Undecodable("the body is not protobuf: it has a field of an unknown kind")


def _varint(message: bytes, at: int) -> tuple[int, int]:
    value = 0
    for index in range(at, min(at + 10, len(message))):
        byte = message[index]
        value |= (byte & 0x7F) << 7 * (index - at)
        if byte < 0x80:
            return value, index + 1
    raise Undecodable("the body is not protobuf: a number does not end")
