"""Attribute values as text. ClickHouse keeps arrays, key-value lists and bytes as base64 behind a prefix."""

import base64
import binascii
import json
from collections.abc import Mapping
from typing import Any

from google.protobuf.message import DecodeError
from opentelemetry.proto.common.v1.common_pb2 import AnyValue, ArrayValue, KeyValueList

PREFIX = "otlp-"
_ARRAY, _KVLIST = "otlp-array:", "otlp-kvlist:"
MAX_DEPTH = 32


def readable(text: str) -> str:
    """The value as a person reads it: an array or key-value list as JSON, anything else as it is."""
    if not text.startswith(PREFIX):
        return text
    try:
        if text.startswith(_ARRAY):
            array = ArrayValue.FromString(base64.b64decode(text[len(_ARRAY) :]))
            return json.dumps([_plain(value, 0) for value in array.values], ensure_ascii=False)
        if text.startswith(_KVLIST):
            pairs = KeyValueList.FromString(base64.b64decode(text[len(_KVLIST) :]))
            return json.dumps({pair.key: _plain(pair.value, 0) for pair in pairs.values}, ensure_ascii=False)
    except (DecodeError, binascii.Error, RecursionError):
        return text
    return text.removeprefix("otlp-bytes:")


def readable_all(attributes: Mapping[str, str]) -> dict[str, str]:
    return {key: readable(text) for key, text in attributes.items()}


def _plain(value: AnyValue, depth: int) -> Any:
    if depth > MAX_DEPTH:
        return "…"
    match value.WhichOneof("value"):
        case "array_value":
            return [_plain(one, depth + 1) for one in value.array_value.values]
        case "kvlist_value":
            return {pair.key: _plain(pair.value, depth + 1) for pair in value.kvlist_value.values}
        case "bytes_value":
            return base64.b64encode(value.bytes_value).decode()
        case None:
            return None
        case kind:
            return getattr(value, kind)
