"""`leadline doctor` for a sink: targets that answer, refuse us or are not there, and the incident log."""

import json
import socket
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from leadline_lab.sandbox.fleet import AGENT
from leadline_lab.sandbox.port import HOST, Port
from tests.fixtures.brokers import Broker, create_topics
from tests.fixtures.commands import Run
from tests.fixtures.fleets import Pair
from tests.fixtures.mail import mail_server
from tests.integration.sinks.kit import hook

Found = tuple[int, dict[tuple[str, str], tuple[str, str]], str]
KEY = "not much of a secret"


@pytest.fixture
def doctor(run: Run, tmp_path: Path, broker: Broker, prefix: str) -> Callable[..., Found]:
    """Examine settings: the exit code, result and words by what and check, and all that was printed."""
    create_topics(broker, prefix, 3)

    def examine(settings: dict[str, Any], *words: str) -> Found:
        path = tmp_path / "sink.yaml"
        kafka = {"bootstrap": broker.bootstrap, "topic_prefix": prefix}
        path.write_text(json.dumps({**settings, "kafka": kafka}))
        result = run("doctor", "-c", path, "--process", "sink", "--format", "json", *words)
        lines = [json.loads(line) for line in result.out.splitlines()]
        found = {(line["subject"], line["check"]): (line["result"], line["said"]) for line in lines}
        return result.code, found, result.out + result.err

    return examine


def test_targets_that_answer(doctor: Callable[..., Found], pair: Pair) -> None:
    """Nothing is sent to them, unless it is asked for."""
    with hook() as to:
        given = {
            "webhook": {"url": to.url, "signing_key": KEY},
            "console": {"enabled": True},
            "incident_log": {"dsn": pair.primary.dsn()},
        }
        code, found, _ = doctor(given)
        assert (code, to.got) == (0, [])
        assert found["webhook", "answers"] == ("ok", f"at {to.url.removeprefix('http://').removesuffix('/hook')}")
        assert found["incident_log", "rights"][0] == "ok"
        code, found, _ = doctor(given, "--notify")
        assert code == 0
        assert found["webhook", "test"][0] == "ok"
        assert [event["type"] for event in to.got] == ["io.leadline.test.v1"]


def test_a_target_that_refuses_us(doctor: Callable[..., Found], pair: Pair) -> None:
    """It answers, but the test fails; so does an incident log that cannot be written. No secret is shown."""
    with hook() as to:
        to.status = 403
        given = {
            "targets": {"dba": {"webhook": {"url": to.url, "signing_key": KEY}}},
            "incident_log": {"dsn": pair.primary.dsn(user=AGENT)},
        }
        code, found, lines = doctor(given, "--notify")
    assert code == 1
    assert found["dba", "answers"][0] == "ok"
    assert found["dba", "test"][0] == "fail"
    assert found["dba", "test"][1].startswith("the target rejects the token, key or login: 403")
    assert found["incident_log", "rights"][0] == "fail"
    assert KEY not in lines
    assert "/hook" not in lines


def test_targets_that_are_not_there(doctor: Callable[..., Found]) -> None:
    """Each has its line; the exit code is 3."""
    with Port() as port:
        away = f"127.0.0.1:{port.number}"
        given = {
            "webhook": {"url": f"https://{away}/secret-path", "signing_key": KEY},
            "slack": {"webhook_url": "https://nobody.invalid/services/secret-path"},
            "pagerduty": {"routing_key": "k" * 32, "url": f"http://{away}"},
            "incident_log": {"dsn": f"host=127.0.0.1 port={port.number} password=hunter2"},
        }
        code, found, lines = doctor(given, "--notify")
    assert code == 3
    assert {what for (what, check), (result, _) in found.items() if result == "unreachable" and check == "answers"} == {
        "webhook",
        "slack",
        "pagerduty",
        "incident_log",
    }
    assert found["webhook", "answers"][1] == f"{away}: connection refused; check the address and the network"
    assert found["slack", "answers"][1].startswith("nobody.invalid:443: unknown host")
    assert {found[name, "test"][0] for name in ("webhook", "slack", "pagerduty")} == {"unreachable"}
    assert "secret-path" not in lines
    assert "hunter2" not in lines


def test_no_target(doctor: Callable[..., Found]) -> None:
    """Settings without a target are not fine."""
    code, found, _ = doctor({})
    assert code == 1
    assert found["targets", "configured"][0] == "fail"


def test_others_notify_nobody(run: Run, tmp_path: Path) -> None:
    """An agent has nobody to notify."""
    path = tmp_path / "agent.yaml"
    path.write_text("instances: [{name: a, cluster: b, dsn: 'host=x'}]")
    result = run("doctor", "-c", path, "--notify")
    assert (result.code, result.out) == (2, "")
    assert "--notify needs settings of `leadline sink`" in result.err


def test_a_target_behind_a_proxy(doctor: Callable[..., Found]) -> None:
    """A proxy must answer in place of the targets that it leads to, and of no others."""
    with socket.create_server((HOST, 0)) as listening, Port() as nobody:
        port = listening.getsockname()[1]
        proxy: dict[str, Any] = {"url": f"http://user:{KEY.replace(' ', '')}@{HOST}:{port}"}
        settings = {"webhook": {"url": f"http://{HOST}:{nobody.number}/hook", "signing_key": KEY}, "proxy": proxy}
        code, found, printed = doctor(settings)
        assert (code, found["webhook", "answers"]) == (0, ("ok", f"at the proxy {HOST}:{port}"))
        assert KEY.replace(" ", "") not in printed
        proxy["direct"] = ["127.*"]
        _, found, _ = doctor(settings)
        result, why = found["webhook", "answers"]
        assert (result, why.partition(";")[0]) == ("unreachable", f"{HOST}:{nobody.number}: connection refused")


def test_a_mail_server(doctor: Callable[..., Found]) -> None:
    """The check connects as the sink does, and sends a message on request only."""
    with mail_server() as box:
        given = {
            "email": {
                "host": HOST,
                "port": box.port,
                "encryption": "none",
                "sender": "leadline@example.org",
                "to": ["dba@example.org"],
            }
        }
        code, found, _ = doctor(given)
        assert (code, box.got) == (0, [])
        assert found["email", "answers"] == ("ok", f"at {HOST}:{box.port}")
        code, found, _ = doctor(given, "--notify")
        assert (code, found["email", "test"][0], len(box.got)) == (0, "ok", 1)
        given["email"]["encryption"] = "starttls"
        code, found, _ = doctor(given)
        assert code == 1
        assert "offers no such login or encryption" in found["email", "answers"][1]
    code, found, _ = doctor(given)
    assert (code, found["email", "answers"][0]) == (3, "unreachable")
