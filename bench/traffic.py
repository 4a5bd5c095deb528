"""Looks sent at a steady rate, as agents send them, with probes among them, and the moment at which what each probe
causes is received.

A probe is the sample of a server that does not answer its agent. Each cluster has at most one in a run, so what it
causes is known by the cluster, which is the key.
"""

import random
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from threading import Event, Thread
from typing import Literal, Self

from confluent_kafka import OFFSET_BEGINNING, Consumer, Producer, TopicPartition

from bench.fleet import STANDBYS, fleet
from bench.forms import Forms
from leadline.clock import SystemClock
from leadline.errors import UnreachableError
from leadline.model.observation import Sample
from leadline.model.vitals import milliseconds
from leadline.topics import PARTITIONS
from leadline.wire import timestamp

Probe = Literal["single", "ordered"]
"""Of a cluster of one node, which is judged at once; or of three, where it waits for the other two."""
PROBES_PER_S: Mapping[Probe, int] = {"single": 20, "ordered": 10}
WARM_S = 12
"""The judgement admits a new node after ``lateness_s``, 2 s, and all nodes are new here at once: at 5000 a second, what
came meanwhile is judged some 8 s later."""
TAIL_S = 2
"""Samples go on for so long after the last probe: those that wait for others' need them."""
BEHIND_S = 1.0
"""A publisher that is later than this does not keep the rate."""


@dataclass(frozen=True, slots=True)
class Planned:
    """A record to publish."""

    due_s: float
    key: bytes
    value: bytes
    headers: list[tuple[str, bytes]]
    time: bytes
    """The text in ``value`` that is replaced by the time at which it is sent."""
    probe: Probe | None
    is_vitals: bool = False

    def value_at(self, moment: datetime) -> bytes:
        """The value, sent at this moment."""
        if self.is_vitals:
            return self.value.replace(self.time, str(milliseconds(moment)).encode(), 1)
        return self.value.replace(self.time, timestamp(moment).encode())


def plan(rate: int, seconds: int, start: float) -> list[Planned]:
    """So many samples a second, each node's once a second at a phase of its own; probes after ``WARM_S``.

    ``start``: about the time at which they are sent, since servers and connections began before it.
    """
    forms = Forms("")
    standbys: Mapping[Probe, Sequence[str]] = {"single": (), "ordered": STANDBYS}
    singles = PROBES_PER_S["single"] * seconds
    clusters: Mapping[Probe, int] = {"single": singles, "ordered": (rate - singles) // (1 + len(STANDBYS))}
    phases = random.Random(rate)
    phase_of: defaultdict[tuple[str, str], float] = defaultdict(phases.random)
    planned = []
    for kind, number_of in clusters.items():
        for sample in fleet(number_of, WARM_S + seconds + TAIL_S, kind, standbys[kind], start=start):
            cluster, name = sample.node.cluster, sample.node.name
            number, member = int(cluster.rpartition("-")[2]), int(name.rpartition("-")[2]) - 1
            turn = number // PROBES_PER_S[kind]
            fails = turn < seconds and sample.seq == WARM_S + turn and member == number % (1 + len(standbys[kind]))
            record = forms.of(_unanswered(sample) if fails else sample)
            assert record.key is not None
            assert record.value is not None
            due_s = sample.seq + phase_of[cluster, name]
            is_vitals = record.value.startswith(b"[")
            time = str(milliseconds(sample.sent_at)) if is_vitals else timestamp(sample.sent_at)
            probe = kind if fails else None
            planned.append(Planned(due_s, record.key, record.value, record.headers, time.encode(), probe, is_vitals))
    return sorted(planned, key=lambda record: record.due_s)


def _unanswered(sample: Sample) -> Sample:
    """The sample that an agent sends when the server does not answer."""
    node, seq, at = sample.node, sample.seq, sample.sent_at
    return Sample(node=node, seq=seq, at=at, sent_at=at, up=False, error="connection refused", cost=sample.cost)


class Receiver:
    """When the first answer about each cluster arrived in a topic, on the monotonic clock; from ``with`` on."""

    def __init__(self, bootstrap: str, topic: str, wait_ms: int, is_answer: Callable[[bytes], bool]) -> None:
        self.arrived: dict[str, float] = {}
        self._consumer = Consumer(
            {"bootstrap.servers": bootstrap, "group.id": f"{topic}-bench", "fetch.wait.max.ms": wait_ms}
        )
        self._consumer.assign([TopicPartition(topic, number, OFFSET_BEGINNING) for number in range(PARTITIONS)])
        self._is_answer = is_answer
        self._closing = Event()
        self._thread = Thread(target=self._receive)

    def _receive(self) -> None:
        clock = SystemClock()
        while not self._closing.is_set():
            message = self._consumer.poll(0.1)
            at = clock.monotonic()
            if message is not None and not message.error() and self._is_answer(message.value() or b""):
                self.arrived.setdefault((message.key() or b"").decode(), at)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._closing.set()
        self._thread.join()
        self._consumer.close()


@dataclass(frozen=True, slots=True)
class Sent:
    """A probe and the moment at which it was produced."""

    kind: Probe
    at: float


def publish(bootstrap: str, topic: str, linger_ms: int, planned: Sequence[Planned]) -> dict[str, Sent]:
    """Produce everything when it is due, whatever becomes of it; return the probes by cluster.

    Raises UnreachableError when the rate cannot be kept.
    """
    clock, pause = SystemClock(), Event()
    producer = Producer({"bootstrap.servers": bootstrap, "enable.idempotence": True, "linger.ms": linger_ms})
    sent: dict[str, Sent] = {}
    start = clock.monotonic()
    for record in planned:
        ahead_s = start + record.due_s - clock.monotonic()
        if ahead_s < -BEHIND_S:
            raise UnreachableError(f"the publisher is {-ahead_s:.1f} s behind: this machine does not keep the rate")
        if ahead_s > 0:
            producer.poll(0)
            pause.wait(ahead_s)
        value = record.value_at(clock.now())
        if record.probe is not None:
            sent[record.key.decode()] = Sent(record.probe, clock.monotonic())
        producer.produce(topic, value, record.key, headers=list(record.headers))
    producer.flush()
    return sent
