"""docs/causes.md lists every cause as the code has it, and no other."""

import re
from pathlib import Path

from model.causes import causes

PAGE = Path(__file__).resolve().parents[2] / "docs" / "causes.md"


def test_every_cause_is_listed_as_it_is():
    rows = re.findall(r"^\| `([\w.]+)` \| (\w+) \| (.+?) \| (.+?) \|$", PAGE.read_text(), re.MULTILINE)
    assert rows == [(code, one.cls, one.title, one.owner) for code, one in sorted(causes().items())]
