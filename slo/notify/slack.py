"""Slack, by an incoming webhook. It cannot edit what it said, so an end is a message of its own.

https://docs.slack.dev/reference/block-kit/blocks: a header of at most 150 characters, a section of 3,000, 50 blocks.
https://docs.slack.dev/messaging/formatting-message-text: `&`, `<` and `>` are written as entities.
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, ClassVar

from model.alert import Happening
from slo.message import Link, Message, Part, parts, pushed, title
from slo.notify.notifier import FOR_PEOPLE
from slo.notify.post import Target, post, refused

LONGEST_HEADER = 150
LONGEST_SECTION = 3_000
MOST_BLOCKS = 50


@dataclass(frozen=True, slots=True)
class Slack:
    """A channel. The webhook's address is its secret."""

    name: str
    target: Target

    kind: ClassVar[str] = "slack"
    tells: ClassVar[frozenset[Happening]] = FOR_PEOPLE
    grouped: ClassVar[bool] = True

    def send(self, message: Message, now: datetime) -> None:
        body = json.dumps(post_of(message), ensure_ascii=False).encode()
        answer = post(self.target, body, {"Content-Type": "application/json"}, now)
        if not answer.ok:
            raise refused(answer, permanent=400 <= answer.status < 500)


def post_of(message: Message) -> dict[str, Any]:
    """The message in Block Kit; `text` is what a notification shows."""
    sections = [_section(part) for part in parts(message)]
    return {
        "text": escaped(pushed(title(message), message.lead), LONGEST_SECTION),
        "unfurl_links": False,
        "unfurl_media": False,
        "blocks": [_header(title(message)), *sections][:MOST_BLOCKS],
    }


def _header(text: str) -> dict[str, Any]:
    return {"type": "header", "text": {"type": "plain_text", "text": escaped(text, LONGEST_HEADER), "emoji": False}}


def _section(part: Part) -> dict[str, Any]:
    label = f"*{part.label}*\n"
    return {"type": "section", "text": {"type": "mrkdwn", "text": label + _fitting(part, LONGEST_SECTION - len(label))}}


def _fitting(part: Part, longest: int) -> str:
    """The part's lines as mrkdwn, whole lines only: half a link would be noise."""
    shown: list[str] = []
    for line in part.lines:
        text = "".join(map(_mrkdwn, line))
        if sum(map(len, shown)) + len(shown) + len(text) + 2 > longest:
            return "\n".join([*shown, "…"])
        shown.append(text)
    return "\n".join(shown)


def _mrkdwn(piece: str | Link) -> str:
    if isinstance(piece, str):
        return escaped(piece)
    url = piece.url.replace("|", "%7C").replace(">", "%3E").replace("<", "%3C").replace("&", "&amp;")
    return f"<{url}|{escaped(piece.text)}>" if piece.text != piece.url else f"<{url}>"


_ENTITIES: Sequence[tuple[str, str]] = (("&", "&amp;"), ("<", "&lt;"), (">", "&gt;"))


def escaped(text: str, longest: int = LONGEST_SECTION) -> str:
    """Text with its control characters as entities, cut between characters so that it has at most `longest`."""
    found = text
    for character, entity in _ENTITIES:
        found = found.replace(character, entity)
    if len(found) <= longest:
        return found
    kept = longest - 1
    start = found.rfind("&", 0, kept)
    if start != -1 and ";" not in found[start:kept]:
        kept = start
    return f"{found[:kept]}…"
