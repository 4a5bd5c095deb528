"""The topics as declared, and how they are made and compared."""

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from types import SimpleNamespace
from typing import Any

import pytest
from aiokafka.admin import NewTopic
from aiokafka.admin.config_resource import ConfigResource

from leadline import topics
from leadline.errors import UnreachableError, UsageError
from leadline.settings.common import KafkaSettings
from leadline.topic_specs import TOPICS
from leadline.topics import create, describe
from leadline.wire import CODECS


def test_each_codec_has_its_topic() -> None:
    """Whatever we can write has a topic of the same name, and each topic that has a codec has its own."""
    assert {name: spec.codec for name, spec in TOPICS.items() if spec.codec} == CODECS


def test_configuration_in_kafkas_names() -> None:
    """Retention is in milliseconds, and what is only compacted has none."""
    ours = {"message.timestamp.type": "LogAppendTime"}
    assert TOPICS["samples"].config() == {"cleanup.policy": "delete", "retention.ms": "604800000"} | ours
    assert TOPICS["silences"].config() == {"cleanup.policy": "compact"} | ours


class Admin:
    """Answers like Apache Kafka 4.1 with one broker, on which alerts has other settings than ours."""

    def __init__(self, *there: str) -> None:
        self.there = list(there)
        self.asked: list[NewTopic] = []
        self.created: list[str] = []
        """Made, and listed from the next time but one on."""

    async def describe_cluster(self) -> dict[str, Any]:
        return {"brokers": [{"node_id": 1, "host": "localhost", "port": 9092, "rack": None}], "controller_id": 1}

    async def list_topics(self) -> list[str]:
        known = list(self.there)
        self.there, self.created = self.there + self.created, []
        return known

    async def create_topics(self, wanted: list[NewTopic]) -> Any:
        self.asked += wanted
        few = "The target replication factor of 9 cannot be reached because only 1 broker(s) are registered."
        self.created = [topic.name for topic in wanted]
        errors = [(topic.name, 38, few) if topic.replication_factor > 1 else (topic.name, 0, None) for topic in wanted]
        return SimpleNamespace(topic_errors=errors)

    async def describe_topics(self) -> list[dict[str, Any]]:
        counts = {name: 4 if name.endswith("lag") else 12 for name in self.there}
        return [{"topic": name, "partitions": [{"replicas": [1]}] * count} for name, count in counts.items()]

    async def describe_configs(self, resources: list[ConfigResource]) -> list[Any]:
        configs = {name: {"retention.ms": "-1"} | spec.config() for name, spec in TOPICS.items()}
        configs["incidents"]["cleanup.policy"] = "delete,compact"
        configs["alerts"] = {"cleanup.policy": "compact", "retention.ms": "1000"}
        entries = {
            f"leadline.{topic}": [(name, value, False, 1, False, []) for name, value in config.items()]
            for topic, config in configs.items()
        }
        found = [(0, "", 2, resource.name, entries[resource.name]) for resource in resources]
        return [SimpleNamespace(resources=found)]


async def nothing() -> list[str]:
    return []


@pytest.fixture
def kafka(monkeypatch: pytest.MonkeyPatch) -> Callable[..., Admin]:
    """Put an administrator's client that has these topics in Kafka's place."""

    def install(*there: str) -> Admin:
        admin = Admin(*there)

        @asynccontextmanager
        async def lend(_: KafkaSettings) -> AsyncIterator[Admin]:
            yield admin

        monkeypatch.setattr("leadline.topics._admin", lend)
        return admin

    return install


async def test_only_what_is_missing_is_created(kafka: Callable[..., Admin]) -> None:
    """Topics that exist are left alone; replicas are as many as there are brokers, three at most."""
    admin = kafka("leadline.samples", "other")
    made = await create(KafkaSettings())
    assert made == [f"leadline.{name}" for name in TOPICS if name != "samples"]
    assert {(topic.num_partitions, topic.replication_factor) for topic in admin.asked} == {(12, 1)}
    assert admin.asked[0].topic_configs == TOPICS["alerts"].config()


async def test_what_was_created_can_be_used(kafka: Callable[..., Admin]) -> None:
    """Brokers list new topics a moment after they were created: that is waited for."""
    admin = kafka("leadline.samples")
    made = await create(KafkaSettings())
    assert set(made) < set(await admin.list_topics())


async def test_what_was_created_and_never_shows(kafka: Callable[..., Admin], monkeypatch: pytest.MonkeyPatch) -> None:
    """The wait has an end."""
    admin = kafka("leadline.samples")
    monkeypatch.setattr(topics, "SEEN_S", 0.0)
    monkeypatch.setattr(admin, "list_topics", nothing)
    with pytest.raises(UnreachableError, match="were created, but not all are listed"):
        await create(KafkaSettings())


async def test_a_refusal_of_kafka_is_reported_once(kafka: Callable[..., Admin]) -> None:
    """The topics are named, and the reason they share."""
    kafka(*(f"leadline.{name}" for name in TOPICS if name not in ("lag", "alerts")))
    with pytest.raises(UsageError) as caught:
        await create(KafkaSettings(), replicas=9)
    assert str(caught.value) == (
        "Kafka at localhost:9092 refuses to create leadline.alerts, leadline.lag: "
        "The target replication factor of 9 cannot be reached because only 1 broker(s) are registered."
    )


async def test_what_is_not_as_declared(kafka: Callable[..., Admin]) -> None:
    """Another policy, retention or number of partitions is named; the order of policies does not matter."""
    kafka(*(f"leadline.{name}" for name in TOPICS if name != "state"))
    found = {topic.name.removeprefix("leadline."): topic for topic in await describe(KafkaSettings())}
    assert found["samples"].wrong == found["incidents"].wrong == found["silences"].wrong == ()
    assert found["state"].wrong == ("missing; run `leadline topics create`",)
    assert found["lag"].wrong == ("has 4 partitions and the samples have 12; the numbers must be equal",)
    assert found["alerts"].wrong == (
        "cleanup.policy is compact, expected delete",
        "retention.ms is 1000, expected 2592000000",
    )
    assert (found["samples"].partitions, found["samples"].replicas) == (12, 1)
