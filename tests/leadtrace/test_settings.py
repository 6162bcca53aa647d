import re
from pathlib import Path

import pytest

from leadtrace.settings import Address, Settings, SettingsError, read_settings
from model.personal import Kind
from store.agenda import Shard


def read(folder: Path | None = None, **values: str) -> Settings:
    return read_settings({f"LEADTRACE_{key.upper()}": value for key, value in values.items()}, folder)


def refusal(folder: Path | None = None, **values: str) -> str:
    with pytest.raises(SettingsError) as refused:
        read(folder, **values)
    return str(refused.value)


def test_nothing_set_means_loopback_tokens_and_an_engine_inside():
    settings = read()
    assert str(settings.web) == "127.0.0.1:8080"
    assert str(settings.otlp_http) == "127.0.0.1:4318"
    assert str(settings.otlp_grpc) == "127.0.0.1:4317"
    assert settings.auth == "token"
    assert settings.store_url == f"chdb://{settings.data.resolve()}/clickhouse"


def test_the_data_folder_holds_keys_tokens_and_engine_unless_told_otherwise(tmp_path):
    settings = read(data=str(tmp_path), tokens_file=str(tmp_path / "elsewhere.json"))
    assert settings.pii_key_path == tmp_path / "personal.key"
    assert settings.session_key_path == tmp_path / "session.key"
    assert settings.tokens_path == tmp_path / "elsewhere.json"
    assert settings.store_url == f"chdb://{tmp_path}/clickhouse"


WRONG = [
    pytest.param("web", "8080", "host:port", id="no host"),
    pytest.param("web", "127.0.0.1:99999", "host:port", id="no such port"),
    pytest.param("web", "127.0.0.1", "host:port", id="no port"),
    pytest.param("web", "127.0.0.1:http", "host:port", id="a port in words"),
    pytest.param("web", "a..b:80", "host:port", id="no such host name"),
    pytest.param("otlp_http", "http://127.0.0.1:4318", "host:port", id="a URL where an address belongs"),
    pytest.param("otlp_grpc", ":4317", "host:port", id="an empty host"),
    pytest.param("auth", "none", "'token' or 'off'", id="no such auth"),
    pytest.param("log", "xml", "'console' or 'json'", id="no such log"),
    pytest.param("shard", "2/2", "index/count", id="shard past the end"),
    pytest.param("shard", "0", "index/count", id="half a shard"),
    pytest.param("shard", "1/0", "index/count", id="no shards at all"),
    pytest.param("clickhouse", "postgres://localhost/db", "clickhouse://", id="another database"),
    pytest.param("clickhouse", "chdb://", "chdb:///", id="an engine without a folder"),
    pytest.param("clickhouse", "clickhouse://h:port/db", "clickhouse://", id="a database's port in words"),
    pytest.param("flows", "/nowhere/flows", "does not exist", id="no such flows"),
    pytest.param("public_url", "leads.acme.example", "https://", id="an address without its scheme"),
    pytest.param("pii_attributes", "contact.mail", "attribute=kind", id="an attribute without a kind"),
    pytest.param("pii_attributes", "contact.mail=mail", "email, phone, name", id="no such kind"),
    pytest.param("spool_max_bytes", "2GB", "integer", id="a size with a unit"),
    pytest.param("spool_max_bytes", "1", "greater than or equal to 16777216", id="too small a spool"),
    pytest.param("max_body_bytes", "-1", "greater than or equal to 1024", id="a negative body"),
]


@pytest.mark.parametrize(("key", "value", "mend"), WRONG)
def test_a_wrong_value_is_one_sentence_with_the_key_the_value_and_the_mend(key, value, mend):
    said = refusal(**{key: value})
    assert said.startswith(f"LEADTRACE_{key.upper()} ")
    assert value in said
    assert mend in said
    assert "\n" not in said


def test_every_wrong_value_is_told_at_once():
    lines = refusal(web="8080", shard="x", pubic_url="https://a.example").splitlines()
    assert sorted(line.split(" ")[0] for line in lines) == [
        "LEADTRACE_PUBIC_URL",
        "LEADTRACE_SHARD",
        "LEADTRACE_WEB",
    ]


def test_a_refused_address_of_a_database_does_not_show_its_password():
    assert "s3cret" not in refusal(clickhouse="http://default:s3cret@db.example:8123/leadtrace")
    assert "s3cret" not in refusal(clickhouse="clickhouse://default:s3cret@db.example:port/leadtrace")


def test_an_unknown_name_suggests_the_one_that_was_meant():
    assert "Did you mean LEADTRACE_FLOWS?" in refusal(flow="x.yaml")
    assert "Did you mean LEADTRACE_OTLP_HTTP?" in refusal(oltp_http="127.0.0.1:1")


def test_an_unknown_name_like_no_other_points_at_the_list():
    assert "docs/settings.md" in refusal(xyzzy="1")


def test_an_empty_variable_is_as_good_as_none():
    assert read(web="", clickhouse="").web == Settings().web


def test_variables_of_others_are_none_of_its_business():
    assert read_settings({"OTEL_EXPORTER_OTLP_ENDPOINT": "x", "PATH": "/bin", "LEADTRACE": "y"}) == Settings()


# ── leadtrace.toml ──────────────────────────────────────────────────────────────────────────────────────────────────


def test_the_file_in_the_folder_is_read_and_the_environment_wins(tmp_path):
    (tmp_path / "leadtrace.toml").write_text('web = "127.0.0.1:9001"\notlp_http = "127.0.0.1:9002"\n')
    settings = read(tmp_path, web="127.0.0.1:9003")
    assert (settings.web.port, settings.otlp_http.port) == (9003, 9002)


def test_the_file_of_the_working_folder_is_found(tmp_path):
    Path("leadtrace.toml").write_text('log = "json"\n')
    assert read().log == "json"


def test_another_file_can_be_named(tmp_path):
    (tmp_path / "mine.toml").write_text('shard = "1/4"\n')
    assert read(config=str(tmp_path / "mine.toml")).shard == Shard(1, 4)


def test_a_named_file_that_is_missing_stops_the_start(tmp_path):
    assert str(tmp_path / "gone.toml") in refusal(config=str(tmp_path / "gone.toml"))


def test_lists_and_tables_of_the_file_mean_what_they_look_like(tmp_path):
    (tmp_path / "a.yaml").touch()
    (tmp_path / "leadtrace.toml").write_text(
        f'flows = ["{tmp_path / "a.yaml"}"]\nspool_max_bytes = 16777216\n[pii_attributes]\n"contact.mail" = "email"\n'
    )
    settings = read(tmp_path)
    assert settings.flows == (tmp_path / "a.yaml",)
    assert settings.spool_max_bytes == 16 * 1024**2
    assert settings.personal_keys["contact.mail"] is Kind.EMAIL


@pytest.mark.parametrize(
    ("text", "said"),
    [
        pytest.param('wbe = "127.0.0.1:1"', "`wbe` is no setting. Did you mean web?", id="a name that is none"),
        pytest.param("web = ", "cannot be read", id="no TOML"),
        pytest.param("web = 8080", "host:port", id="a number where an address belongs"),
        pytest.param("shard = 3", "index/count", id="a number where a shard belongs"),
    ],
)
def test_a_mistake_in_the_file_is_a_sentence(tmp_path, text, said):
    (tmp_path / "leadtrace.toml").write_text(text)
    assert said in refusal(tmp_path)


def test_a_file_that_is_no_text_is_a_sentence(tmp_path):
    (tmp_path / "leadtrace.toml").write_bytes(b"\xff\xfe")
    assert "cannot be read" in refusal(tmp_path)


# ── addresses ───────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("text", "host", "port", "loopback"),
    [
        ("127.0.0.1:8080", "127.0.0.1", 8080, True),
        ("127.8.8.8:1", "127.8.8.8", 1, True),
        ("localhost:0", "localhost", 0, True),
        ("[::1]:8080", "::1", 8080, True),
        ("0.0.0.0:8080", "0.0.0.0", 8080, False),
        ("[::]:8080", "::", 8080, False),
        ("10.1.2.3:65535", "10.1.2.3", 65535, False),
        ("collector.internal:4318", "collector.internal", 4318, False),
    ],
)
def test_an_address_is_read_and_written_the_same_way(text, host, port, loopback):
    address = read(web=text).web
    assert address == Address(host, port)
    assert address.loopback is loopback
    assert str(address) == text


@pytest.mark.parametrize("key", ["web", "otlp_http", "otlp_grpc"])
@pytest.mark.parametrize("address", ["0.0.0.0:9000", "[::]:9000", "10.0.0.7:9000", "leads.acme.example:9000"])
def test_going_without_tokens_is_refused_where_others_can_reach_it(key, address):
    said = refusal(auth="off", **{key: address})
    assert "LEADTRACE_AUTH=off" in said
    assert address in said
    assert f"LEADTRACE_{key.upper()}" in said


def test_going_without_tokens_is_allowed_on_loopback():
    assert read(auth="off", web="[::1]:1", otlp_http="localhost:1").auth == "off"


# ── values with a shape ─────────────────────────────────────────────────────────────────────────────────────────────


def test_flows_are_separated_like_a_path(tmp_path):
    (tmp_path / "a").mkdir()
    (tmp_path / "b.yaml").touch()
    assert read(flows=f"{tmp_path}/a:{tmp_path}/b.yaml").flows == (tmp_path / "a", tmp_path / "b.yaml")


def test_more_personal_attributes_join_those_known():
    keys = read(pii_attributes="contact.mail=email, boss.phone = phone,").personal_keys
    assert keys["contact.mail"] is Kind.EMAIL
    assert keys["boss.phone"] is Kind.PHONE
    assert keys["lead.email"] is Kind.EMAIL


def test_a_shard_is_an_index_of_a_count():
    assert read(shard="2/8").shard == Shard(2, 8)


def test_a_public_url_ends_without_a_slash():
    assert read(public_url="https://leads.acme.example/").public_url == "https://leads.acme.example"


def test_every_setting_says_what_it_is_for():
    assert all(re.search(r"\w+.*\.$", one.description or "") for one in Settings.model_fields.values())
