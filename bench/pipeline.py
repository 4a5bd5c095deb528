"""The stream processor against a bare consumer that only fetches and decodes, on the same topic in one run.

Each repetition starts a broker in memory, fills the samples topic once and reads it once per variant, each in a process
of its own; the order changes from repetition to repetition. A rate is records over the time from when they may be
fetched to the last. The table shows medians, and medians of each repetition's ratio to its own bare loop; the same by
processor time, from which a busy machine takes less away.

The same looks are on two topics: as whole samples, and as vitals with a whole sample each 30 s. Vitals of a fleet with
faults are on a third. The bare loop reads the whole samples in either case: what it would take to read vitals says
nothing about a reader of the content.
"""

import argparse
import asyncio
import json
import os
import shutil
import subprocess
import sys
from collections import Counter
from pathlib import Path
from statistics import median
from typing import Any

from aiokafka.partitioner import DefaultPartitioner
from aiokafka.record.default_records import DefaultRecordBatchBuilder
from confluent_kafka import Producer

from bench.fleet import fleet
from bench.forms import Forms
from bench.readers import FAULTY, KCAT, VARIANTS, VITALS, WHOLE, Speed
from leadline.topic_specs import TOPICS
from leadline.wire import outgoing
from leadline_lab.sandbox.broker import EmbeddedBroker

PARTITIONS = 96
"""Many, because the broker in memory keeps only 5 MiB of each."""
CLUSTERS = 640
SECONDS = 110


def measure(repetitions: int, seconds: int, names: list[str]) -> dict[str, list[Speed]]:
    """Speeds by variant."""
    speeds: dict[str, list[Speed]] = {name: [] for name in names}
    for repetition in range(repetitions):
        with EmbeddedBroker() as broker:
            for topic in TOPICS:
                for prefix in (WHOLE, VITALS, FAULTY):
                    broker.create_topic(f"{prefix}{topic}", PARTITIONS)
            count = fill(broker.bootstrap, seconds)
            # What writes states comes last, or the others would recover them.
            order = [name for name in names if "durable" not in name]
            order = order[repetition % len(order) :] + order[: repetition % len(order)]
            for name in [*order, *(name for name in names if "durable" in name)]:
                speed = run_alone(name, broker.bootstrap, count)
                speeds[name].append(speed)
                print(f"  {repetition + 1}/{repetitions} {name:<9}{speed.rate:>9,.0f}/s", file=sys.stderr)
    return speeds


def fill(bootstrap: str, seconds: int) -> int:
    """Write the looks where agents would, in both forms, as many clusters to each partition; return how many.

    The same looks at a fleet with faults go to topics of their own.

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
    forms, broken_forms = Forms(VITALS), Forms(FAULTY)
    taken: Counter[int] = Counter()
    partition_of, numbers = DefaultPartitioner(), list(range(PARTITIONS))
    count = 0
    healthy, faulty = fleet(2 * CLUSTERS, seconds), fleet(2 * CLUSTERS, seconds, faulty=True)
    for sample, broken in zip(healthy, faulty, strict=True):
        name = sample.node.cluster
        if name not in homes:
            home = partition_of(name.encode(), numbers, numbers)
            homes[name] = home if taken[home] < CLUSTERS // PARTITIONS else None
            taken[home] += 1
        if (partition := homes[name]) is None:
            continue
        for record in (outgoing(sample, WHOLE), forms.of(sample), broken_forms.of(broken)):
            producer.produce(record.topic, record.value, record.key, partition, headers=list(record.headers))
        count += 1
        if not count % 1000:
            producer.poll(0)
    producer.flush()
    return count


def record_bytes(seconds: int = 300) -> float:
    """Bytes of a record in the mean, with key and headers, of vitals and the whole samples among them."""
    forms, sizes = Forms(VITALS), list[int]()
    for sample in fleet(1, seconds):
        record, batch = forms.of(sample), DefaultRecordBatchBuilder(2, 0, 0, -1, -1, -1, 1 << 20)
        empty = batch.size()
        batch.append(0, 1_800_000_000_000, record.key, record.value, record.headers)
        sizes.append(batch.size() - empty)
    return sum(sizes) / len(sizes)


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
    if "compiled" in names and shutil.which(KCAT) is None:
        print(f"{KCAT} is not installed: it is not measured", file=sys.stderr)
        names.remove("compiled")
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
