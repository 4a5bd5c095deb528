"""The whole agent: servers, spool and Kafka, each of which may fail."""

import asyncio
import gc
import json
import os
import signal
import socket
import subprocess
import sys
import urllib.request
from collections import defaultdict
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from typing import Any

import pytest
from aiokafka import AIOKafkaConsumer

from leadline import wire
from leadline.clock import SystemClock
from leadline.errors import UsageError
from leadline.model.finding import EngineVitals
from leadline.model.observation import NodeSettings, Sample
from leadline.model.vitals import Vitals
from leadline.settings.agent import AgentSettings, InstanceSettings, SpoolSettings
from leadline.settings.common import KafkaSettings, MetricsSettings
from leadline.settings.secret import Secret
from leadline_agents import channel, service
from leadline_lab.sandbox.broker import EmbeddedBroker
from leadline_lab.sandbox.fleet import AGENT
from leadline_lab.sandbox.port import Port
from tests.fixtures.brokers import Broker
from tests.fixtures.fleets import Pair

PREFIX = "leadline."
TOPIC = f"{PREFIX}samples"


@pytest.fixture
def kafka() -> Iterator[EmbeddedBroker]:
    """One that may be taken down."""
    with EmbeddedBroker() as broker:
        broker.create_topic(TOPIC)
        yield broker


@pytest.fixture(autouse=True)
async def no_loose_ends() -> AsyncIterator[None]:
    """No task of aiokafka or of ours is left behind, and no error is unhandled."""
    loose: list[dict[str, Any]] = []
    asyncio.get_running_loop().set_exception_handler(lambda _, context: loose.append(context))
    before = asyncio.all_tasks()
    yield
    gc.collect()
    assert loose == []
    assert asyncio.all_tasks() - before - {asyncio.current_task()} == set()


FROZEN = """
import sys
from leadline_lab.sandbox.broker import EmbeddedBroker
with EmbeddedBroker() as broker:
    broker.create_topic("leadline.samples")
    print(broker.bootstrap, flush=True)
    sys.stdin.read()
"""


@contextmanager
def kafka_process() -> Iterator[tuple["subprocess.Popen[str]", str]]:
    """A broker that can be frozen, and its address."""
    command = [sys.executable, "-c", FROZEN]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        try:
            yield process, process.stdout.readline().strip()
        finally:
            process.kill()


def agent_settings(pair: Pair, bootstrap: str, folder: Path, prefix: str = PREFIX, **fields: Any) -> AgentSettings:
    servers = (pair.primary, pair.standby)
    instances = [
        InstanceSettings(dsn=Secret(server.dsn(user=AGENT)), name=server.name, cluster="orders") for server in servers
    ]
    return AgentSettings(
        instances=instances,
        interval_s=0.2,
        audit_every_s=0.0,
        kafka=KafkaSettings(bootstrap=bootstrap, topic_prefix=prefix),
        spool=SpoolSettings(path=str(folder / "spool")),
        **fields,
    )


class Reader:
    """Reads the topic from its beginning."""

    def __init__(self, consumer: AIOKafkaConsumer) -> None:
        self._consumer = consumer
        self.seen: dict[tuple[str, str], list[int]] = defaultdict(list)
        """By node and boot: the seqs, as they came."""
        self.late: set[int] = set()
        self.bases: dict[tuple[str, str], Sample] = {}
        """The newest whole sample of each run."""
        self.vitals: list[EngineVitals] = []
        self.keys: set[bytes] = set()

    async def until(self, node: str, seq: int, boots: int = 1) -> None:
        """Read on until this many runs of the agent on this node have come as far as this."""
        async with asyncio.timeout(30):
            while sum(1 for (name, _), seqs in self.seen.items() if name == node and max(seqs) >= seq) < boots:
                await self._read()

    async def to_the_end(self) -> None:
        """Read what is there."""
        for partition, end in (await self._consumer.end_offsets(self._consumer.assignment())).items():
            while await self._consumer.position(partition) < end:
                await self._read()

    async def _read(self) -> None:
        for records in (await self._consumer.getmany(timeout_ms=200)).values():
            for record in records:
                seen = wire.OBSERVATIONS.decode(record.value)
                assert isinstance(seen, Sample | NodeSettings | Vitals)
                self.keys.add(record.key)
                self._note(seen)
                if record.headers and record.headers[-1][0] == "leadline-spooled":
                    self.late.add(seen.seq)

    def _note(self, seen: Sample | NodeSettings | EngineVitals) -> None:
        if isinstance(seen, Vitals):
            base = self.bases[seen.node, seen.boot]
            assert base.seq == seen.base
            assert seen.fits(base)
            self.vitals.append(seen)
            self.seen[seen.node, seen.boot].append(seen.seq)
            return
        self.seen[seen.node.name, seen.node.boot].append(seen.seq)
        if isinstance(seen, Sample):
            self.bases[seen.node.name, seen.node.boot] = seen

    def check(self, runs: int = 1, *, twice: bool = False) -> None:
        """Of both nodes, each run's observations are there from the first on, in order; some maybe ``twice``."""
        assert len(self.seen) == 2 * runs
        for seqs in self.seen.values():
            once = list(dict.fromkeys(seqs))
            assert once == list(range(1, len(once) + 1))
            assert twice or once == seqs


@asynccontextmanager
async def reading(bootstrap: str, prefix: str = PREFIX) -> AsyncIterator[Reader]:
    consumer = AIOKafkaConsumer(f"{prefix}samples", bootstrap_servers=bootstrap, auto_offset_reset="earliest")
    await consumer.start()
    try:
        yield Reader(consumer)
    finally:
        await consumer.stop()


@asynccontextmanager
async def agent(settings: AgentSettings) -> AsyncIterator[asyncio.Task[None]]:
    """The service in this process; stopped at the end, as by Ctrl-C."""
    task = asyncio.create_task(service.run(settings, SystemClock()))
    try:
        yield task
    finally:
        task.cancel()
        await asyncio.wait({task})


@pytest.mark.parametrize("wire_form", ["whole", "vitals"])
async def test_everything_arrives_once_in_order(
    pair: Pair, any_broker: Broker, prefix: str, tmp_path: Path, wire_form: str
) -> None:
    """Both servers, under their cluster, nothing late, nothing on disk."""
    any_broker.create_topic(f"{prefix}samples")
    async with reading(any_broker.bootstrap, prefix) as reader:
        async with agent(agent_settings(pair, any_broker.bootstrap, tmp_path, prefix, wire=wire_form)):
            await reader.until("pg-1", 6)
            await reader.until("pg-2", 6)
        await reader.to_the_end()
    reader.check()
    assert reader.keys == {b"orders"}
    assert reader.late == set()
    assert (len(reader.vitals) > 4) is (wire_form == "vitals")


@pytest.mark.parametrize("wire_form", ["whole", "vitals"])
async def test_kafka_away_and_back_loses_nothing(
    pair: Pair, kafka: EmbeddedBroker, tmp_path: Path, wire_form: str
) -> None:
    """Observations of the meantime come in order before new ones, and are marked as late."""
    async with reading(kafka.bootstrap) as reader:
        async with agent(agent_settings(pair, kafka.bootstrap, tmp_path, wire=wire_form)):
            await reader.until("pg-1", 4)
            kafka.down()
            await asyncio.sleep(3)
            kafka.up()
            await reader.until("pg-1", 30)
            await reader.until("pg-2", 30)
        await reader.to_the_end()
    reader.check()
    assert reader.late


async def test_kafka_hangs(pair: Pair, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A broker that accepts data and never answers is given up, and tried again until it answers."""
    monkeypatch.setattr(channel, "ANSWER_S", 1.0)
    with kafka_process() as (process, bootstrap):
        async with reading(bootstrap) as reader:
            async with agent(agent_settings(pair, bootstrap, tmp_path)):
                await reader.until("pg-1", 4)
                process.send_signal(signal.SIGSTOP)
                await asyncio.sleep(5)
                process.send_signal(signal.SIGCONT)
                await reader.until("pg-1", 35)
                await reader.until("pg-2", 35)
            await reader.to_the_end()
    reader.check(twice=True)


async def test_stopped_while_kafka_is_away(pair: Pair, kafka: EmbeddedBroker, tmp_path: Path) -> None:
    """The next run of the agent delivers what the last one could not, before its own observations."""
    settings = agent_settings(pair, kafka.bootstrap, tmp_path)
    async with reading(kafka.bootstrap) as reader:
        kafka.down()
        async with agent(settings):
            await asyncio.sleep(2)
        kafka.up()
        async with agent(settings):
            await reader.until("pg-2", 3, boots=2)
        await reader.to_the_end()
    reader.check(runs=2)
    first, *_ = reader.seen.values()
    assert len(first) > 5


async def test_kill_9_loses_nothing(pair: Pair, kafka: EmbeddedBroker, tmp_path: Path) -> None:
    """Undelivered observations survive, and the killed run has no gaps. tests/faults counts the looks."""
    settings = agent_settings(pair, kafka.bootstrap, tmp_path)
    async with reading(kafka.bootstrap) as reader:
        kafka.down()
        process = start(settings, tmp_path)
        try:
            await asyncio.sleep(4)
        finally:
            process.kill()
            process.wait()
        kafka.up()
        async with agent(settings):
            await reader.until("pg-1", 3, boots=2)
            await reader.until("pg-2", 3, boots=2)
        await reader.to_the_end()
    reader.check(runs=2)
    killed, *_ = reader.seen.values()
    assert len(killed) > 5


async def test_sigterm_flushes_and_exits(pair: Pair, kafka: EmbeddedBroker, tmp_path: Path) -> None:
    """A real process: all of its observations have arrived, and its connections are closed."""
    async with reading(kafka.bootstrap) as reader:
        process = start(agent_settings(pair, kafka.bootstrap, tmp_path), tmp_path)
        try:
            await reader.until("pg-1", 4)
            process.send_signal(signal.SIGTERM)
            assert await asyncio.to_thread(process.wait, 10) == 0
        finally:
            process.kill()
            process.wait()
        await reader.to_the_end()
    reader.check()
    assert pair.primary.value("SELECT count(*) FROM pg_stat_activity WHERE application_name = 'leadline'") == 0


def start(settings: AgentSettings, folder: Path) -> "subprocess.Popen[bytes]":
    file = folder / "agent.yaml"
    file.write_text(
        json.dumps(
            {
                "instances": [
                    {"dsn": instance.dsn.reveal(), "name": instance.name, "cluster": instance.cluster}
                    for instance in settings.instances
                ],
                "interval_s": settings.interval_s,
                "audit_every_s": settings.audit_every_s,
                "kafka": {"bootstrap": settings.kafka.bootstrap},
                "spool": {"path": settings.spool.path},
            }
        )
    )
    command = [sys.executable, "-m", "leadline_agents", "-c", str(file)]  # as its unit of systemd starts it
    return subprocess.Popen(command, stdin=subprocess.DEVNULL, stderr=subprocess.DEVNULL, env=dict(os.environ))


async def test_metrics_are_served(pair: Pair, kafka: EmbeddedBroker, tmp_path: Path) -> None:
    """The port of the settings answers with the agent's own numbers."""
    with Port() as port:
        number = port.number
    async with reading(kafka.bootstrap) as reader:
        metrics = MetricsSettings(port=number)
        async with agent(agent_settings(pair, kafka.bootstrap, tmp_path, metrics=metrics)):
            await reader.until("pg-2", 3)
            address = f"http://127.0.0.1:{number}/metrics"
            page = await asyncio.to_thread(lambda: urllib.request.urlopen(address, timeout=5).read().decode())
    assert 'leadline_agent_samples_total{node="pg-2",result="up"}' in page
    assert 'leadline_build_info{role="agent"' in page
    assert "leadline_agent_spool_records 0.0" in page


async def test_a_metrics_port_that_is_taken(pair: Pair, tmp_path: Path) -> None:
    """An error at the start."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        metrics = MetricsSettings(port=taken.getsockname()[1])
        with pytest.raises(UsageError, match=r"cannot serve metrics on 127\.0\.0\.1:\d+: .*; set metrics\.port"):
            await service.run(agent_settings(pair, "localhost:1", tmp_path, metrics=metrics), SystemClock())


async def test_certificates_that_cannot_be_read(pair: Pair, tmp_path: Path) -> None:
    """An error at the start as well, although Kafka itself may come later."""
    settings = agent_settings(pair, "localhost:1", tmp_path)
    kafka = KafkaSettings(security_protocol="SSL", ssl_ca_location=str(tmp_path / "none.pem"))
    wrong = AgentSettings(instances=settings.instances, kafka=kafka, spool=settings.spool)
    with pytest.raises(UsageError, match=r"kafka\.ssl\.ca\.location: cannot read"):
        await service.run(wrong, SystemClock())
