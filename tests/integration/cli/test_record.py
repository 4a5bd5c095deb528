"""`leadline record` from a broker."""

import json
from itertools import pairwise
from pathlib import Path

import pytest
from aiokafka import AIOKafkaProducer
from confluent_kafka.admin import (
    AclBinding,
    AclOperation,
    AclPermissionType,
    AdminClient,
    ResourcePatternType,
    ResourceType,
)

from leadline.kafka import producer_options
from leadline.recording import read
from leadline.settings.common import KafkaSettings
from tests.fixtures.brokers import Broker
from tests.fixtures.commands import Run
from tests.fixtures.kafka import Kafka

COUNT = 100


async def produce(any_broker: Broker, topic: str) -> None:
    producer = AIOKafkaProducer(**producer_options(KafkaSettings(bootstrap=any_broker.bootstrap), "test"))
    await producer.start()
    try:
        for number in range(COUNT):
            value = b"\xff%d" % number if number % 2 else b'{"number": %d}' % number
            await producer.send_and_wait(topic, value, key=b"c%d" % (number % 7), headers=[("n", b"%d" % number)])
    finally:
        await producer.stop()


@pytest.fixture
async def topic(any_broker: Broker, prefix: str, monkeypatch: pytest.MonkeyPatch) -> str:
    """A samples topic with records in it, where the environment says."""
    any_broker.create_topic(prefix + "samples", 3)
    await produce(any_broker, prefix + "samples")
    monkeypatch.setenv("LEADLINE_KAFKA_BOOTSTRAP", any_broker.bootstrap)
    monkeypatch.setenv("LEADLINE_KAFKA_TOPIC_PREFIX", prefix)
    return prefix + "samples"


def test_everything_until_now(run: Run, tmp_path: Path, topic: str) -> None:
    """Every record is in the file as it was, those of a partition in order; a file is never overwritten."""
    path = tmp_path / "samples.jsonl"
    result = run("record", "-o", path, "--until-end")
    assert (result.code, result.out, result.err) == (0, "", f"{COUNT} records of {topic} in {path}\n")
    records = list(read(path))
    assert sorted(int(value) for record in records for _, value in record.headers) == list(range(COUNT))
    for record in records:
        number = int(record.headers[0][1])
        assert record.key == b"c%d" % (number % 7)
        assert record.value == (b"\xff%d" % number if number % 2 else b'{"number": %d}' % number)
    places = [(record.partition, record.offset) for record in records]
    assert all(later > offset for (p, offset), (q, later) in pairwise(places) if p == q)
    again = run("record", "-o", path, "--until-end")
    assert (again.code, again.err) == (2, f"leadline: {path} exists; give another name, or remove the file\n")
    assert list(read(path)) == records


def test_only_what_is_new(run: Run, tmp_path: Path, topic: str) -> None:
    """From now on, for a while: nothing came, and the file is there and empty."""
    path = tmp_path / "samples.jsonl"
    result = run("record", "-o", path, "--from", "now", "--duration", "0.3", "--format", "json")
    assert (result.code, json.loads(result.out)) == (0, {"topic": topic, "file": str(path), "records": 0})
    assert path.read_bytes() == b""


def test_to_standard_output(run: Run, topic: str) -> None:
    """Only the records go to standard output."""
    result = run("record", "-o", "-", "--until-end", "--format", "json")
    assert (result.code, result.err) == (0, "")
    assert len(result.out.splitlines()) == COUNT
    assert {json.loads(line)["topic"] for line in result.out.splitlines()} == {topic}


def test_no_such_topic(run: Run, tmp_path: Path, any_broker: Broker, monkeypatch: pytest.MonkeyPatch) -> None:
    """A prefix nobody uses is wrong use, creates no topic, and leaves no file behind."""
    monkeypatch.setenv("LEADLINE_KAFKA_BOOTSTRAP", any_broker.bootstrap)
    monkeypatch.setenv("LEADLINE_KAFKA_TOPIC_PREFIX", "nobody.")
    for _ in range(2):
        result = run("record", "-o", tmp_path / "samples.jsonl", "--until-end")
        assert (result.code, result.err) == (
            2,
            f"leadline: Kafka at {any_broker.bootstrap} has no topic nobody.samples; check kafka.topic_prefix\n",
        )
    assert list(tmp_path.iterdir()) == []


AUTHORIZER = {
    "authorizer.class.name": "org.apache.kafka.metadata.authorizer.StandardAuthorizer",
    "allow.everyone.if.no.acl.found": "true",
}
"""Anybody may do anything, but with a topic that has a rule only what the rules say."""


def test_without_the_right_to_read(run: Run, tmp_path: Path, prefix: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without the right to read the topic, one line states what to do, and no file is left behind."""
    topic = prefix + "samples"
    monkeypatch.setenv("LEADLINE_KAFKA_TOPIC_PREFIX", prefix)
    with Kafka(settings=AUTHORIZER) as kafka:
        kafka.create_topic(topic, 1)
        monkeypatch.setenv("LEADLINE_KAFKA_BOOTSTRAP", kafka.bootstrap)
        permitted = AclBinding(
            ResourceType.TOPIC,
            topic,
            ResourcePatternType.LITERAL,
            "User:ANONYMOUS",
            "*",
            AclOperation.DESCRIBE,
            AclPermissionType.ALLOW,
        )
        admin = AdminClient({"bootstrap.servers": kafka.bootstrap})
        for done in admin.create_acls([permitted]).values():
            done.result()
        result = run("record", "-o", tmp_path / "samples.jsonl", "--until-end")
    assert (result.code, result.out) == (2, "")
    assert result.err == (
        f"leadline: Kafka at {kafka.bootstrap} does not permit reading {topic}; grant Read on it, "
        "or set kafka.sasl.username to a user that has it\n"
    )
    assert not list(tmp_path.iterdir())
