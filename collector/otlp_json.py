"""OTLP/JSON into protobuf messages.

It is protobuf's JSON mapping, except that trace and span ids are hex and unknown fields are ignored. As the Collector
does, it takes snake_case and the names of enums too. Protobuf's own reader takes hex ids for base64, drops enum names
it does not know, and needs twice the time of this one, which works over tables made from the descriptors.

A record that cannot be read is lost alone. What would be lost in silence is refused: a key that stands twice, two
values in one AnyValue, fields that OTLP removed, another signal's request.
"""

import base64
import binascii
import json
from collections.abc import Callable, Iterator
from functools import cache
from typing import Any, Final, NamedTuple, NoReturn

from google.protobuf.descriptor import Descriptor, EnumDescriptor, FieldDescriptor
from google.protobuf.message import Message

from collector.errors import Undecodable
from collector.otlp import LOGS, TRACES, Signal, removed

MAX_DEPTH: Final = 100  # as in protobuf's own parsers
_HEX_FIELDS: Final = {"trace_id", "span_id", "parent_span_id"}
_FOREIGN: Final = {
    TRACES.name: ("resourceLogs", "resource_logs", "resourceMetrics", "resource_metrics"),
    LOGS.name: ("resourceSpans", "resource_spans", "resourceMetrics", "resource_metrics"),
}
_RECORDS: Final = {TRACES.record.DESCRIPTOR.full_name, LOGS.record.DESCRIPTOR.full_name}


class _UnreadableError(ValueError):
    """A value cannot be what its field wants. The message names the field, never the value."""


class _Field(NamedTuple):
    """How one field is read: `convert` for scalars, None for messages."""

    name: str
    json_name: str
    convert: Callable[[Any], Any] | None
    is_repeated: bool
    holds_records: bool
    oneof: str | None


def parse_json(signal: Signal, body: bytes) -> tuple[Message, int]:
    """The request in a JSON body, and how many of its records could not be read. Raises Undecodable if none could."""
    tree = _load(body)
    _refuse_what_would_be_lost(signal, tree)
    request = signal.request()
    lost: list[str] = []
    try:
        _fill(request, tree, lost, 0)
    except _UnreadableError as exc:
        raise Undecodable(str(exc)) from exc
    if lost and not any(len(signal.records(scope)) for scope in signal.scopes(request)):
        raise Undecodable(lost[0])
    return request, len(lost)


def _load(body: bytes) -> dict[str, Any]:
    try:
        tree = json.loads(body, object_pairs_hook=_unique, parse_constant=_refuse_constant)
    except RecursionError as exc:
        raise Undecodable("the body is JSON nested too deeply") from exc
    except json.JSONDecodeError as exc:
        raise Undecodable(f"the body is not JSON: {exc.msg} at character {exc.pos}") from exc
    except ValueError as exc:
        raise Undecodable("the body is not JSON: it is not UTF-8, or a number has thousands of digits") from exc
    if not isinstance(tree, dict):
        raise Undecodable("the body must be a JSON object")
    return tree


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    members = dict(pairs)
    if len(members) != len(pairs):
        raise Undecodable("the body has a JSON object with the same key twice")
    return members


def _refuse_constant(_name: str) -> NoReturn:
    raise Undecodable("the body is not JSON: NaN and Infinity must stand in quotes")


def _refuse_what_would_be_lost(signal: Signal, tree: dict[str, Any]) -> None:
    if foreign := next((name for name in _FOREIGN[signal.name] if name in tree), None):
        raise Undecodable(f"the request has {foreign}, which {signal.path} does not take")
    names = _spellings(signal.resources_field)
    resources: list[Any] = next((tree[name] for name in names if isinstance(tree.get(name), list)), [])
    gone = _spellings(signal.removed_field)
    if any(name in resource for resource in resources if isinstance(resource, dict) for name in gone):
        raise removed(signal)


def _fill(message: Any, tree: Any, lost: list[str], depth: int) -> None:
    """Set the message's fields from a JSON object; add to `lost` why a record in it was left out."""
    if not isinstance(tree, dict):
        raise _UnreadableError(f"a {message.DESCRIPTOR.name} must be a JSON object")
    if depth > MAX_DEPTH:
        raise _UnreadableError(f"values are nested deeper than {MAX_DEPTH}")
    fields = _fields_of(message.DESCRIPTOR)
    taken = set()
    for name, value in tree.items():
        field = fields.get(name)
        if field is None or value is None:
            continue
        place = field.oneof or field.name
        if place in taken:
            raise _UnreadableError(f"{field.json_name}: {message.DESCRIPTOR.name} has this twice, or two values")
        taken.add(place)
        try:
            _set(message, field, value, lost, depth)
        except _UnreadableError:
            raise
        except (TypeError, ValueError) as exc:
            raise _UnreadableError(f"{field.json_name} does not hold what OTLP puts there") from exc


def _set(message: Any, field: _Field, value: Any, lost: list[str], depth: int) -> None:
    if not field.is_repeated:
        if field.convert:
            setattr(message, field.name, field.convert(value))
        else:
            child = getattr(message, field.name)
            child.SetInParent()
            _fill(child, value, lost, depth + 1)
        return
    if not isinstance(value, list):
        raise _UnreadableError(f"{field.json_name} must be a JSON array")
    children = getattr(message, field.name)
    for element in value:
        if field.convert:
            children.append(field.convert(element))
        elif field.holds_records:
            _fill_record(children, element, lost, depth + 1)
        else:
            _fill(children.add(), element, lost, depth + 1)


def _fill_record(records: Any, tree: Any, lost: list[str], depth: int) -> None:
    try:
        _fill(records.add(), tree, lost, depth)
    except _UnreadableError as exc:
        del records[-1]
        lost.append(str(exc))


@cache
def _fields_of(descriptor: Descriptor) -> dict[str, _Field]:
    """The fields of a message by each name they may have in JSON."""
    return {name: _field(field) for field in descriptor.fields for name in {field.name, field.json_name}}


def _field(field: FieldDescriptor) -> _Field:
    child = field.message_type
    return _Field(
        name=field.name,
        json_name=field.json_name,
        convert=None if child else _converter(field),
        is_repeated=field.is_repeated,
        holds_records=child is not None and child.full_name in _RECORDS,
        oneof=field.containing_oneof.name if field.containing_oneof else None,
    )


def _converter(field: FieldDescriptor) -> Callable[[Any], Any]:
    if field.enum_type is not None:
        return _enum_reader(field.json_name, field.enum_type)
    match field.cpp_type:
        case FieldDescriptor.CPPTYPE_STRING:
            if field.type == FieldDescriptor.TYPE_STRING:
                return _text
            return _hex_reader(field.json_name) if field.name in _HEX_FIELDS else _base64
        case FieldDescriptor.CPPTYPE_DOUBLE | FieldDescriptor.CPPTYPE_FLOAT:
            return _double
        case FieldDescriptor.CPPTYPE_BOOL:
            return _bool
    return _integer


def _text(value: Any) -> str:
    if not isinstance(value, str):
        raise TypeError
    return value


def _bool(value: Any) -> bool:
    if not isinstance(value, bool):
        raise TypeError
    return value


def _integer(value: Any) -> int:
    """64-bit integers come as strings or numbers, and are exact either way; 1.0 and 1e3 are integers too."""
    if isinstance(value, bool) or (isinstance(value, float) and not value.is_integer()):
        raise TypeError
    if isinstance(value, str) and not (value.isascii() and value.lstrip("-").isdigit()):
        raise ValueError
    return int(value)


def _double(value: Any) -> float:
    if isinstance(value, bool):
        raise TypeError
    return float(value)


def _base64(value: Any) -> bytes:
    text = _text(value).translate(_URL_SAFE)
    return base64.b64decode(text + "=" * (-len(text) % 4), validate=True)


_URL_SAFE: Final = str.maketrans("-_", "+/")


def _hex_reader(json_name: str) -> Callable[[Any], bytes]:
    def read(value: Any) -> bytes:
        try:
            return binascii.unhexlify(_text(value))
        except (TypeError, ValueError) as exc:
            raise _UnreadableError(f"{json_name} must be hex digits; in OTLP/JSON ids are hex, not base64") from exc

    return read


def _enum_reader(json_name: str, enum: EnumDescriptor) -> Callable[[Any], int]:
    """Integers, as the specification wants, and names, whole (STATUS_CODE_ERROR) or short (ERROR)."""
    prefix = _common_prefix(list(enum.values_by_name))
    numbers = {spelling: value.number for name, value in enum.values_by_name.items()
               for spelling in (name, name.removeprefix(prefix))}  # fmt: skip

    def read(value: Any) -> int:
        if not isinstance(value, str):
            return _integer(value)
        if value.upper() not in numbers:
            raise _UnreadableError(f"{json_name} has a name that {enum.name} does not know")
        return numbers[value.upper()]

    return read


def _common_prefix(names: list[str]) -> str:
    """`STATUS_CODE_` of STATUS_CODE_UNSET, STATUS_CODE_OK, STATUS_CODE_ERROR."""
    words: Iterator[tuple[str, ...]] = zip(*(name.split("_") for name in names), strict=False)
    shared: list[str] = []
    for column in words:
        if len(set(column)) > 1:
            break
        shared.append(column[0])
    return "_".join([*shared, ""]) if shared else ""


def _spellings(field: str) -> tuple[str, str]:
    first, *others = field.split("_")
    return field, first + "".join(word.capitalize() for word in others)
