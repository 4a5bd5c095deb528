"""`leadline topics` over the embedded broker, which makes topics by itself and cannot be asked to."""

import json

import pytest

from leadline.sandbox.broker import EmbeddedBroker
from leadline.topics import TOPICS
from tests.fixtures.commands import Run


@pytest.fixture
def prefix(broker: EmbeddedBroker, monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest) -> str:
    """A prefix of its own, in the environment."""
    monkeypatch.setenv("LEADLINE_KAFKA_BOOTSTRAP", broker.bootstrap)
    monkeypatch.setenv("LEADLINE_KAFKA_TOPIC_PREFIX", f"{request.node.name}.")
    return f"{request.node.name}."


def test_describing_makes_no_topic(run: Run, prefix: str) -> None:
    """Each missing topic is named with what to do, also the second time."""
    for _ in range(2):
        result = run("topics", "describe", "--format", "json")
        found = [json.loads(line) for line in result.out.splitlines()]
        assert [topic["topic"] for topic in found] == [prefix + name for name in TOPICS]
        assert {tuple(topic["wrong"]) for topic in found} == {("missing; run `leadline topics create`",)}
        assert result.code == 1


def test_describing_topics_that_are_there(run: Run, prefix: str, broker: EmbeddedBroker) -> None:
    """With all there and as many partitions each, nothing is wrong."""
    for name in TOPICS:
        broker.create_topic(prefix + name, 5)
    result = run("topics", "describe")
    assert (result.code, result.err) == (0, "")
    assert [line.split() for line in result.out.splitlines()[1:]] == [
        [prefix + name, "5", "1", "ok"] for name in TOPICS
    ]


def test_a_broker_that_creates_none(run: Run, prefix: str) -> None:
    """The embedded broker cannot be asked to create topics, and that is said."""
    result = run("topics", "create")
    assert result.code == 2
    assert "it has no controller; the in-memory broker is like that" in result.err


def test_no_broker(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without Kafka the exit code is 3, and the message says what to do."""
    monkeypatch.setenv("LEADLINE_KAFKA_BOOTSTRAP", "localhost:1")
    for command in ("create", "describe"):
        result = run("topics", command)
        assert (result.code, result.out) == (3, "")
        assert result.err.endswith("connection refused; start it, or set kafka.bootstrap\n")
