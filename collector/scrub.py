"""Personal data leaves every request here, before anything is written.

Most requests hold none, and raw bytes are searched at C speed to see that. Only where something is suspected is the
message walked, and of it only the spans and records that look suspicious themselves.
"""

import re
from collections.abc import Mapping
from typing import Any, Final
from urllib.parse import unquote

from google.protobuf.descriptor import FieldDescriptor
from google.protobuf.message import Message
from opentelemetry.proto.common.v1.common_pb2 import AnyValue, KeyValue

from model.personal import Kind, PersonalKey, is_token, mask, may_hold_address

_SUBTREES: Final = {
    f"opentelemetry.proto.{name}"
    for name in (
        "trace.v1.ResourceSpans", "trace.v1.ScopeSpans", "trace.v1.Span",
        "logs.v1.ResourceLogs", "logs.v1.ScopeLogs", "logs.v1.LogRecord",
    )
}  # fmt: skip
_REPLACEMENTS: Final = (b".token", b".mask")
_KEY_VALUE: Final = KeyValue.DESCRIPTOR.full_name


class Scrubber:
    """Puts `<key>.token` and `<key>.mask` in place of a personal key, and tokens in place of addresses in any text."""

    def __init__(self, key: PersonalKey, kinds: Mapping[str, Kind]) -> None:
        self._key = key
        self._kinds = dict(kinds)
        self._needles = [key.encode() for key in self._kinds]
        # A captured baggage header or a query string: lead.phone=%2B49…,lead.name=Ada%20Lovelace
        unlike_addresses = [re.escape(key) for key, kind in self._kinds.items() if kind is not Kind.EMAIL]
        self._pairs = re.compile(rf"\b({'|'.join(unlike_addresses) or '(?!)'})=([^,;&\s\"']+)")

    def suspects(self, payload: bytes) -> bool:
        """Whether serialised telemetry may hold personal data. Never False when it does."""
        return may_hold_address(payload) or any(_stands_in(key, payload) for key in self._needles)

    def scrub(self, message: Message) -> None:
        """Replace all personal data in the message. Unknown fields cannot be searched, so they go."""
        message.DiscardUnknownFields()
        self._walk(message)

    def _walk(self, message: Message) -> None:
        for field, value in message.ListFields():
            if field.type == FieldDescriptor.TYPE_STRING:
                self._scrub_strings(message, field, value)
            elif field.type == FieldDescriptor.TYPE_MESSAGE:
                self._walk_children(value if field.is_repeated else [value])
            elif field.name == "bytes_value":
                setattr(message, field.name, self._scrub_bytes(value))

    def _walk_children(self, children: Any) -> None:
        kind = children[0].DESCRIPTOR.full_name
        if kind == _KEY_VALUE:
            self._walk_attributes(children)
            return
        for child in children:
            if kind not in _SUBTREES or self.suspects(child.SerializeToString()):
                self._walk(child)

    def _walk_attributes(self, attributes: Any) -> None:
        self._replace_personal(attributes)
        for attribute in attributes:
            text = attribute.value.string_value
            if not text or "@" in attribute.key or "%" in attribute.key:
                self._walk(attribute)
                continue
            clean = self._clean(text)  # what most attributes are, in one step instead of three
            if clean is not text:
                attribute.value.string_value = clean

    def _clean(self, text: str) -> str:
        """The very same text if there is nothing personal in it."""
        if "=" in text and self._pairs.search(text):
            text = self._pairs.sub(self._tokenised_pair, text)
        return self._key.scrub_text(text)

    def _tokenised_pair(self, pair: re.Match[str]) -> str:
        key, value = pair.groups()
        return f"{key}={self._key.token(self._kinds[key], unquote(value))}"

    def _scrub_strings(self, message: Message, field: FieldDescriptor, value: Any) -> None:
        if field.is_repeated:
            value[:] = [self._clean(text) for text in value]
        else:
            clean = self._clean(value)
            if clean is not value:
                setattr(message, field.name, clean)

    def _scrub_bytes(self, value: bytes) -> bytes:
        return self._clean(value.decode("utf-8", "surrogateescape")).encode("utf-8", "surrogateescape")

    def _replace_personal(self, attributes: Any) -> None:
        for attribute in list(attributes):
            kind = self._kinds.get(attribute.key)
            if kind is not None and not _is_blank(attribute.value):
                attributes.extend(self._replacements(kind, attribute))

    def _replacements(self, kind: Kind, attribute: Any) -> list[KeyValue]:
        """Make an attribute its token in place; what must be added besides is its mask."""
        key = attribute.key
        attribute.key = f"{key}.token"
        texts = _texts_of(attribute.value)
        masks = [mask(kind, text) for text in texts if not is_token(text)]
        _set_texts(attribute.value, [self._key.token(kind, text) for text in texts if text])
        if not masks:
            return []
        masked = KeyValue(key=f"{key}.mask")
        _set_texts(masked.value, masks)
        return [masked]


def _is_blank(value: Any) -> bool:
    return value.WhichOneof("value") in {None, "string_value"} and not value.string_value.strip()


def _texts_of(value: Any) -> list[str]:
    """A personal value as texts: itself, or each element of an array. What is no text is told by its type alone."""
    match value.WhichOneof("value"):
        case "string_value":
            return [value.string_value]
        case "int_value":
            return [str(value.int_value)]
        case "array_value":
            return [text for element in value.array_value.values for text in _texts_of(element)]
    return []


def _set_texts(value: AnyValue, texts: list[str]) -> None:
    if len(texts) == 1:
        value.string_value = texts[0]
        return
    value.array_value.Clear()
    value.array_value.SetInParent()
    for text in texts:
        value.array_value.values.add().string_value = text


def _stands_in(key: bytes, payload: bytes) -> bool:
    """Whether a key stands in the bytes other than as the start of its own replacements."""
    at = payload.find(key)
    while at >= 0:
        end = at + len(key)
        if not payload.startswith(_REPLACEMENTS, end):
            return True
        at = payload.find(key, end)
    return False
