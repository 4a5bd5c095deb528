"""Topics of one test, agents that write as time passes, workers as processes, and what one fold says of it all."""

import asyncio
import signal
import subprocess
import sys
from collections import defaultdict
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from random import Random
from typing import Any, Self

import msgspec
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition

from leadline.clock import SystemClock
from leadline.errors import ExitCode
from leadline.model.alert import Transition
from leadline.model.incident import Incident
from leadline.model.observation import Sample, Tick
from leadline.settings.common import KafkaSettings
from leadline.settings.stream import DeadLetterSettings, StreamSettings
from leadline.wire import CODECS, OBSERVATIONS, encode, outgoing
from leadline_streams.assembly import ClusterFactory
from leadline_streams.runtime.partition import Partition
from tests.fixtures.brokers import Broker, create_topics
from tests.integration.streams.worker_main import QUICK
from tests.unit.streams import world
from tests.unit.streams.world import World

PARTITIONS = 4
ROOT = Path(__file__).parents[3]
CLOCK = SystemClock()


@dataclass(frozen=True)
class Topics:
    """The topics of one test, on a broker that others use too."""

    bootstrap: str
    prefix: str

    @classmethod
    def create(cls, broker: Broker, prefix: str) -> Self:
        """All of them."""
        create_topics(broker, prefix, PARTITIONS)
        return cls(broker.bootstrap, prefix)

    def settings(self, **changes: Any) -> StreamSettings:
        """Settings of a worker on them; states are written every two seconds."""
        kafka = KafkaSettings(bootstrap=self.bootstrap, topic_prefix=self.prefix)
        deadletters = DeadLetterSettings(max_consecutive=1000, max_ratio=1.0)
        given = {"application_id": f"{self.prefix}group", "flush_s": 2.0, "tick_s": 0.5, "deadletters": deadletters}
        return StreamSettings(kafka=kafka, **{**given, **changes})

    async def read(self, name: str) -> dict[int, list[Any]]:
        """Everything in a topic, by partition."""
        async with _consumer(self.bootstrap) as consumer:
            places = [TopicPartition(self.prefix + name, number) for number in range(PARTITIONS)]
            consumer.assign(places)
            await consumer.seek_to_beginning()
            ends = await consumer.end_offsets(places)
            found: dict[int, list[Any]] = defaultdict(list)
            while any([await consumer.position(place) < ends[place] for place in places]):
                for place, records in (await consumer.getmany(timeout_ms=200)).items():
                    found[place.partition] += records
            return found

    async def committed(self, settings: StreamSettings) -> dict[int, tuple[int, int]]:
        """By partition of the samples: offset committed, and end."""
        async with _consumer(self.bootstrap, settings.application_id) as consumer:
            places = [TopicPartition(self.prefix + "samples", number) for number in range(PARTITIONS)]
            ends = await consumer.end_offsets(places)
            return {place.partition: (await consumer.committed(place) or 0, ends[place]) for place in places}


@asynccontextmanager
async def _consumer(bootstrap: str, group: str | None = None) -> AsyncIterator[AIOKafkaConsumer]:
    consumer = AIOKafkaConsumer(bootstrap_servers=bootstrap, group_id=group, enable_auto_commit=False)
    await consumer.start()
    try:
        yield consumer
    finally:
        await consumer.stop()


@asynccontextmanager
async def producing(topics: Topics, compression: str | None = None) -> AsyncIterator[AIOKafkaProducer]:
    """A producer."""
    producer = AIOKafkaProducer(
        bootstrap_servers=topics.bootstrap, max_request_size=8_000_000, compression_type=compression
    )
    await producer.start()
    try:
        yield producer
    finally:
        await producer.stop()


@dataclass
class Agents:
    """Pairs whose standbys stop replaying, or whose agents fall silent, now and then."""

    topics: Topics
    random: Random
    clusters: int = 8

    async def write(self, producer: AIOKafkaProducer, seconds: float) -> None:
        """Four looks a second at each server, as time passes."""
        async for seen in self.looks(seconds):
            await send(producer, self.topics, seen)

    async def looks(self, seconds: float) -> AsyncIterator[Sample]:
        """Four a second at each server, as time passes."""
        world.START = CLOCK.now()
        begin = CLOCK.monotonic()
        worlds = [World(f"orders-{number}") for number in range(self.clusters)]
        stuck: dict[str, int] = {}
        for each in worlds:
            each.pair()
        while (now := CLOCK.monotonic() - begin) < seconds:
            for each in worlds:
                primary, standby = each.servers.values()
                each.lsn += 20_000
                if self.random.random() < 0.05 and stuck.pop(each.cluster, None) is None:
                    stuck[each.cluster] = each.lsn
                if self.random.random() < 0.02:
                    standby.silent = not standby.silent
                each.stream(primary, standby, replayed=stuck.get(each.cluster))
                for server in (primary, standby):
                    if not server.silent:
                        yield server.sample(now)
            await CLOCK.sleep(0.25)


async def send(producer: AIOKafkaProducer, topics: Topics, seen: Any) -> None:
    """Write one observation as an agent does."""
    record = outgoing(seen, topics.prefix)
    await producer.send(record.topic, record.value, record.key, headers=record.headers)


class Worker:
    """``leadline stream`` as a process, with the quick policy."""

    def __init__(self, settings: StreamSettings, log: Path) -> None:
        self._log = log
        self._settings = msgspec.json.encode(settings).decode()
        self._process = self._start()

    def _start(self) -> subprocess.Popen[bytes]:
        command = [sys.executable, "-m", "tests.integration.streams.worker_main", self._settings]
        with self._log.open("ab") as output:
            return subprocess.Popen(command, cwd=ROOT, stderr=output)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._process.kill()
        self._process.wait()

    @property
    def pid(self) -> int:
        """Of the process."""
        return self._process.pid

    def signal(self, number: signal.Signals) -> None:
        """Send it a signal."""
        self._process.send_signal(number)

    async def keep(self) -> None:
        """Start it again when it ends because of Kafka, as its unit does, until cancelled."""
        while True:
            await CLOCK.sleep(0.5)
            if self._process.poll() is not None:
                assert self._process.returncode == ExitCode.UNREACHABLE, self._log.read_text(errors="replace")
                self._process = self._start()

    async def ended(self) -> tuple[int, str]:
        """Its exit code and its last words, when it has ended."""
        code = await asyncio.to_thread(self._process.wait, 30)
        return code, self._log.read_text(errors="replace")

    async def stop(self) -> int:
        """Ask it to end."""
        self.signal(signal.SIGTERM)
        return (await self.ended())[0]


async def at_work(topics: Topics, worker: Worker) -> None:
    """Wait for the first tick of this worker: it has partitions."""
    await ticking(topics, f":{worker.pid}")


async def ticking(topics: Topics, worker: str = "", partitions: int = PARTITIONS) -> None:
    """Wait for a tick of a worker whose name ends like this."""
    async with asyncio.timeout(90), _consumer(topics.bootstrap) as consumer:
        consumer.assign([TopicPartition(f"{topics.prefix}samples", number) for number in range(partitions)])
        await consumer.seek_to_beginning()
        async for record in consumer:
            seen = OBSERVATIONS.decode(record.value) if record.key is None else None
            if isinstance(seen, Tick) and seen.worker.endswith(worker):
                return


async def has_all(topics: Topics, worker: Worker) -> None:
    """Wait for a tick of this worker in every partition."""
    places = {TopicPartition(f"{topics.prefix}samples", number) for number in range(PARTITIONS)}
    async with asyncio.timeout(90), _consumer(topics.bootstrap) as consumer:
        consumer.assign(places)
        await consumer.seek_to_end()
        async for record in consumer:
            seen = OBSERVATIONS.decode(record.value) if record.key is None else None
            if isinstance(seen, Tick) and seen.worker.endswith(f":{worker.pid}"):
                places.discard(TopicPartition(record.topic, record.partition))
            if not places:
                return


async def caught_up(topics: Topics, settings: StreamSettings, patience_s: float = 60) -> None:
    """Wait until everything that is in the samples topic now is judged and committed.

    However long that takes on a busy machine; without progress no longer than ``patience_s``.
    """
    ends = {number: end for number, (_, end) in (await topics.committed(settings)).items()}
    deadline, before = CLOCK.monotonic() + patience_s, -1
    while CLOCK.monotonic() < deadline:
        places = await topics.committed(settings)
        if all(places[number][0] >= end for number, end in ends.items()):
            return
        done = sum(min(places[number][0], end) for number, end in ends.items())
        if done > before:
            deadline, before = CLOCK.monotonic() + patience_s, done
        await CLOCK.sleep(0.5)
    raise AssertionError(f"not caught up with {ends}: {await topics.committed(settings)}")


async def outputs(topics: Topics) -> dict[Any, set[bytes]]:
    """All bodies under which each transition and each incident was written."""
    found: dict[Any, set[bytes]] = defaultdict(set)
    for name in ("alerts", "incidents"):
        for records in (await topics.read(name)).values():
            for record in records:
                found[_identity(CODECS[name].decode(record.value))].add(record.value)
    return found


async def one_fold_says(topics: Topics, settings: StreamSettings) -> dict[Any, set[bytes]]:
    """The same from one uninterrupted fold over what was judged and committed of the samples topic."""
    found: dict[Any, set[bytes]] = {}
    committed = {number: offset for number, (offset, _) in (await topics.committed(settings)).items()}
    for number, records in (await topics.read("samples")).items():
        judged = [record for record in records if record.offset < committed[number]]
        folded = Partition(number, 0, ClusterFactory(QUICK), {}, 0.0).fold(judged, 0.0)
        for _, output in folded.outputs:
            if isinstance(output, Transition | Incident):
                found[_identity(output)] = {encode(output)}
    return found


def _identity(value: Transition | Incident) -> tuple[str, int]:
    return (value.alert_id if isinstance(value, Transition) else value.incident_id), value.seq


def firing(found: Iterable[Any]) -> list[Transition]:
    """Transitions to firing among decoded records."""
    return [value for value in found if isinstance(value, Transition) and value.to == "firing"]


def differences(found: dict[Any, set[bytes]], expected: dict[Any, set[bytes]]) -> list[str]:
    """The first differences between two results."""
    different = [key for key in sorted(found.keys() | expected.keys()) if found.get(key) != expected.get(key)]
    return [f"{key}: {found.get(key)} is not {expected.get(key)}" for key in different[:5]]
