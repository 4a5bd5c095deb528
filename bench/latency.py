"""From a sample to the alert that it makes: the processor beside a relay that only passes records on, on one broker.

Samples of a healthy fleet come at a steady rate, and among them some of servers that do not answer; ``node_down`` has
``for_s: 0`` here, so each of those is an alert at once. What is counted is the time from producing such a sample to
receiving the transition to firing. The relay gets the same and passes everything on. It and the processor run in turn,
each in a process of its own on topics of its own; publisher, broker in memory and receiver are this process, on other
processors.
"""

import argparse
import asyncio
import gc
import json
import os
import secrets
import subprocess
import sys
from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from statistics import median, quantiles

import orjson
from confluent_kafka.admin import AdminClient

from bench.page import PERCENTILES, RATES, WAYS
from bench.traffic import Planned, Probe, Receiver, plan, publish
from bench.written import keep_written
from leadline.clock import SystemClock
from leadline.errors import UnreachableError
from leadline.kafka import consumer_options, producer_options
from leadline.settings.common import KafkaSettings
from leadline.settings.stream import RuleOverride, StreamSettings
from leadline.topic_specs import TOPICS
from leadline.topics import PARTITIONS, create
from leadline.wire import ALERTS
from leadline_lab.sandbox.broker import EmbeddedBroker
from leadline_lab.sandbox.wait import eventually
from leadline_streams.runtime import transport

EMBEDDED_WAIT_MS = 1
"""The broker in memory holds a fetch that finds nothing for all the wait that it allows, whatever comes meanwhile."""
EMBEDDED_LINGER_MS = {1000: 0, 5000: 10}
"""And it answers with one batch of each partition, where Kafka gives all that there is: batches of one record would
measure that. So what is published fastest is gathered there for so long."""
SOURCE, TARGET = "samples", "alerts"
RULE = "node_down"
PROCESSORS = sorted(os.sched_getaffinity(0))
"""The last is for the processor or relay, the others for the rest, or the scheduler is measured."""
LIMIT_S = 60.0
"""For the last probes to arrive."""


@dataclass(frozen=True)
class Variant:
    """One way from the topic of samples to that of alerts."""

    run: Callable[[KafkaSettings], Awaitable[None]]
    """Prints a line when it has begun to read, and goes on until it is killed."""
    is_answer: Callable[[bytes], bool]
    """Whether a value in the topic of alerts is what a probe causes."""


async def stream(kafka: KafkaSettings) -> None:
    """``leadline stream`` with its defaults."""
    from leadline_streams.assembly import policy_of
    from leadline_streams.runtime.app import GC_THRESHOLD, build, work

    limits = RuleOverride(for_s=0.0, keep_s=0.0)
    settings = StreamSettings(application_id=f"{kafka.topic_prefix}stream", kafka=kafka, rules={RULE: limits})
    clock = SystemClock()
    app = build(settings, clock, policy_of(settings))
    gc.set_threshold(*GC_THRESHOLD)
    working = asyncio.create_task(work(app, clock, asyncio.Event()))
    while not app.worker.committable() and not working.done():
        await clock.sleep(0.05)
    print(flush=True)
    await working


async def relay(kafka: KafkaSettings) -> None:
    """A consumer and a producer as small as they can be, and as safe as the processor's."""
    from aiokafka import AIOKafkaConsumer, AIOKafkaProducer

    source, target = kafka.topic_prefix + SOURCE, kafka.topic_prefix + TARGET
    options = consumer_options(kafka, "relay", f"{kafka.topic_prefix}relay")
    consumer = AIOKafkaConsumer(source, fetch_max_wait_ms=transport.FETCH_WAIT_MS, **options)
    producer = AIOKafkaProducer(**producer_options(kafka, "relay"))
    await consumer.start()
    await producer.start()
    gc.freeze()
    print(flush=True)
    while True:
        for records in (await consumer.getmany(timeout_ms=1000, max_records=1000)).values():
            for record in records:
                orjson.loads(record.value)
                await producer.send(target, record.value, record.key)


def is_firing(value: bytes) -> bool:
    """Whether an alert of the rule begins to fire."""
    transition = ALERTS.decode(value)
    return transition.rule == RULE and transition.to == "firing"


VARIANTS = {"relay": Variant(relay, lambda value: b'"up":false' in value), "stream": Variant(stream, is_firing)}


@contextmanager
def topics(bootstrap: str | None) -> Iterator[KafkaSettings]:
    """Topics for one run, on this broker or, without one, on a broker in memory."""
    if bootstrap is None:
        with EmbeddedBroker() as broker:
            kafka = KafkaSettings(bootstrap=broker.bootstrap)
            for topic in TOPICS:
                broker.create_topic(kafka.topic_prefix + topic, PARTITIONS)
            yield kafka
        return
    kafka = KafkaSettings(bootstrap=bootstrap, topic_prefix=f"bench-{secrets.token_hex(4)}.")
    made = asyncio.run(create(kafka))
    try:
        yield kafka
    finally:
        admin = AdminClient({"bootstrap.servers": bootstrap})
        for deleted in admin.delete_topics(made).values():
            deleted.result()


@dataclass(frozen=True)
class Passage:
    """The probes of one kind: when each was sent, in order, and how long it took until the answer."""

    sent_s: list[float]
    took_ms: list[float]

    def percentile(self, percent: int) -> float:
        """Of the latencies, in ms."""
        return quantiles(self.took_ms, n=100, method="inclusive")[percent - 1]

    @property
    def growth_ms_per_s(self) -> float:
        """From the first third to the last: the medians' difference by that of the times; 0 when nothing piles up."""
        third = len(self.took_ms) // 3
        (took, sent), (took_last, sent_last) = (
            (median(self.took_ms[part]), median(self.sent_s[part])) for part in (slice(third), slice(-third, None))
        )
        return (took_last - took) / (sent_last - sent)


def measure(name: str, bootstrap: str | None, rate: int, planned: Sequence[Planned]) -> dict[Probe, Passage]:
    """Let a variant run and send it everything. Raises UnreachableError when it, or an answer, is missing."""
    variant = VARIANTS[name]
    with topics(bootstrap) as kafka:
        command = [sys.executable, "-m", "bench.latency", "--bootstrap", kafka.bootstrap, "--alone", name]
        wait_ms, linger_ms = transport.FETCH_WAIT_MS, 0
        if bootstrap is None:
            wait_ms, linger_ms = EMBEDDED_WAIT_MS, EMBEDDED_LINGER_MS[rate]
        command += ["--prefix", kafka.topic_prefix, "--wait-ms", str(wait_ms)]
        with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
            assert process.stdout is not None
            os.sched_setaffinity(process.pid, PROCESSORS[-1:])
            try:
                if not process.stdout.readline():
                    raise UnreachableError(f"{name} does not start")
                target = kafka.topic_prefix + TARGET
                with Receiver(kafka.bootstrap, target, wait_ms, variant.is_answer) as receiver:
                    sent = publish(kafka.bootstrap, kafka.topic_prefix + SOURCE, linger_ms, planned)
                    eventually("every probe is answered", lambda: receiver.arrived.keys() >= sent.keys(), LIMIT_S)
            finally:
                process.kill()
    found: dict[Probe, Passage] = {}
    for cluster, probe in sent.items():
        passage = found.setdefault(probe.kind, Passage([], []))
        passage.sent_s.append(probe.at)
        passage.took_ms.append((receiver.arrived[cluster] - probe.at) * 1000)
    return found


Runs = Mapping[str, Sequence[Mapping[Probe, Passage]]]
"""The passages of each repetition, by variant."""


def summary(runs: Runs, suffix: str = "") -> dict[str, float]:
    """Medians over the repetitions, and medians of each repetition's ratios; keys end with ``suffix``."""
    columns: dict[str, list[float]] = {}
    for own, other in zip(runs["stream"], runs["relay"], strict=True):
        found = {"latency_growth_ms_per_s": own["single"].growth_ms_per_s}
        for percent in PERCENTILES:
            mine, its = own["single"].percentile(percent), other["single"].percentile(percent)
            found |= {
                f"latency_p{percent}_ms": mine,
                f"relay_p{percent}_ms": its,
                f"latency_p{percent}_to_relay_ratio": mine / its,
                f"latency_ordered_p{percent}_ms": own["ordered"].percentile(percent),
            }
        for key, value in found.items():
            columns.setdefault(key + suffix, []).append(value)
    return {key: median(values) for key, values in columns.items()}


def table(numbers: Mapping[str, float]) -> Iterator[str]:
    """The lines of a table for people."""
    yield f"{'ms on the way':<54}" + "".join(f"{name:>18}" for name in PERCENTILES.values())
    for rate, suffix in RATES.items():
        for way, title in WAYS.items():
            row = (numbers[f"{way}_p{percent}_ms{suffix}"] for percent in PERCENTILES)
            yield f"{f'{rate}/s: {title}':<54}" + "".join(f"{value:>18.1f}" for value in row)
        row = (numbers[f"latency_p{percent}_to_relay_ratio{suffix}"] for percent in PERCENTILES)
        yield f"{f'{rate}/s: in a cluster of one node, to the relay':<54}" + "".join(f"{value:>18.2f}" for value in row)
        yield f"{rate}/s: it grows by {numbers[f'latency_growth_ms_per_s{suffix}']:.2f} ms in a second"


def main() -> None:
    """Measure, print a table, and write JSON when asked."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--repetitions", type=int, default=3)
    parser.add_argument("--seconds", type=int, default=10, help="with probes, in each run")
    parser.add_argument("--bootstrap", help="address of an Apache Kafka; without it, a broker in memory")
    parser.add_argument("--json", type=Path, help="write the numbers here")
    for hidden in ("--alone", "--prefix", "--wait-ms", "--written"):
        parser.add_argument(hidden, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.alone:
        transport.FETCH_WAIT_MS = int(options.wait_ms)
        if options.written:
            keep_written(Path(options.written))
        kafka = KafkaSettings(bootstrap=options.bootstrap, topic_prefix=options.prefix)
        asyncio.run(VARIANTS[options.alone].run(kafka))  # type: ignore[arg-type]
        return
    os.sched_setaffinity(0, PROCESSORS[:-1] or PROCESSORS)
    numbers: dict[str, float] = {}
    for rate, suffix in RATES.items():
        planned = plan(rate, options.seconds, SystemClock().now().timestamp())
        runs: dict[str, list[dict[Probe, Passage]]] = {name: [] for name in VARIANTS}
        for repetition in range(options.repetitions):
            for name in list(VARIANTS)[:: 1 if repetition % 2 else -1]:
                found = measure(name, options.bootstrap, rate, planned)
                runs[name].append(found)
                line = ", ".join(f"p{percent} {found['single'].percentile(percent):.1f} ms" for percent in PERCENTILES)
                print(f"  {rate}/s {repetition + 1}/{options.repetitions} {name:<7} {line}", file=sys.stderr)
        numbers |= summary(runs, suffix)
    print(*table(numbers), sep="\n")
    if options.json:
        options.json.write_text(json.dumps(numbers, indent=2) + "\n")


if __name__ == "__main__":
    main()
