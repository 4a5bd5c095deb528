"""`leadline agent` as a process of its own."""

import json
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from leadline.model.observation import Sample
from leadline.recording import read
from leadline.wire import OBSERVATIONS
from leadline_lab.sandbox.fleet import AGENT
from leadline_lab.sandbox.port import Port
from leadline_lab.sandbox.wait import eventually
from tests.fixtures.brokers import Broker
from tests.fixtures.commands import Run
from tests.fixtures.fleets import Pair


def settings(path: Path, bootstrap: str, prefix: str, *dsns: str, spool: Path) -> Path:
    config: dict[str, Any] = {
        "instances": [{"dsn": dsn, "name": f"pg-{number}", "cluster": "orders"} for number, dsn in enumerate(dsns, 1)],
        "interval_s": 0.2,
        "kafka": {"bootstrap": bootstrap, "topic_prefix": prefix},
        "spool": {"path": str(spool)},
    }
    path.write_text(json.dumps(config))
    return path


def test_samples_arrive_and_sigterm_ends_it(
    run: Run, tmp_path: Path, any_broker: Broker, prefix: str, pair: Pair, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The samples of both servers reach Kafka; SIGTERM ends it with 0; standard error shows no password."""
    any_broker.create_topic(f"{prefix}samples", 2)
    dsns = pair.primary.dsn(user=AGENT), pair.standby.dsn(user=AGENT)
    path = settings(tmp_path / "agent.yaml", any_broker.bootstrap, prefix, *dsns, spool=tmp_path / "spool")
    monkeypatch.setenv("LEADLINE_KAFKA_TOPIC_PREFIX", prefix)
    monkeypatch.setenv("LEADLINE_KAFKA_BOOTSTRAP", any_broker.bootstrap)
    with subprocess.Popen(
        [sys.executable, "-m", "leadline_cli", "agent", "-c", path],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as agent:
        try:
            eventually("samples of both servers", lambda: _both(run, tmp_path), 20.0)
        finally:
            agent.send_signal(signal.SIGTERM)
            out, err = agent.communicate(timeout=20)
    assert (agent.returncode, out) == (0, "")
    assert all(line.startswith("time=") for line in err.splitlines())
    assert all(dsn.partition("password=")[2].split()[0] not in err for dsn in dsns)


def _both(run: Run, tmp_path: Path) -> bool:
    copy = tmp_path / "copy.jsonl"
    copy.unlink(missing_ok=True)
    run("record", "-o", copy, "--until-end")
    seen = [OBSERVATIONS.decode(record.value) for record in read(copy)]
    return {look.node.role for look in seen if isinstance(look, Sample) and look.up} == {"primary", "standby"}


def test_a_spool_that_cannot_be_written(run: Run, tmp_path: Path) -> None:
    """Without a place for the spool it does not start: one line, exit code 2."""
    path = settings(tmp_path / "agent.yaml", "localhost:1", "agent.", "host=h", spool=tmp_path / "no" / "spool")
    result = run("agent", "-c", path)
    assert (result.code, result.out) == (2, "")
    assert str(tmp_path / "no") in result.err
    assert len(result.err.splitlines()) == 1


def test_without_kafka_it_waits(tmp_path: Path) -> None:
    """An absent Kafka and an absent server are reported once each and stop nothing; SIGTERM ends it with 0."""
    with Port() as nobody:
        dsn = f"postgresql://leadline:hunter2@127.0.0.1:{nobody.number}/postgres"
        path = settings(tmp_path / "agent.yaml", f"127.0.0.1:{nobody.number}", "agent.", dsn, spool=tmp_path / "spool")
        with subprocess.Popen(
            [sys.executable, "-m", "leadline_cli", "agent", "-c", path], stderr=subprocess.PIPE, text=True
        ) as agent:
            assert agent.stderr
            assert "reading orders/pg-1 each 0.2 s, for Kafka at 127.0.0.1:" in agent.stderr.readline()
            lines = agent.stderr.readline() + agent.stderr.readline()
            agent.send_signal(signal.SIGTERM)
            lines += agent.communicate(timeout=20)[1]
    assert agent.returncode == 0
    assert "Kafka does not accept observations" in lines
    assert "the server cannot be read: refused: " in lines
    assert "hunter2" not in lines
