"""The rights that we ship, on a broker that enforces them, under a prefix that is not the default."""

import asyncio
import re
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AbstractContextManager, asynccontextmanager
from datetime import timedelta
from pathlib import Path
from random import Random

import pytest
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition
from aiokafka.errors import KafkaError
from confluent_kafka.admin import AclBinding

from leadline.errors import LeadlineError, UsageError
from leadline.kafka import consumer_options, producer_options, publish
from leadline.kafka_claim import PartitionClaim
from leadline.model.audit_look import AuditedSetting, AuditLook
from leadline.model.finding import FindingReport
from leadline.model.ids import ClusterName, NodeName
from leadline.model.node import Node
from leadline.model.observation import Sample
from leadline.model.retirement import Retirement
from leadline.model.silence import Silence
from leadline.settings.common import KafkaSettings
from leadline.signature import Signer
from leadline.topic_range import written_since
from leadline.topic_specs import TOPICS
from leadline.topic_table import latest
from leadline.topics import create, largest_records, require, require_group
from leadline.wire import ALERTS, DELIVERIES, INCIDENTS, LAG, SILENCES, STATUS, VERIFICATIONS, outgoing
from leadline_agents.channel import KafkaChannel
from leadline_agents.record_times import RecordTimes
from leadline_lab.sandbox.fleet import Fleet
from leadline_lab.sandbox.postgres import Server
from leadline_streams.rules import RULES
from leadline_verify.findings import findings_of
from leadline_verify.scheduled.publishing import send
from tests.faults.load import Process as Stream
from tests.fixtures.postgres_versions import binaries_for
from tests.fixtures.secure_kafka import Asked, SecureKafka
from tests.integration.kafka.conftest import ROLES, Settings, Ways, loaded, shipped
from tests.integration.sinks.kit import CLOCK, Hook, hook, until
from tests.integration.sinks.kit import Process as Sink
from tests.integration.sinks.kit import process as sink_process
from tests.integration.streams.kit import Agents, Topics
from tests.unit.sinks import made
from tests.unit.test_wire import VERIFICATION

PARTITIONS = 2
PATIENCE_S = 90.0
JUNK = b"no JSON"


def audit_look(node: Node, fsync: str) -> AuditLook:
    """A look for the audit, with a setting that changes."""
    settings = {"fsync": AuditedSetting(value=fsync)}
    return AuditLook(node=node.name, cluster=node.cluster, at=CLOCK.now(), asked_at=CLOCK.now(), settings=settings)


class Installation:
    """Topics and the work of each role on them, as its principal."""

    def __init__(self, secure: SecureKafka, ways: Ways, prefix: str, folder: Path) -> None:
        self._secure, self._prefix, self._folder = secure, prefix, folder
        self._in = {
            "agent": ways.mutual("agent"),
            "stream": ways.client("stream"),
            "sink": ways.password("sink", "SCRAM-SHA-512"),
            "verify": ways.password("verify", "PLAIN"),
            "people": ways.token("people"),
        }

    def _of(self, role: str) -> Settings:
        return self._in[role] | {"topic_prefix": self._prefix}

    def kafka(self, role: str) -> KafkaSettings:
        return loaded(self._of(role), self._folder)

    def written(self) -> dict[str, int]:
        """Records of each topic so far."""
        return {name: self._secure.written(self._prefix + name, PARTITIONS) for name in TOPICS}

    async def until_written(self, *names: str, more_than: dict[str, int]) -> None:
        """Wait for further records in each of these topics."""
        give_up = CLOCK.monotonic() + PATIENCE_S
        while missing := [name for name in names if (await asyncio.to_thread(self.written))[name] <= more_than[name]]:
            assert CLOCK.monotonic() < give_up, f"nothing is written to {missing}"
            await CLOCK.sleep(0.3)

    @asynccontextmanager
    async def agent(self) -> AsyncIterator[None]:
        """Publish: something that is no observation, then pairs whose standbys get stuck, and looks for the audit."""
        await require(self.kafka("agent"))  # as `leadline doctor` does
        channel = await KafkaChannel.open(self.kafka("agent"), RecordTimes(CLOCK))

        async def send(seen: Sample | AuditLook) -> None:
            record = outgoing(seen, self._prefix)
            await channel.send(record.topic, record.key or b"", [(record.value or b"", record.headers)])

        async def look() -> None:
            audited = Counter[tuple[str, str]]()
            async for seen in Agents(Topics(self._secure.bootstrap, self._prefix), Random(7), 3).looks(1000):
                await send(seen)
                audited[seen.node.cluster, seen.node.name] += 1
                if (number := audited[seen.node.cluster, seen.node.name]) % 20 == 1:
                    await send(audit_look(seen.node, "on" if number % 40 == 1 else "off"))

        looking = asyncio.create_task(look())
        try:
            await channel.send(f"{self._prefix}samples", b"orders", [(JUNK, [])])
            yield
            assert not looking.done()
        finally:
            looking.cancel()
            await asyncio.wait({looking})
            await channel.close()

    def stream(self) -> Stream:
        quick = {name: {"for_s": 1.0, "keep_s": 1.0} for name in RULES}
        settings = {"flush_s": 0.5, "rules": quick, "audit": {"spread_s": 0.0}}
        return Stream("stream", {"kafka": self._of("stream"), **settings}, self._folder)

    def sink(self, to: Hook, log: Server) -> AbstractContextManager[Sink]:
        files = {"directory": str(self._folder / "parquet"), "every_s": 1}
        targets = {"webhook": {"url": to.url, "signing_key": "k" * 32}, "incident_log": {"dsn": log.dsn()}}
        targets["parquet"] = files
        return sink_process(self._folder, {"kafka": self._of("sink"), **targets})

    async def verify(self) -> None:
        """Read what was proven before, and publish what is known now."""
        kafka = self.kafka("verify")
        await require(kafka)
        known = await latest(kafka, VERIFICATIONS, "test")
        assert known == {}
        report = FindingReport(
            cluster=VERIFICATION.cluster,
            source="verify",
            boot="b",
            seq=1,
            sent_at=CLOCK.now(),
            valid_s=60.0,
            findings=findings_of(VERIFICATION, CLOCK.now()),
        )
        await send(kafka, Signer(None), [VERIFICATION, report])
        assert await latest(kafka, VERIFICATIONS, "test") == {VERIFICATION.link: VERIFICATION}

    async def people(self, incident: str) -> None:
        """Acknowledge, silence, retire, and read what is for people."""
        kafka = self.kafka("people")
        await require(kafka)  # as `leadline topics describe` does
        now = CLOCK.now()
        silence = Silence(
            silence_id="sil_1",
            matchers={"cluster": "quiet"},
            starts_at=now,
            ends_at=now + timedelta(hours=1),
            created_by="ada",
        )
        await publish(kafka, "test", made.action(incident_id=incident))
        await publish(kafka, "test", silence)
        retirement = Retirement(
            retirement_id="ret_1", cluster=ClusterName("quiet"), node=NodeName("pg-9"), by="ada", sent_at=now
        )
        await publish(kafka, "test", retirement)
        assert list(await latest(kafka, SILENCES, "test")) == ["sil_1"]
        assert await latest(kafka, STATUS, "test")
        assert await latest(kafka, DELIVERIES, "test")  # what a silence held back
        assert await latest(kafka, VERIFICATIONS, "test")
        assert incident in await latest(kafka, INCIDENTS, "test")
        assert JUNK in await read(kafka, "deadletters")
        for value in (made.action(incident_id=incident), silence):
            await publish(self.kafka("sink"), "test", value)  # as for people in Slack and PagerDuty
        for codec in (LAG, ALERTS):
            batches = written_since(kafka, codec, "test", now - timedelta(hours=1), lambda _: None)
            assert [value async for values in batches for value in values]


async def read(kafka: KafkaSettings, name: str) -> list[bytes]:
    consumer = AIOKafkaConsumer(kafka.topic_prefix + name, **consumer_options(kafka, "test"))
    try:
        await consumer.start()
        ends = await consumer.end_offsets(consumer.assignment())
        found: list[bytes] = []
        while any([await consumer.position(at) < end for at, end in ends.items()]):
            found += [r.value for records in (await consumer.getmany(timeout_ms=200)).values() for r in records]
        return found
    finally:
        await consumer.stop()


async def write_junk(secure: SecureKafka, topic: str) -> None:
    producer = AIOKafkaProducer(bootstrap_servers=secure.bootstrap)
    await producer.start()
    await producer.send_and_wait(topic, JUNK, b"orders")
    await producer.stop()


async def got_through(to: Hook) -> None:
    """Wait for the first notification that the target has accepted."""
    async with asyncio.timeout(PATIENCE_S):
        while not to.got:
            await CLOCK.sleep(0.1)


def gives(grant: AclBinding, asked: Asked) -> bool:
    """Whether the authorizer was asked for just this right."""
    if (grant.principal, grant.operation.name) != (asked.principal, asked.operation):
        return False
    kind, _, name = asked.resource.split(":", 2)
    if kind.upper() != grant.restype.name.replace("_", ""):
        return False
    return name.startswith(grant.name) if grant.resource_pattern_type.name == "PREFIXED" else name == grant.name


@pytest.mark.timeout(400)
async def test_each_role_works_with_these_rights_and_needs_each(
    secure: SecureKafka, ways: Ways, prefix: str, tmp_path: Path
) -> None:
    """Agent, stream, sink, verifier and people do their whole work; nothing is denied, and every right is asked for.

    The login of each is another one: a certificate, a token endpoint, a password, a token.
    """
    await create(KafkaSettings(bootstrap=secure.bootstrap, topic_prefix=prefix), PARTITIONS)
    rights = [grant for role in ROLES for grant in shipped(prefix)[role]]
    secure.grant(rights)
    before = len(secure.asked())
    here = Installation(secure, ways, prefix, tmp_path)
    nothing = dict.fromkeys(TOPICS, 0)

    with Fleet(binaries_for(18)) as fleet, hook() as to, here.sink(to, fleet.primary("log")) as sink:
        to.status = 403  # the sink opens an incident about its target
        sink.start()
        async with here.agent():
            with here.stream() as stream:
                judged = ("alerts", "incidents", "lag", "status", "audits", "state", "deadletters")
                await here.until_written(*judged, more_than=nothing)
                assert stream.end(15) == 0, stream.log_tail()
            await until("a refusal", lambda: to.refused, sink, PATIENCE_S)
            first = here.written()
            with here.stream() as stream:
                await here.until_written("state", "status", more_than=first)
                to.status = 200
                await write_junk(secure, f"{prefix}alerts")
                await got_through(to)
                await here.until_written("deliveries", "deadletters", more_than=first)
                await here.verify()
                await here.people(to.got[0]["data"]["incident"]["incident_id"])
                assert stream.end(15) == 0, stream.log_tail()
        assert sink.end() == 0, sink.err

    asked = [each for each in secure.asked()[before:] if each.principal.startswith("User:leadline-")]
    assert [each for each in asked if not each.allowed] == []
    assert [str(grant) for grant in rights if not any(gives(grant, each) for each in asked)] == []


async def test_a_worker_without_a_right_to_its_group(
    secure: SecureKafka, ways: Ways, prefix: str, tmp_path: Path
) -> None:
    """It does not start, and the message names the group: its consumer would wait for it without a word."""
    people = Installation(secure, ways, prefix, tmp_path).kafka("people")
    with pytest.raises(UsageError, match=re.escape(f"{prefix}stream")):
        await require_group(people, f"{prefix}stream")


Attempt = Callable[[], Awaitable[object]]


def attempt(grant: AclBinding, kafka: KafkaSettings) -> Attempt:
    """The function of Leadline that a right is for. It raises an error without the right."""
    topic = grant.name

    async def write() -> None:
        producer = AIOKafkaProducer(**producer_options(kafka, "test"))
        try:
            await producer.start()
            await producer.send_and_wait(topic, JUNK, b"key")
        finally:
            await producer.stop()

    async def commit() -> None:
        if grant.resource_pattern_type.name == "LITERAL":
            await join(kafka, topic, "samples")
        else:
            await join(kafka, f"{topic}webhook", "incidents")

    async def largest() -> None:
        if not await largest_records(kafka, [topic.removeprefix(kafka.topic_prefix)]):
            raise UsageError("it is not known how large a record may be")

    attempts: dict[tuple[str, str], Attempt] = {
        ("TOPIC", "WRITE"): write,
        ("TOPIC", "READ"): lambda: read(kafka, topic.removeprefix(kafka.topic_prefix)),
        ("TOPIC", "DESCRIBE"): lambda: require(kafka),
        ("TOPIC", "DESCRIBE_CONFIGS"): largest,
        ("GROUP", "READ"): commit,
        ("TRANSACTIONAL_ID", "WRITE"): lambda: claim(kafka, f"{topic}test"),
    }
    return attempts[grant.restype.name, grant.operation.name]


async def claim(kafka: KafkaSettings, name: str) -> None:
    """Take a claim, as workers and sinks do."""
    base = AIOKafkaProducer(**producer_options(kafka, "test"))
    await base.start()
    claim = PartitionClaim(base, name)
    try:
        await claim.take()
    finally:
        await claim.close()
        await base.stop()


async def join(kafka: KafkaSettings, group: str, topic: str) -> None:
    """Commit in a consumer group what was read of a topic."""
    at = TopicPartition(kafka.topic_prefix + topic, 0)
    consumer = AIOKafkaConsumer(**consumer_options(kafka, "test", group))
    consumer.assign([at])
    try:
        await consumer.start()
        await consumer.commit({at: 0})
    finally:
        await consumer.stop()


async def becomes(succeeds: bool, tried: Attempt) -> bool:
    """Whether an attempt soon succeeds, or fails: brokers take a moment to heed changed rights."""
    for _ in range(30):
        try:
            async with asyncio.timeout(5):
                await tried()
        except (KafkaError, LeadlineError, TimeoutError):
            if not succeeds:
                return True
        else:
            if succeeds:
                return True
        await CLOCK.sleep(0.05)
    return False


@pytest.mark.timeout(300)
@pytest.mark.parametrize("role", ROLES)
async def test_without_any_one_right_its_function_fails(
    secure: SecureKafka, ways: Ways, prefix: str, tmp_path: Path, role: str
) -> None:
    """Under another prefix each right is taken away alone: what it is for fails, and succeeds when it is back."""
    await create(KafkaSettings(bootstrap=secure.bootstrap, topic_prefix=prefix), 1)
    rights = shipped(prefix)[role]
    kafka = loaded(ways.password(role, "PLAIN") | {"topic_prefix": prefix}, tmp_path)
    secure.grant(rights)
    unneeded, useless = [], []
    for grant in rights:
        tried = attempt(grant, kafka)
        if not await becomes(True, tried):
            useless.append(str(grant))
        secure.revoke([grant])
        if not await becomes(False, tried):
            unneeded.append(str(grant))
        secure.grant([grant])
    assert (unneeded, useless) == ([], [])
