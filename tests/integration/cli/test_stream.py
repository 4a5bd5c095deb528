"""`leadline stream` where it cannot start."""

import pytest

from tests.fixtures.brokers import Broker
from tests.fixtures.commands import Run


def test_no_kafka(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without Kafka there is nothing to judge: exit code 3."""
    monkeypatch.setenv("LEADLINE_KAFKA_BOOTSTRAP", "localhost:1")
    result = run("stream")
    assert (result.code, result.out) == (3, "")
    assert result.err.endswith("connection refused; start it, or set kafka.bootstrap\n")


def test_no_topics(run: Run, monkeypatch: pytest.MonkeyPatch, any_broker: Broker) -> None:
    """Topics that nobody created are named, with the command that does."""
    monkeypatch.setenv("LEADLINE_KAFKA_BOOTSTRAP", any_broker.bootstrap)
    monkeypatch.setenv("LEADLINE_KAFKA_TOPIC_PREFIX", "none.")
    result = run("stream")
    assert result.code == 3
    assert f"Kafka at {any_broker.bootstrap} has no topic none.samples, " in result.err
    assert "run `leadline topics create`" in result.err


def test_unknown_rule(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    """A rule that does not exist is wrong configuration, found before anything is asked of Kafka."""
    monkeypatch.setenv("LEADLINE_RULES_NODE_DOWNN_WARNING", "1")
    result = run("stream")
    assert (result.code, result.err) == (
        2,
        "leadline: rules.node_downn: there is no such rule; did you mean node_down?\n",
    )
