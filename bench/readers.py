"""The ways to read a topic of samples that ``bench.pipeline`` compares: from a bare loop to the whole processor."""

import asyncio
import gc
import os
import threading
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Any, cast

import orjson

from leadline.clock import SystemClock
from leadline.errors import UnreachableError
from leadline.model.ids import ClusterName
from leadline.settings.common import KafkaSettings
from leadline.settings.stream import StreamSettings
from leadline.wire import OBSERVATIONS
from leadline_streams.judge.state import Memory

WHOLE, VITALS, FAULTY = "leadline.", "vitals.", "faulty."
"""Prefixes of the topics: looks at a healthy fleet in either form, and as vitals at one with faults."""
SAMPLES = f"{WHOLE}samples"
STOCK_RECORDS = 20_000
"""Stock Faust is measured on this many: it would take most of the time otherwise."""
KCAT = "kcat"
"""Debian's package of this name is the compiled reader; it is left out where that is not installed."""
NEVER_S = 1e9
TICK_S = 60.0
"""The longest there is: no tick comes between the looks, whose times are not those of the machine that measures."""


@dataclass(frozen=True)
class Speed:
    """Records per second of time, and per second of processor time: the latter is steadier on a busy machine."""

    rate: float
    cpu_rate: float


@dataclass(frozen=True)
class Variant:
    """One way to read the topic."""

    title: str
    read: Callable[[str, int], Awaitable[Speed]]


class Stopwatch:
    """From when records may be fetched to the one that completes the number expected.

    Not from the first record: by then all of a fetch is there, which is more for one reader than for another.
    """

    def __init__(self, expected: int) -> None:
        self.expected = expected
        self.seen = 0
        self.done = asyncio.Event()
        self._clock = SystemClock()
        self._first = self._last = (0.0, 0.0)

    def begin(self) -> None:
        """Records may be fetched from here on."""
        if not self.seen:
            self._first = self._now()

    def count(self, records: int) -> None:
        """Records were handled."""
        self.seen += records
        self._last = self._now()
        if self.seen >= self.expected:
            self.done.set()

    async def speed(self) -> Speed:
        """The speed, once all records were handled."""
        await asyncio.wait_for(self.done.wait(), 120)
        seconds, cpu = (last - first for last, first in zip(self._last, self._first, strict=True))
        return Speed(self.seen / seconds, self.seen / cpu)

    def _now(self) -> tuple[float, float]:
        used = os.times()
        return self._clock.monotonic(), used.user + used.system


async def bare(bootstrap: str, expected: int, decode: Callable[[bytes], object] = orjson.loads) -> Speed:
    """A consumer as small as it can be."""
    from aiokafka import AIOKafkaConsumer

    consumer = AIOKafkaConsumer(
        SAMPLES, bootstrap_servers=bootstrap, group_id=f"bare-{os.getpid()}", auto_offset_reset="earliest"
    )
    await consumer.start()
    watch = Stopwatch(expected)
    gc.freeze()
    watch.begin()
    while not watch.done.is_set():
        fetched = await consumer.getmany(timeout_ms=1000, max_records=1000)
        for records in fetched.values():
            for record in records:
                decode(record.value)
            watch.count(len(records))
    speed = await watch.speed()
    await consumer.stop()
    return speed


async def native(bootstrap: str, expected: int) -> Speed:
    """The same with the compiled client: librdkafka fetches and unpacks in threads of its own."""
    from confluent_kafka import Consumer

    consumer = Consumer(
        {"bootstrap.servers": bootstrap, "group.id": f"native-{os.getpid()}", "auto.offset.reset": "earliest"}
    )
    watch = Stopwatch(expected)
    assigned, decode = threading.Event(), cast(Callable[[object], object], orjson.loads)
    consumer.subscribe([SAMPLES], on_assign=lambda *_: assigned.set())
    records = []
    while not assigned.is_set():
        records = consumer.consume(1000, 0.1)
    gc.freeze()
    watch.begin()
    while not watch.done.is_set():
        for record in records:
            decode(record.value())
        watch.count(len(records))
        records = consumer.consume(1000, 1.0)
    speed = await watch.speed()
    consumer.close()
    return speed


async def compiled(bootstrap: str, expected: int) -> Speed:
    """A compiled program that fetches and unpacks and decodes nothing; the begin of its process is part of it."""
    clock = SystemClock()
    began_s, before = clock.monotonic(), os.times()
    options = ("-C", "-b", bootstrap, "-t", SAMPLES, "-o", "beginning", "-c", str(expected), "-f", "", "-q")
    process = await asyncio.create_subprocess_exec(KCAT, *options)
    if status := await process.wait():
        raise UnreachableError(f"{KCAT} ended with status {status}")
    after = os.times()
    cpu_s = after.children_user + after.children_system - before.children_user - before.children_system
    return Speed(expected / (clock.monotonic() - began_s), expected / cpu_s)


async def typed(bootstrap: str, expected: int) -> Speed:
    """The same with values decoded into types and checked."""
    return await bare(bootstrap, expected, OBSERVATIONS.decode)


async def stock(bootstrap: str, expected: int) -> Speed:
    """Faust as it is, decoding in one of its agents."""
    import faust

    watch = Stopwatch(min(expected, STOCK_RECORDS))
    app = faust.App(
        f"stock-{os.getpid()}",
        broker=f"kafka://{bootstrap}",
        value_serializer="raw",
        topic_allow_declare=False,
        topic_disable_leader=True,
        web_enabled=False,
    )

    async def begin(*_: object, **__: object) -> None:
        watch.begin()

    async def decode(stream: faust.StreamT[bytes]) -> None:
        async for value in stream:
            orjson.loads(value)
            watch.count(1)

    app._create_directories = lambda: None  # type: ignore[method-assign]  # a folder that nobody puts away
    app.agent(app.topic(SAMPLES, value_serializer="raw"))(decode)
    app.on_partitions_assigned.connect(begin)
    app.finalize()
    await app.start()
    gc.freeze()
    return await watch.speed()


class NoJudgement:
    """A judgement that does nothing: what remains is the cost of delivering samples to it."""

    memory = Memory(ClusterName(""))
    late = duplicates = spent = 0
    is_empty = unfinished = is_large = False
    beyond = ""

    def enqueue(self, seen: object, spooled: bool = False, packed: bytes = b"") -> None:
        """Nothing."""

    def evaluate(self) -> list[Any]:
        """Nothing."""
        return []

    def tick(self, now: object) -> list[Any]:
        """Nothing."""
        return []

    def dump(self) -> bytes:
        """Nothing."""
        return b""


class NoJudgements:
    """Makes ``NoJudgement``."""

    def new(self, cluster: str, seq_floor: int = 0) -> NoJudgement:
        """The same for every cluster."""
        return NoJudgement()

    def load(self, data: bytes) -> NoJudgement:
        """The same for every state."""
        return NoJudgement()


async def unjudged(bootstrap: str, expected: int) -> Speed:
    """The pipeline without the judgement."""
    return await pipeline(bootstrap, expected, judge=False)


async def pipeline(
    bootstrap: str, expected: int, flush_s: float = NEVER_S, judge: bool = True, prefix: str = WHOLE
) -> Speed:
    """The whole pipeline: decode, judge, send the outputs, and write states each ``flush_s``."""
    from leadline_streams.judge.policy import Policy
    from leadline_streams.runtime.app import GC_THRESHOLD, build, work
    from leadline_streams.runtime.transport import Chunk, ChunkConsumer, Opening

    watch = Stopwatch(expected)
    kafka = KafkaSettings(bootstrap=bootstrap, topic_prefix=prefix)
    settings = StreamSettings(application_id=f"pipeline-{os.getpid()}", kafka=kafka, flush_s=flush_s, tick_s=TICK_S)
    app = build(settings, SystemClock(), Policy())
    if not judge:
        app.worker._factory = NoJudgements()
    process, ends = app.worker.process, dict[Opening, int]()
    consumer = cast(ChunkConsumer, app.consumer)
    opened = consumer.open

    async def timed_open(positions: Mapping[int, int]) -> list[Opening]:
        watch.begin()
        return await opened(positions)

    async def timed(chunk: Chunk) -> bool:
        urgent = await process(chunk)
        watch.count(chunk.end - ends.get(chunk.opening, 0))
        ends[chunk.opening] = chunk.end
        return urgent

    app.worker.process = timed  # type: ignore[method-assign]
    consumer.open = timed_open  # type: ignore[method-assign]
    gc.set_threshold(*GC_THRESHOLD)
    working = asyncio.create_task(work(app, SystemClock(), asyncio.Event()))
    measuring = asyncio.create_task(watch.speed())
    await asyncio.wait({working, measuring}, return_when=asyncio.FIRST_COMPLETED)
    return await (measuring if measuring.done() else working)  # type: ignore[return-value]  # the latter raises


async def durable(bootstrap: str, expected: int) -> Speed:
    """With the state of every cluster written once a second, ten times as often as by default."""
    return await pipeline(bootstrap, expected, 1.0)


async def vitals(bootstrap: str, expected: int) -> Speed:
    """The same looks, sent as vitals."""
    return await pipeline(bootstrap, expected, prefix=VITALS)


async def vitals_durable(bootstrap: str, expected: int) -> Speed:
    """The same with the state of every cluster written once a second."""
    return await pipeline(bootstrap, expected, 1.0, prefix=VITALS)


async def faulty(bootstrap: str, expected: int) -> Speed:
    """Looks, as vitals, at a fleet of which a part is behind and a part has incidents."""
    return await pipeline(bootstrap, expected, prefix=FAULTY)


VARIANTS = {
    "bare": Variant("bare loop: aiokafka + orjson", bare),
    "native": Variant("bare loop: librdkafka + orjson", native),
    "compiled": Variant("kcat, which decodes nothing", compiled),
    "typed": Variant("bare loop: aiokafka + typed decode", typed),
    "stock": Variant("stock Faust + orjson", stock),
    "unjudged": Variant("pipeline that judges nothing", unjudged),
    "pipeline": Variant("pipeline, states not written", pipeline),
    "vitals": Variant("pipeline over vitals, states not written", vitals),
    "faulty": Variant("pipeline over vitals, with faults", faulty),
    "durable": Variant("pipeline, states written each second", durable),
    "vitals_durable": Variant("pipeline over vitals, states each second", vitals_durable),
}
