"""Kafka in memory, as a worker sees it. The test decides about every acknowledgement and every crash."""

import asyncio
from collections import defaultdict, deque
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from datetime import UTC, datetime
from types import SimpleNamespace
from typing import Any

import orjson

from leadline.clock import ManualClock
from leadline.errors import BadRecord
from leadline.model.alert import Subject, Transition
from leadline.model.ids import AlertId, ClusterName, LinkId, NodeName
from leadline.model.lag import LagRollup
from leadline.model.node import Node
from leadline.model.observation import Sample, Tick
from leadline.settings.common import KafkaSettings
from leadline.settings.stream import DeadLetterSettings, StreamSettings
from leadline.wire import FUTURE, Outgoing, outgoing
from leadline_streams.runtime.interfaces import Extent
from leadline_streams.runtime.partition import Output
from leadline_streams.runtime.transport import Chunk, Opening
from leadline_streams.runtime.worker import Worker

AT = datetime(2026, 4, 10, 10, 0, 0, tzinfo=UTC)


def sample(cluster: str, seq: int = 0, error: str | None = None) -> Sample:
    """A sample of a node. With the ``error`` "bad" or "defect", ``Count`` refuses it or breaks."""
    node = Node(name=NodeName("pg-1"), cluster=ClusterName(cluster), boot="b")
    return Sample(node=node, seq=seq, at=AT, sent_at=AT, up=True, error=error)


def record(seen: Sample | Tick | bytes, offset: int = 0, partition: int = 0, key: bytes | None = None) -> Any:
    """A record as aiokafka hands it out."""
    out = Outgoing("samples", key, seen, []) if isinstance(seen, bytes) else outgoing(seen, "")
    return SimpleNamespace(
        topic="samples",
        partition=partition,
        offset=offset,
        key=out.key if key is None else key,
        value=out.value,
        headers=tuple(out.headers),
        timestamp=0,
        timestamp_type=0,
    )


class Count:
    """A judgement that counts: every second thing it sees makes a roll-up, every third a transition."""

    is_empty = unfinished = is_large = False
    beyond = ""
    spent = 0

    def __init__(self, cluster: str, seen: int = 0, last: Sequence[int] = ()) -> None:
        self.cluster = cluster
        self.seen = seen
        self.last = list(last)
        self.outputs: list[Output] = []

    def enqueue(self, seen: Sample, spooled: bool = False, packed: bytes = b"") -> None:
        """Count it; ``bad`` is refused, ``defect`` breaks after it has been counted."""
        if seen.error == "bad":
            raise BadRecord(FUTURE, "it says so")
        self.outputs += self._count(seen.seq)
        if seen.error == "defect":
            raise ZeroDivisionError("half-way")

    def evaluate(self) -> list[Output]:
        """The outputs since the last call."""
        outputs, self.outputs = self.outputs, []
        return outputs

    def tick(self, now: datetime) -> list[Output]:
        """Count it."""
        self.outputs += self._count(-1)
        return self.evaluate()

    def dump(self) -> bytes:
        """All of it."""
        return orjson.dumps([self.cluster, self.seen, self.last])

    def _count(self, seq: int) -> list[Output]:
        self.seen += 1
        self.last = [*self.last, seq][-5:]
        rollups = [_rollup(self.cluster)] if self.seen % 2 == 0 else []
        return [*rollups, *([_transition(self.cluster, self.seen // 3, str(self.last))] if self.seen % 3 == 0 else [])]


class Counts:
    """Makes ``Count``."""

    def new(self, cluster: str, seq_floor: int = 0) -> Count:
        """From nothing."""
        return Count(cluster)

    def load(self, data: bytes) -> Count:
        """From what was dumped."""
        return Count(*orjson.loads(data))


class MemoryLog:
    """Topics with one writer at a time. What is sent waits, in order per partition, until ``ack`` writes it."""

    too_large: tuple[type[Exception], ...] = (OverflowError,)
    fenced: tuple[type[Exception], ...] = (PermissionError,)

    def __init__(self) -> None:
        self.samples: dict[int, list[Any]] = defaultdict(list)
        self.written: list[Outgoing] = []
        self.waiting: dict[tuple[str, int | None], deque[tuple[Outgoing, asyncio.Future[None]]]] = defaultdict(deque)
        self.committed: dict[int, int] = {}
        self.refuses: Callable[[Outgoing], bool] = lambda record: False
        self.most_bytes: int | None = None
        """The largest state that is taken."""
        self.worker: Worker | None = None
        self.claimed: list[set[int]] = []
        self.unusable: list[Any] = []
        self.taken_over = False
        """Another worker has claimed the partitions."""

    def append(self, seen: Sample | Tick | bytes, partition: int = 0, key: bytes | None = None) -> None:
        """An agent writes."""
        self.samples[partition].append(record(seen, len(self.samples[partition]), partition, key))

    def restart(self, clock: ManualClock, settings: StreamSettings) -> Worker:
        """A worker that starts from what was written, after whatever became of the one before."""
        self.waiting.clear()
        states = {record.key: record.value for record in self.written if record.topic == "state"}
        self.worker = Worker(settings, clock, Counts(), self, states)
        return self.worker

    async def claim(self) -> frozenset[int]:
        """Take all from whoever had them."""
        self.claimed.append(set(self.samples))
        self.taken_over = False
        return frozenset(self.samples)

    async def let_go(self) -> None:
        """Nothing is anybody's."""
        self.claimed.append(set())

    async def renew(self) -> None:
        """The same again."""
        self.claimed.append(self.claimed[-1])

    async def send(self, record: Outgoing, home: int) -> Awaitable[object]:
        """Wait for ``ack``."""
        assert home in self.claimed[-1]
        acknowledged = asyncio.get_running_loop().create_future()
        self.waiting[record.topic, record.partition].append((record, acknowledged))
        return acknowledged

    async def send_together(self, records: Sequence[Outgoing], home: int) -> Awaitable[object]:
        """Wait for ``ack`` of each."""
        return asyncio.gather(*[await self.send(record, home) for record in records])

    async def extents(self) -> Mapping[int, Extent]:
        """All partitions are this worker's."""
        return {number: Extent(0, len(found), self.committed.get(number)) for number, found in self.samples.items()}

    def unusable_states(self, partition: int) -> Sequence[Any]:
        """Those that a test has put there."""
        return self.unusable

    def partition_of(self, key: bytes) -> int:
        """All keys are in the first partition."""
        return 0

    async def open(self, positions: Mapping[int, int]) -> list[Opening]:
        """Nothing to do: tests read for themselves."""
        return [Opening(number, start) for number, start in positions.items()]

    async def flush(self) -> None:
        """Commit."""
        assert self.worker is not None
        self.committed.update(self.worker.committable())

    def ack(self, queue: tuple[str, int | None], *, lost: bool = False) -> None:
        """Write the oldest record of a queue; the writer is notified unless the acknowledgement is lost."""
        record, acknowledged = self.waiting[queue].popleft()
        if not self.waiting[queue]:
            del self.waiting[queue]
        if self.taken_over:
            acknowledged.set_exception(PermissionError("another worker's"))
            return
        if self.refuses(record):
            acknowledged.set_exception(ConnectionError("refused"))
            return
        if record.topic == "state" and self.most_bytes is not None and len(record.value or b"") > self.most_bytes:
            acknowledged.set_exception(OverflowError("too large"))
            return
        self.written.append(record)
        if not lost and not acknowledged.done():
            acknowledged.set_result(None)

    async def settle(self, *tasks: Awaitable[object]) -> None:
        """Acknowledge everything until nothing more is sent and these are done."""
        running = [asyncio.ensure_future(task) for task in tasks]
        for _ in range(1000):
            await pause()
            for queue in list(self.waiting):
                while self.waiting.get(queue):
                    self.ack(queue)
            if not self.waiting and all(task.done() for task in running):
                await pause()
                if not self.waiting:
                    return
            if running and not self.waiting:
                await asyncio.wait(running, timeout=0.01)  # something may run beside the loop
        raise AssertionError("it never settles")

    def topic(self, name: str) -> list[Outgoing]:
        """The records that were written to a topic."""
        return [record for record in self.written if record.topic == name]


async def pause() -> None:
    """Let every task run until it waits for something of this test."""
    loop: Any = asyncio.get_running_loop()
    for _ in range(8):
        await asyncio.sleep(0)
        if not loop._ready:
            break


def settings(**changes: Any) -> StreamSettings:
    """Settings with topics without a prefix."""
    return StreamSettings(kafka=KafkaSettings(topic_prefix=""), **changes)


def forgiving() -> StreamSettings:
    """Settings under which no number of bad records stops a worker."""
    return settings(deadletters=DeadLetterSettings(max_consecutive=10**9, max_ratio=1.0))


class Batch(list[Any]):
    """Records as Kafka keeps them together."""

    timestamp_type = max_timestamp = 0

    @property
    def next_offset(self) -> int:
        """The offset after the last."""
        return int(self[-1].offset) + 1


def chunk(opening: Opening, records: Iterable[Any]) -> Chunk:
    """As the transport delivers it."""
    return Chunk(opening, [Batch(records)])


def _transition(cluster: str, seq: int, summary: str) -> Transition:
    return Transition(
        alert_id=AlertId(f"a_{cluster}"),
        seq=seq,
        cluster=ClusterName(cluster),
        datacenter="",
        rule="replication_lag",
        subject=Subject(kind="cluster", id=cluster),
        from_="pending",
        to="firing",
        reason="breach",
        severity="critical",
        event_time=AT,
        started_at=AT,
        value=None,
        threshold=None,
        unit="s",
        window_s=0.0,
        verdict=None,
        summary=summary,
        evidence=[],
        observers=[],
        runbook="",
        labels={},
    )


def _rollup(cluster: str) -> LagRollup:
    return LagRollup(
        cluster=ClusterName(cluster),
        datacenter="",
        link=LinkId(f"{cluster}/pg-1->pg-2"),
        upstream=NodeName("pg-1"),
        downstream=NodeName("pg-2"),
        link_kind="physical",
        window_s=10.0,
        start=AT,
        end=AT,
        samples=1,
        lag_min_s=None,
        lag_avg_s=None,
        lag_max_s=None,
        lag_last_s=None,
        bytes_max=None,
        bytes_last=None,
        verdict="idle",
        verdicts={},
    )
