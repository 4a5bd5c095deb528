"""`leadline console` as a process, and where it cannot start."""

import os
import signal
import subprocess
import sys
import urllib.request
from pathlib import Path

import pytest

from leadline.errors import UnreachableError
from leadline_lab.sandbox.port import HOST, Port
from leadline_lab.sandbox.wait import eventually
from tests.fixtures.brokers import Broker, create_topics
from tests.fixtures.commands import Run

PATIENCE_S = 60.0


def healthy(url: str) -> bool:
    try:
        with urllib.request.urlopen(f"{url}/healthz") as answer:
            return bool(answer.status == 200)
    except OSError:
        return False


def test_it_serves_until_it_is_asked_to_end(broker: Broker, prefix: str, tmp_path: Path) -> None:
    """The address is printed; a page that is open does not hold up its end; exit code 0."""
    create_topics(broker, prefix, 1)
    with Port() as port:
        own = {"BOOTSTRAP": broker.bootstrap, "TOPIC_PREFIX": prefix}
        environ = os.environ | {f"LEADLINE_KAFKA_{name}": value for name, value in own.items()}
        command = [sys.executable, "-m", "leadline_cli", "console"]
        environ["LEADLINE_WEB_PORT"] = str(port.number)
        with subprocess.Popen(command, env=environ, stderr=subprocess.PIPE, text=True, cwd=tmp_path) as process:
            url = f"http://{HOST}:{port.number}"
            try:
                eventually("the console has read the topics", lambda: healthy(url), PATIENCE_S)
                stream = urllib.request.urlopen(f"{url}/index.live")
                assert stream.readline() == b"retry: 1000\n"
            except UnreachableError:
                process.kill()
                raise
            process.send_signal(signal.SIGTERM)
            _, printed = process.communicate(timeout=PATIENCE_S)
            stream.close()
    assert f"leadline: the console is at {url}\n" in printed
    assert "Traceback" not in printed
    assert process.returncode == 0


@pytest.mark.parametrize(
    ("variables", "problem"),
    [
        ({"WEB_ADDRESS": "0.0.0.0"}, "web.address: 0.0.0.0 can be reached from other hosts, and nobody signs in;"),
        ({"SIGN_IN_OIDC_ISSUER": "https://login.example.org"}, "sign_in.oidc.client_id: missing;"),
        ({"SIGN_IN_HEADER_USER": "X-User"}, "sign_in.header.trusted: missing;"),
        ({"SIGN_IN_HEADER_USER": "X-User", "SIGN_IN_HEADER_TRUSTED": '["10.0.0.300"]'}, "'10.0.0.300' is no address"),
        ({"SIGN_IN_TOKENS_0_NAME": "a", "SIGN_IN_TOKENS_0_TOKEN": "short"}, "shorter than 20 characters"),
        ({"WEB_URL": "https://leadline.example.org/path"}, "web.url: "),
    ],
)
def test_settings_that_cannot_be_meant(
    run: Run, monkeypatch: pytest.MonkeyPatch, variables: dict[str, str], problem: str
) -> None:
    """Found before anything is asked of Kafka: exit code 2, and the setting is named."""
    for name, value in variables.items():
        monkeypatch.setenv(f"LEADLINE_{name}", value)
    result = run("console")
    assert result.code == 2
    assert problem in result.err
    assert "short" not in result.err.replace("shorter", "")


def test_a_port_that_is_taken(run: Run, monkeypatch: pytest.MonkeyPatch, broker: Broker, prefix: str) -> None:
    """One line that names the setting."""
    create_topics(broker, prefix, 1)
    monkeypatch.setenv("LEADLINE_KAFKA_BOOTSTRAP", broker.bootstrap)
    monkeypatch.setenv("LEADLINE_KAFKA_TOPIC_PREFIX", prefix)
    monkeypatch.setenv("LEADLINE_WEB_PORT", broker.bootstrap.rpartition(":")[2])
    result = run("console")
    assert result.code == 2
    assert "set web.port to a free port" in result.err


def test_no_kafka(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    """Exit code 3."""
    monkeypatch.setenv("LEADLINE_KAFKA_BOOTSTRAP", "localhost:1")
    result = run("console")
    assert result.code == 3
    assert "connection refused" in result.err
