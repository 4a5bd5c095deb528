"""A host whose clock is wrong by hours, before a real Apache Kafka with its own defaults."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from aiokafka import AIOKafkaConsumer

from leadline import wire
from leadline.clock import SystemClock
from leadline.errors import BadRecord
from leadline.kafka import consumer_options
from leadline.model.alert import Transition
from leadline.model.audit_look import AuditLook
from leadline.model.observation import NodeSettings, Sample
from leadline.settings.agent import AgentSettings, InstanceSettings, SpoolSettings
from leadline.settings.common import KafkaSettings
from leadline.settings.secret import Secret
from leadline.topics import create
from leadline_agents import service
from leadline_lab.sandbox.fleet import AGENT
from leadline_lab.sandbox.postgres import Server
from leadline_streams.assembly import judgement
from leadline_streams.judge.cluster import ClusterState
from leadline_streams.judge.policy import Policy
from leadline_streams.judge.watermark import AGREEING
from tests.fixtures.brokers import Broker
from tests.fixtures.fleets import Pair
from tests.wild.conftest import Wild
from tests.zoo.observation import HostClock

TWO_HOURS_S = 7200.0
SAMPLES = 15
"""Of the host with the wrong clock, which must all arrive."""
PATIENCE_S = 120.0

SOURCES = ("KAFKA-14991", "elastic/docs-content#2587")


class Followed:
    """The samples in the topic, and what they are judged to mean."""

    def __init__(self, kafka: KafkaSettings) -> None:
        self._kafka = kafka
        self._clock = SystemClock()
        self.state = ClusterState("orders", judgement(Policy(rules={"clock_skew": {"for_s": 3.0, "keep_s": 3.0}})))
        self.arrived: list[Sample] = []
        self.outputs: list[object] = []
        self.refused: list[str] = []
        """Reasons for which samples were not judged."""

    def notices(self) -> list[Transition]:
        """The transitions of the notice about a wrong clock."""
        return [one for one in self.outputs if isinstance(one, Transition) and one.rule == "clock_skew"]

    async def follow(self, *stages: Callable[[], bool]) -> None:
        """Read and judge until one stage after another is reached."""
        topic = self._kafka.topic_prefix + wire.OBSERVATIONS.name
        consumer = AIOKafkaConsumer(topic, **consumer_options(self._kafka, "test"))
        await consumer.start()
        self.outputs += self.state.tick(self._clock.now())  # as the processor's own, which are there before any agent
        try:
            async with asyncio.timeout(PATIENCE_S):
                for reached in stages:
                    while not reached():
                        for records in (await consumer.getmany(timeout_ms=500)).values():
                            for record in records:
                                self._judge(wire.OBSERVATIONS.decode(record.value))
                        self.outputs += self.state.tick(self._clock.now())
        finally:
            await consumer.stop()

    def _judge(self, seen: object) -> None:
        assert isinstance(seen, Sample | NodeSettings | AuditLook)
        if isinstance(seen, AuditLook):
            return  # it is dated by the server's clock
        if isinstance(seen, Sample):
            self.arrived.append(seen)
        try:
            self.outputs += self.state.observe(seen)
        except BadRecord as error:
            self.refused.append(str(error))


@asynccontextmanager
async def agent(kafka: KafkaSettings, server: Server, clock: HostClock, folder: Path) -> AsyncIterator[None]:
    """The agent of a server, on a host with this clock."""
    instance = InstanceSettings(dsn=Secret(server.dsn(user=AGENT)), name=server.name, cluster="orders")
    spool = SpoolSettings(path=str(folder / f"{server.name}.sqlite3"))
    settings = AgentSettings(instances=[instance], kafka=kafka, spool=spool, wire="whole")
    running = asyncio.create_task(service.run(settings, clock))
    try:
        yield
        assert not running.done()
    finally:
        running.cancel()
        await asyncio.wait({running})


async def skewed(kafka: KafkaSettings, pair: Pair, ahead_s: float, folder: Path) -> Followed:
    """Watch a pair whose standby's host has a wrong clock until its samples are judged, and until it is set right."""
    wrong = HostClock()
    wrong.ahead_s = ahead_s
    followed = Followed(kafka)

    def judged() -> bool:
        samples = sum(sample.node.name == pair.standby.name for sample in followed.arrived)
        return samples >= SAMPLES and bool(followed.notices()) and followed.notices()[-1].to == "firing"

    def set_right() -> bool:
        if wrong.ahead_s:
            check(followed, ahead_s)
        wrong.ahead_s = 0.0
        return followed.notices()[-1].to == "resolved"

    async with agent(kafka, pair.primary, HostClock(), folder), agent(kafka, pair.standby, wrong, folder):
        await followed.follow(judged, set_right)
    return followed


def check(followed: Followed, ahead_s: float) -> None:
    """Nothing was lost on the way, and the node is judged at the time that it really was."""
    numbers = [sample.seq for sample in followed.arrived if sample.node.name == "pg-2"]
    assert sorted({*numbers, 2}) == list(range(1, max(numbers) + 1))  # the second is of the settings
    assert len(followed.refused) < AGREEING  # until it is certain which clock is wrong
    memory = followed.state.memory
    assert memory.arrivals.sources["pg-2"].correction_s == pytest.approx(-ahead_s, abs=2.0)
    (link,) = memory.links.values()
    assert link.verdict in ("idle", "healthy")
    assert (memory.nodes["pg-2"].up, memory.nodes["pg-2"].stale) == (True, False)
    notice = followed.notices()[-1]
    assert notice.subject.node == "pg-2"
    assert notice.value == pytest.approx(abs(ahead_s), abs=2.0)
    assert f"{'ahead of' if ahead_s > 0 else 'behind'} the others since " in notice.summary
    assert {one.rule for one in followed.outputs if isinstance(one, Transition)} == {"clock_skew"}


@pytest.mark.quick
@pytest.mark.situation(24, "The host's clock is two hours ahead, and the topic has Kafka's defaults", *SOURCES)
async def test_clock_ahead(pair: Pair, apache_kafka: Broker, prefix: str, tmp_path: Path, wild: Wild) -> None:
    """Kafka refuses the times of the host; its observations are sent with others, and none is lost."""
    apache_kafka.create_topic(f"{prefix}samples")
    kafka = KafkaSettings(bootstrap=apache_kafka.bootstrap, topic_prefix=prefix)
    wild.begins()
    followed = await skewed(kafka, pair, TWO_HOURS_S, tmp_path)
    wild.answers(next(one.summary for one in followed.notices() if one.to == "firing"))


@pytest.mark.situation(24, "The host's clock is two hours behind", *SOURCES)
async def test_clock_behind(pair: Pair, apache_kafka: Broker, prefix: str, tmp_path: Path, wild: Wild) -> None:
    """Kafka accepts these times, and the judgement corrects them."""
    apache_kafka.create_topic(f"{prefix}samples")
    kafka = KafkaSettings(bootstrap=apache_kafka.bootstrap, topic_prefix=prefix)
    wild.begins()
    followed = await skewed(kafka, pair, -TWO_HOURS_S, tmp_path)
    wild.answers(next(one.summary for one in followed.notices() if one.to == "firing"))


@pytest.mark.situation(24, "The host's clock is two hours ahead, and the topics are our own", *SOURCES)
async def test_our_topics(pair: Pair, apache_kafka: Broker, prefix: str, tmp_path: Path, wild: Wild) -> None:
    """Brokers set the times of records in topics that Leadline creates, and refuse none."""
    kafka = KafkaSettings(bootstrap=apache_kafka.bootstrap, topic_prefix=prefix)
    await create(kafka)
    wild.begins()
    followed = await skewed(kafka, pair, TWO_HOURS_S, tmp_path)
    wild.answers(next(one.summary for one in followed.notices() if one.to == "firing"))
