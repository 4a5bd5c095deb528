"""Recovery: from the start of a worker's process until it reads on, with the states of a fleet in Kafka.

The states are those of clusters that have been judged for a while, written to a broker in memory under as many names as
the fleet has clusters. The time includes the start of Python, the group's assignment and reading all states.
"""

import argparse
import asyncio
import gc
import json
import subprocess
import sys
from pathlib import Path

from aiokafka.partitioner import DefaultPartitioner
from confluent_kafka import Producer

from bench.fleet import STANDBYS
from bench.footprint import cpu_s, memory
from bench.memory import judged
from leadline.clock import SystemClock
from leadline.errors import UnreachableError
from leadline.model.ids import ClusterName
from leadline.settings.common import KafkaSettings
from leadline.settings.stream import StreamSettings
from leadline.topic_specs import TOPICS
from leadline_lab.sandbox.broker import EmbeddedBroker
from leadline_streams.assembly import policy_of
from leadline_streams.runtime.app import GC_THRESHOLD, build, work
from leadline_streams.runtime.saving import STATES
from leadline_streams.runtime.snapshot import Saved

SIZES = {"10k": 10_000, "100k": 100_000}
"""Links, by the name that the numbers get."""
PARTITIONS = 96
"""Many, because the broker in memory keeps only 5 MiB of each."""
DIFFERENT = 100
"""Clusters that are judged; the others have the same states under names of their own."""
ROUNDS = 60


def write(bootstrap: str, clusters: int) -> None:
    """Write the states of so many clusters where their worker looks for them."""
    kafka = KafkaSettings(bootstrap=bootstrap)
    producer = Producer({"bootstrap.servers": bootstrap, "linger.ms": 100, "queue.buffering.max.messages": 10**6})
    partition_of, numbers = DefaultPartitioner(), list(range(PARTITIONS))
    states = list(judged(DIFFERENT, ROUNDS).values())
    for number in range(clusters):
        state = states[number % DIFFERENT]
        state.memory.cluster = ClusterName(f"recovered-{number:06d}")
        key = state.memory.cluster.encode()
        partition = partition_of(key, numbers, numbers)
        producer.produce(kafka.topic_prefix + STATES, Saved(partition, 0, state.dump()).pack(), key, partition)
        if not number % 1000:
            producer.poll(0)
    producer.flush()


async def recover(bootstrap: str) -> None:
    """Start as ``leadline stream`` does; print the number of clusters when it reads on, and go on."""
    clock, settings = SystemClock(), StreamSettings(kafka=KafkaSettings(bootstrap=bootstrap))
    app = build(settings, clock, policy_of(settings))
    gc.set_threshold(*GC_THRESHOLD)
    working = asyncio.create_task(work(app, clock, asyncio.Event()))
    while not app.worker.committable() and not working.done():
        await clock.sleep(0.01)
    print(len(app.worker.folds()), flush=True)
    await working


def measure(links: int) -> tuple[float, float, float]:
    """Seconds that a worker of so many links takes, its seconds of processor time, and its resident bytes a link."""
    clusters = links // len(STANDBYS)
    clock = SystemClock()
    with EmbeddedBroker() as broker:
        for topic in TOPICS:
            broker.create_topic(KafkaSettings().topic_prefix + topic, PARTITIONS)
        write(broker.bootstrap, clusters)
        began = clock.monotonic()
        command = [sys.executable, "-m", "bench.recovery", "--alone", broker.bootstrap]
        with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
            assert process.stdout is not None
            try:
                found = process.stdout.readline().strip()
                took_s = clock.monotonic() - began
                used_s, rss_mb = cpu_s(process.pid), memory(process.pid).rss_mb
            finally:
                process.kill()
    if found != str(clusters):
        raise UnreachableError(f"the worker recovered {found or 'no'} of {clusters} clusters")
    return took_s, used_s, rss_mb * 2**20 / links


def main() -> None:
    """Measure each size, print it, and write JSON when asked."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--only", nargs="+", choices=list(SIZES), default=list(SIZES))
    parser.add_argument("--json", type=Path, help="write the numbers here")
    parser.add_argument("--alone", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.alone:
        asyncio.run(recover(options.alone))
        return
    numbers: dict[str, float] = {}
    for name in options.only:
        took_s, used_s, link_bytes = measure(SIZES[name])
        found = {"s": took_s, "cpu_s": used_s, "rss_per_link": link_bytes}
        numbers |= {f"recovery_{name}_{key}": value for key, value in found.items()}
        print(f"{name:>5} links: {took_s:6.1f} s, {used_s:6.1f} s of CPU, {link_bytes:8.0f} resident bytes a link")
    if options.json:
        options.json.write_text(json.dumps(numbers, indent=2) + "\n")


if __name__ == "__main__":
    main()
