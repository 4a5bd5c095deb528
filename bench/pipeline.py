"""The stream processor against a bare consumer that only fetches and decodes, on the same topic in one run.

Each repetition starts a broker in memory, fills the samples topic once and reads it once per variant, each in a process
of its own; the order changes from repetition to repetition. A rate is records over the time from the first record
delivered to the last. The table shows medians, and medians of each repetition's ratio to its own bare loop; the same by
processor time, from which a busy machine takes less away.
"""

import argparse
import asyncio
import gc
import json
import os
import subprocess
import sys
from collections import Counter
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import Any

import orjson
from aiokafka.partitioner import DefaultPartitioner
from confluent_kafka import Producer

from bench.fleet import fleet
from leadline.clock import SystemClock
from leadline.sandbox.broker import EmbeddedBroker
from leadline.settings.common import KafkaSettings
from leadline.settings.stream import StreamSettings
from leadline.topics import TOPICS
from leadline.wire import OBSERVATIONS, outgoing
from leadline_streams.judge.memory import Memory

SAMPLES = "leadline.samples"
PARTITIONS = 96
"""Many, because the broker in memory keeps only 5 MiB of each."""
CLUSTERS = 640
SECONDS = 110
STOCK_RECORDS = 20_000
"""Stock Faust is measured on this many: it would take most of the time otherwise."""
NEVER_S = 1e9


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
    """From the first record to the one that completes the number expected."""

    def __init__(self, expected: int) -> None:
        self.expected = expected
        self.seen = 0
        self.done = asyncio.Event()
        self._clock = SystemClock()
        self._first = self._last = (0.0, 0.0)

    def begin(self) -> None:
        """Records are about to be handled."""
        if not self.seen:
            self._first = self._now()

    def count(self, records: int) -> None:
        """Records were handled."""
        self.seen += records
        self._last = self._now()
        if self.seen >= self.expected:
            self.done.set()

    async def speed(self) -> Speed:
        """How fast it was, when all were seen."""
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
    while not watch.done.is_set():
        fetched = await consumer.getmany(timeout_ms=1000, max_records=1000)
        watch.begin()
        for records in fetched.values():
            for record in records:
                decode(record.value)
            watch.count(len(records))
    speed = await watch.speed()
    await consumer.stop()
    return speed


async def typed(bootstrap: str, expected: int) -> Speed:
    """The same with values decoded into types and checked."""
    return await bare(bootstrap, expected, OBSERVATIONS.decode)


async def stock(bootstrap: str, expected: int) -> Speed:
    """Faust as it comes, decoding in an agent."""
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

    async def decode(stream: faust.StreamT[bytes]) -> None:
        async for value in stream:
            watch.begin()
            orjson.loads(value)
            watch.count(1)

    app._create_directories = lambda: None  # type: ignore[method-assign]  # a folder that nobody puts away
    app.agent(app.topic(SAMPLES, value_serializer="raw"))(decode)
    app.finalize()
    await app.start()
    gc.freeze()
    return await watch.speed()


class Nothing:
    """A judgement that thinks nothing: what is left is the cost of getting samples to it."""

    memory = Memory("")
    late = duplicates = 0

    def observe(self, seen: object, spooled: bool = False) -> list[Any]:
        """Nothing."""
        return []

    def tick(self, now: object) -> list[Any]:
        """Nothing."""
        return []

    def dump(self) -> bytes:
        """Nothing."""
        return b""


async def unjudged(bootstrap: str, expected: int) -> Speed:
    """The pipeline without the judgement."""
    return await pipeline(bootstrap, expected, judge=False)


async def pipeline(bootstrap: str, expected: int, flush_s: float = NEVER_S, judge: bool = True) -> Speed:
    """All of it: decode, judge, send what comes of it, and keep states when told to."""
    from leadline_streams.app import GC_THRESHOLD, build, work
    from leadline_streams.judge.policy import Policy

    watch = Stopwatch(expected)
    kafka = KafkaSettings(bootstrap=bootstrap)
    settings = StreamSettings(application_id=f"pipeline-{os.getpid()}", kafka=kafka, flush_s=flush_s)
    app = build(settings, SystemClock(), Policy())
    if not judge:
        app.worker._judgement.new = lambda cluster: Nothing()  # type: ignore[assignment,method-assign,return-value]
    process = app.worker.process

    async def timed(chunk) -> None:  # type: ignore[no-untyped-def]
        watch.begin()
        await process(chunk)
        watch.count(len(chunk.records))

    app.worker.process = timed  # type: ignore[method-assign]
    gc.set_threshold(*GC_THRESHOLD)
    working = asyncio.create_task(work(app, SystemClock(), asyncio.Event()))
    measuring = asyncio.create_task(watch.speed())
    await asyncio.wait({working, measuring}, return_when=asyncio.FIRST_COMPLETED)
    return await (measuring if measuring.done() else working)  # type: ignore[return-value]  # the latter raises


async def durable(bootstrap: str, expected: int) -> Speed:
    """With the state of every cluster written once a second, ten times as often as by default."""
    return await pipeline(bootstrap, expected, 1.0)


VARIANTS = {
    "bare": Variant("bare loop: aiokafka + orjson", bare),
    "typed": Variant("bare loop: aiokafka + typed decode", typed),
    "stock": Variant("stock Faust + orjson", stock),
    "unjudged": Variant("pipeline that judges nothing", unjudged),
    "pipeline": Variant("pipeline, states not written", pipeline),
    "durable": Variant("pipeline, states written each second", durable),
}


def measure(repetitions: int, seconds: int, names: list[str]) -> dict[str, list[Speed]]:
    """Speeds by variant."""
    speeds: dict[str, list[Speed]] = {name: [] for name in names}
    for repetition in range(repetitions):
        with EmbeddedBroker() as broker:
            for topic in TOPICS:
                broker.create_topic(f"leadline.{topic}", PARTITIONS)
            count = fill(broker.bootstrap, seconds)
            # What writes states comes last, or the others would recover them.
            order = [name for name in names if name != "durable"]
            order = order[repetition % len(order) :] + order[: repetition % len(order)]
            for name in [*order, *(name for name in names if name == "durable")]:
                speed = run_alone(name, broker.bootstrap, count)
                speeds[name].append(speed)
                print(f"  {repetition + 1}/{repetitions} {name:<9}{speed.rate:>9,.0f}/s", file=sys.stderr)
    return speeds


def fill(bootstrap: str, seconds: int) -> int:
    """Write the samples where agents would, the same number of clusters to each partition; return how many.

    In batches as large as can be: Kafka answers a fetch with up to 1 MB of a partition, the broker in memory with one
    batch of it.
    """
    producer = Producer(
        {
            "bootstrap.servers": bootstrap,
            "linger.ms": 120_000,
            "batch.size": 1_000_000,
            "queue.buffering.max.messages": 10**7,
            "queue.buffering.max.kbytes": 2**21 - 1,
        }
    )
    homes: dict[str, int | None] = {}
    taken: Counter[int] = Counter()
    partition_of, numbers = DefaultPartitioner(), list(range(PARTITIONS))
    count = 0
    for sample in fleet(2 * CLUSTERS, seconds):
        name = sample.node.cluster
        if name not in homes:
            home = partition_of(name.encode(), numbers, numbers)
            homes[name] = home if taken[home] < CLUSTERS // PARTITIONS else None
            taken[home] += 1
        if (partition := homes[name]) is None:
            continue
        record = outgoing(sample, "leadline.")
        producer.produce(record.topic, record.value, record.key, partition, headers=record.headers)
        count += 1
        if not count % 1000:
            producer.poll(0)
    producer.flush()
    return count


async def alone(name: str, bootstrap: str, count: int) -> None:
    """Print one speed and leave at once: nothing is put away, the next variant must find the topics as this one did."""
    speed = await VARIANTS[name].read(bootstrap, count)
    print(speed.rate, speed.cpu_rate, flush=True)
    os._exit(0)


def run_alone(name: str, bootstrap: str, count: int) -> Speed:
    """Read the topic in a process of its own."""
    command = [sys.executable, "-m", "bench.pipeline", "--alone", name, "--bootstrap", bootstrap, "--count", str(count)]
    done = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True)
    rate, cpu_rate = map(float, done.stdout.split())
    return Speed(rate, cpu_rate)


def report(speeds: dict[str, list[Speed]]) -> list[dict[str, Any]]:
    """Medians, and medians of the ratios to the bare loop of the same repetition."""
    rows = []
    for name, found in speeds.items():
        ratios = [speed.rate / base.rate for speed, base in zip(found, speeds["bare"], strict=True)]
        cpu_ratios = [speed.cpu_rate / base.cpu_rate for speed, base in zip(found, speeds["bare"], strict=True)]
        rate = median(speed.rate for speed in found)
        rows.append(
            {
                "variant": name,
                "title": VARIANTS[name].title,
                "records_per_s": round(rate),
                "us": round(1e6 / rate, 1),
                "cpu_us": round(1e6 / median(speed.cpu_rate for speed in found), 1),
                "ratio": round(median(ratios), 2),
                "cpu_ratio": round(median(cpu_ratios), 2),
                "ratios": [round(ratio, 3) for ratio in ratios],
            }
        )
    return rows


def main() -> None:
    """Measure, print a table, and write JSON when asked."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--repetitions", type=int, default=5)
    parser.add_argument("--seconds", type=int, default=SECONDS, help="of samples of the fleet")
    parser.add_argument("--only", nargs="+", choices=list(VARIANTS), default=list(VARIANTS))
    parser.add_argument("--json", type=Path)
    for hidden in ("--alone", "--bootstrap", "--count"):
        parser.add_argument(hidden, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.alone:
        asyncio.run(alone(options.alone, options.bootstrap, int(options.count)))
    names = list(dict.fromkeys(["bare", *options.only]))
    rows = report(measure(options.repetitions, options.seconds, names))
    print(f"{'':<38}{'records/s':>10}{'µs':>7}{'to bare':>9}{'CPU µs':>8}{'to bare':>9}")
    for row in rows:
        print(
            f"{row['title']:<38}{row['records_per_s']:>10,}{row['us']:>7}{row['ratio']:>9.2f}"
            f"{row['cpu_us']:>8}{row['cpu_ratio']:>9.2f}"
        )
    if options.json:
        options.json.write_text(json.dumps(rows, indent=1))


if __name__ == "__main__":
    main()
