"""`leadline topics` over the embedded broker, which makes topics by itself and cannot be asked to, and Apache Kafka."""

import json
from collections.abc import Mapping

import pytest
from confluent_kafka.admin import AdminClient, ConfigResource, ResourceType

from leadline.topic_specs import TOPICS
from tests.fixtures.brokers import Broker
from tests.fixtures.commands import Result, Run


@pytest.fixture(autouse=True)
def settings(prefix: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """A prefix of its own, in the environment."""
    monkeypatch.setenv("LEADLINE_KAFKA_TOPIC_PREFIX", prefix)


@pytest.fixture
def on(any_broker: Broker, monkeypatch: pytest.MonkeyPatch) -> Broker:
    """Each broker, in the environment."""
    monkeypatch.setenv("LEADLINE_KAFKA_BOOTSTRAP", any_broker.bootstrap)
    return any_broker


@pytest.fixture
def kafka(apache_kafka: Broker, monkeypatch: pytest.MonkeyPatch) -> Broker:
    """Apache Kafka, in the environment."""
    monkeypatch.setenv("LEADLINE_KAFKA_BOOTSTRAP", apache_kafka.bootstrap)
    return apache_kafka


def described(result: Result) -> list[dict[str, object]]:
    return [json.loads(line) for line in result.out.splitlines()]


def configured(broker: Broker, name: str) -> Mapping[str, str]:
    """A topic's configuration, asked with another client than ours."""
    client, about = AdminClient({"bootstrap.servers": broker.bootstrap}), ConfigResource(ResourceType.TOPIC, name)
    return {key: entry.value for key, entry in client.describe_configs([about])[about].result().items()}


def test_describing_makes_no_topic(run: Run, prefix: str, on: Broker) -> None:
    """Each missing topic is named with what to do, also the second time."""
    for _ in range(2):
        result = run("topics", "describe", "--format", "json")
        found = described(result)
        assert [topic["topic"] for topic in found] == [prefix + name for name in TOPICS]
        assert [topic["wrong"] for topic in found] == [["missing; run `leadline topics create`"]] * len(TOPICS)
        assert result.code == 1


def test_describing_topics_that_are_there(
    run: Run, prefix: str, broker: Broker, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With all there and as many partitions each, nothing is wrong."""
    monkeypatch.setenv("LEADLINE_KAFKA_BOOTSTRAP", broker.bootstrap)
    for name in TOPICS:
        broker.create_topic(prefix + name, 5)
    result = run("topics", "describe")
    assert (result.code, result.err) == (0, "")
    assert [line.split() for line in result.out.splitlines()[1:]] == [
        [prefix + name, "5", "1", "ok"] for name in TOPICS
    ]


def test_created_as_declared(run: Run, prefix: str, kafka: Broker) -> None:
    """Partitions, replicas, policy and retention are what was asked for, by Kafka's own account and by ours."""
    made = run("topics", "create", "--partitions", 5, "--format", "json")
    assert (made.code, made.err) == (0, "")
    assert described(made) == [{"topic": prefix + name, "created": True} for name in TOPICS]
    result = run("topics", "describe", "--format", "json")
    assert (result.code, result.err) == (0, ""), result.out
    for topic in described(result):
        name = str(topic["topic"])
        spec, theirs = TOPICS[name.removeprefix(prefix)], configured(kafka, name)
        assert set(theirs["cleanup.policy"].split(",")) == set(spec.cleanup.split(","))
        if spec.retention_s is not None:
            assert int(theirs["retention.ms"]) == spec.retention_s * 1000
        assert theirs["message.timestamp.type"] == "LogAppendTime"
        assert topic["config"].items() <= theirs.items()
        assert (topic["partitions"], topic["replicas"], topic["wrong"]) == (5, 1, [])


def test_what_is_there_is_left_alone(run: Run, prefix: str, kafka: Broker) -> None:
    """Creating again creates what is missing; a topic made by others is described with what is wrong in it."""
    kafka.create_topic(prefix + "incidents", 3)
    assert run("topics", "create", "--partitions", 4).out.count("created") == len(TOPICS) - 1
    assert run("topics", "create").out == "all topics exist\n"
    result = run("topics", "describe", "--format", "json")
    wrong = {str(topic["topic"]).removeprefix(prefix): topic["wrong"] for topic in described(result) if topic["wrong"]}
    assert wrong == {
        "incidents": [
            "has 3 partitions and the samples have 4; the numbers must be equal",
            "cleanup.policy is delete, expected compact,delete",
            "message.timestamp.type is CreateTime, expected LogAppendTime",
            "retention.ms is 604800000, expected 7776000000",
        ]
    }
    assert result.code == 1


def test_more_replicas_than_brokers(run: Run, kafka: Broker) -> None:
    """Kafka's reason is printed once, with the topics that it refused."""
    result = run("topics", "create", "--replicas", 99)
    assert (result.code, result.out) == (2, "")
    assert "refuses to create" in result.err
    assert result.err.count("replication factor") == 1


def test_a_broker_that_creates_none(run: Run, broker: Broker, monkeypatch: pytest.MonkeyPatch) -> None:
    """The embedded broker cannot be asked to create topics, and that is printed."""
    monkeypatch.setenv("LEADLINE_KAFKA_BOOTSTRAP", broker.bootstrap)
    result = run("topics", "create")
    assert result.code == 2
    assert "it has no controller. The in-memory broker has none" in result.err


def test_no_broker(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without Kafka the exit code is 3, and the message says what to do."""
    monkeypatch.setenv("LEADLINE_KAFKA_BOOTSTRAP", "localhost:1")
    for command in ("create", "describe"):
        result = run("topics", command)
        assert (result.code, result.out) == (3, "")
        assert result.err.endswith("connection refused; start it, or set kafka.bootstrap\n")
