"""The file, the environment over it, and where each setting came from."""

from pathlib import Path

import pytest

from leadline.errors import UsageError
from leadline.settings.agent import AgentSettings
from leadline.settings.declare import leaves
from leadline.settings.environment import variable
from leadline.settings.load import SettingsError, load
from leadline.settings.processes import PROCESSES
from leadline.settings.sink import SinkSettings
from leadline.settings.stream import RuleOverride, StreamSettings

ONE = {"LEADLINE_INSTANCES_0_NAME": "db-1", "LEADLINE_INSTANCES_0_CLUSTER": "orders"}


def write(tmp_path: Path, text: str) -> Path:
    path = tmp_path / "settings.yaml"
    path.write_text(text)
    return path


def problems(environ: dict[str, str], path: Path | None = None, group: type = StreamSettings) -> list[str]:
    with pytest.raises(SettingsError) as caught:
        load(group, path, environ)
    return str(caught.value).splitlines()


def test_nothing_given_is_all_defaults() -> None:
    """No file and no variables give the declared defaults, and no origins."""
    loaded = load(StreamSettings, None, {})
    assert loaded.settings == StreamSettings()
    assert loaded.origins == {}


def test_the_environment_wins_over_the_file(tmp_path: Path) -> None:
    """A variable replaces what the file says; what it does not name stays; both are remembered as origins."""
    path = write(tmp_path, "kafka:\n  bootstrap: a:1\n  topic_prefix: eu.\ntick_s: 2\n")
    loaded = load(StreamSettings, path, {"LEADLINE_KAFKA_BOOTSTRAP": "b:2", "LEADLINE_TICK_S": ""})
    assert (loaded.settings.kafka.bootstrap, loaded.settings.kafka.topic_prefix) == ("b:2", "eu.")
    assert loaded.settings.tick_s == 2
    assert loaded.origins == {
        ("kafka", "bootstrap"): "LEADLINE_KAFKA_BOOTSTRAP",
        ("kafka", "topic_prefix"): f"{path}:3",
        ("tick_s",): f"{path}:4",
    }


def test_an_agent_needs_no_file() -> None:
    """Lists, labels and numbers can all come from the environment."""
    environ = ONE | {
        "LEADLINE_INSTANCES_0_DSN": "host=db-1",
        "LEADLINE_INSTANCES_0_LABELS": "{team: payments}",
        "LEADLINE_INSTANCES_1_NAME": "2",
        "LEADLINE_INSTANCES_1_CLUSTER": "no",
        "LEADLINE_INSTANCES_1_DSN": "host=db-2",
        "LEADLINE_INTERVAL_S": "0.5",
        "LEADLINE_QUERY_TEXT": "OFF",
    }
    settings = load(AgentSettings, None, environ).settings
    assert [(i.name, i.cluster, i.labels) for i in settings.instances] == [
        ("db-1", "orders", {"team": "payments"}),
        ("2", "no", {}),
    ]
    assert (settings.interval_s, settings.query_text) == (0.5, "off")


def test_rules_by_variable() -> None:
    """The name of a rule is found in a variable although it has underscores itself."""
    environ = {
        "LEADLINE_RULES_REPLICATION_LAG_BYTES_FOR_S": "3",
        "LEADLINE_RULES_REPLICATION_LAG_WARNING": "1",
        "LEADLINE_OVERRIDES_0_MATCH_CLUSTER": "archive-*",
        "LEADLINE_OVERRIDES_0_RULES_LAG_FORECAST_ENABLED": "false",
    }
    settings = load(StreamSettings, None, environ).settings
    assert settings.rules == {
        "replication_lag_bytes": RuleOverride(for_s=3),
        "replication_lag": RuleOverride(warning=1),
    }
    assert settings.overrides[0].match.cluster == "archive-*"
    assert settings.overrides[0].rules == {"lag_forecast": RuleOverride(enabled=False)}


@pytest.mark.parametrize(
    ("environ", "expected"),
    [
        (
            {"LEADLINE_KAFKA_BOOTSTRP": "a:1"},
            "LEADLINE_KAFKA_BOOTSTRP: there is no such setting; did you mean LEADLINE_KAFKA_BOOTSTRAP?",
        ),
        (
            {"LEADLINE_METRICS_PORT": "many"},
            "LEADLINE_METRICS_PORT: metrics.port: got 'many'; allowed: a whole number from 0 to 65535",
        ),
        (
            {"LEADLINE_METRICS_PORT": "{"},
            "LEADLINE_METRICS_PORT: metrics.port: got '{'; allowed: a whole number from 0 to 65535",
        ),
        (
            {"LEADLINE_OVERRIDES_1_MATCH_CLUSTER": "a"},
            "overrides[0].rules: missing; give rules",
        ),
    ],
)
def test_wrong_variables(environ: dict[str, str], expected: str) -> None:
    """A wrong variable is named, with its setting and what is allowed."""
    assert expected in problems(environ)


def test_variables_of_others_are_left_alone() -> None:
    """A variable that is not under a group of this process may belong to another process on the host."""
    environ = {"LEADLINE_TEST_KAFKA": "a:1", "LEADLINE_INTERVAL_S": "1", "LEADLINE_SLACK_TOKEN": "x", "PATH": "/"}
    assert load(StreamSettings, None, environ).settings == StreamSettings()


def test_groups_may_be_empty_and_words_in_any_case(tmp_path: Path) -> None:
    """A group without settings is one at its defaults; words are known in upper and lower case."""
    path = write(tmp_path, "kafka:\n  security.protocol: ssl\nrules:\noverrides:\njudgement:\nlog: {level: WARNING}\n")
    settings = load(StreamSettings, path, {}).settings
    assert settings.kafka.security_protocol == "SSL"
    assert settings.log.level == "warning"
    assert (settings.rules, settings.overrides) == ({}, [])


def test_an_unreadable_file_says_so(tmp_path: Path) -> None:
    """A file that is missing, a folder, or not text gives one line that says which and why."""
    binary = tmp_path / "binary"
    binary.write_bytes(b"\xff\xfe\x00")
    nested = write(tmp_path, "[" * 1000)
    bell = tmp_path / "bell"
    bell.write_text("log: \a")
    wrong = {
        tmp_path / "no": "No such file",
        tmp_path: "Is a directory",
        binary: "not UTF-8",
        nested: "not YAML: maximum recursion",
        bell: "special characters are not allowed",
    }
    for path, why in wrong.items():
        with pytest.raises(UsageError, match=why) as caught:
            load(StreamSettings, path, {})
        assert str(caught.value).startswith(str(path))
        assert "\n" not in str(caught.value)


def test_secret_from_a_file_by_variable(tmp_path: Path) -> None:
    """A _FILE variable replaces the plain secret of the file below it, and is read without its newline."""
    secret = tmp_path / "dsn"
    secret.write_text("host=db-9\n")
    path = write(tmp_path, "instances:\n  - {name: a, cluster: b, dsn: host=db-1}\n")
    loaded = load(AgentSettings, path, {"LEADLINE_INSTANCES_0_DSN_FILE": str(secret)})
    assert loaded.settings.instances[0].dsn.reveal() == "host=db-9"
    assert loaded.origins["instances", 0, "dsn"] == "LEADLINE_INSTANCES_0_DSN_FILE"


def test_both_twins_as_variables() -> None:
    """A secret and its file are not both set."""
    environ = {"LEADLINE_KAFKA_SASL_PASSWORD": "hunter2", "LEADLINE_KAFKA_SASL_PASSWORD_FILE": "/nowhere"}
    lines = problems(environ)
    assert "LEADLINE_KAFKA_SASL_PASSWORD_FILE: LEADLINE_KAFKA_SASL_PASSWORD is also set; set only one of them" in lines
    assert "hunter2" not in "".join(lines)


def test_a_secret_file_that_is_empty(tmp_path: Path) -> None:
    """An empty secret file is a mistake, not an empty password."""
    (tmp_path / "dsn").write_text("\n")
    (line,) = problems(ONE | {"LEADLINE_INSTANCES_0_DSN_FILE": str(tmp_path / "dsn")}, group=AgentSettings)
    assert line.endswith("the file is empty")


def test_a_secret_file_with_an_impossible_name(tmp_path: Path) -> None:
    """A null character in a path is refused like any other file that cannot be read."""
    path = write(tmp_path, 'kafka: {sasl.password_file: "a\\0b"}')
    assert "cannot read the secret in" in problems({}, path)[0]


@pytest.mark.parametrize("group", PROCESSES.values(), ids=PROCESSES)
def test_every_setting_has_its_own_variable_and_help(group: type) -> None:
    """No two settings share a variable, and each says what it is and what is allowed."""
    found = list(leaves(group))
    names = [variable((*path[:-1], key)) for path, setting in found for key in setting.keys]
    assert len(set(names)) == len(names)
    assert [path for path, setting in found if not setting.help.endswith((".", "`"))] == []


def test_an_optional_group_that_is_not_given_is_not_there(tmp_path: Path) -> None:
    """A route without hours is not one whose hours are the defaults: that held back notices at night."""
    file = tmp_path / "sink.yaml"
    file.write_text("console: {enabled: true}\nroutes:\n  - to: [console]\n  - to: [console]\n    hours: {zone: UTC}\n")
    without, with_hours = load(SinkSettings, file, {}).settings.routes
    assert without.hours is None
    assert with_hours.hours is not None
