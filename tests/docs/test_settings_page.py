"""docs/settings.md lists every setting with its default, and no other."""

import re
from pathlib import Path

import pytest
from pydantic_core import PydanticUndefined

from leadtrace.settings import PREFIX, Address, Settings, read_settings
from store.agenda import Shard

PAGE = Path(__file__).resolve().parents[2] / "docs" / "settings.md"
ROWS = dict(re.findall(rf"^\| `{PREFIX}(\w+)` \| (.+?) \|", PAGE.read_text(), re.MULTILINE))


def told(name: str) -> str:
    """How a setting's default is written in the table."""
    default = Settings.model_fields[name].default
    if name == "data":
        return "`~/.local/share/leadtrace`"
    if default is PydanticUndefined:
        default = Settings.model_fields[name].get_default(call_default_factory=True)
    match default:
        case Address():
            return f"`{default}`"
        case Shard():
            return f"`{default.index}/{default.count}`"
        case None | "" | () | {}:
            return "none"
    return f"`{default}`"


def test_every_setting_is_listed_and_nothing_else():
    assert {name.lower() for name in ROWS} == set(Settings.model_fields)


@pytest.mark.parametrize("name", sorted(Settings.model_fields))
def test_its_default_is_told(name):
    assert ROWS[name.upper()] == told(name)


def test_the_default_data_folder_is_the_one_told(monkeypatch, tmp_path):
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.delenv("XDG_DATA_HOME", raising=False)
    assert Settings().data == tmp_path / ".local/share/leadtrace"


def test_the_example_file_is_read(tmp_path):
    example = re.search(r"```toml\n(.+?)```", PAGE.read_text(), re.DOTALL)[1]
    flows = tmp_path / "flows"
    flows.mkdir()
    (tmp_path / "leadtrace.toml").write_text(example.replace("/etc/leadtrace/flows", str(flows)))
    settings = read_settings({}, tmp_path)
    assert settings.flows == (flows,)
    assert settings.pii_attributes == {"contact.mail": "email", "boss.phone": "phone"}
