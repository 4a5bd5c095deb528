"""One partition of the samples topic: the offset that each cluster has applied, and the offset that is saved in Kafka.

Pure. The topic decides everything: a record is applied to a cluster once, in the order of its offset, and the offset is
saved beside the cluster's state. A worker that takes over therefore arrives at the same state from wherever it starts.

A tick is for every cluster of its partition. Records are enqueued to clusters in groups and evaluated once per group;
the size of a group makes no difference. Any exception of a judgement other than BadRecord is a defect: the cluster
returns to its last saved state, and its outputs since then are dropped, so that none counts as sent that was not.
"""

import logging
from collections.abc import Callable, Iterable, Iterator, MutableMapping
from dataclasses import dataclass, field
from datetime import datetime
from functools import partial
from itertools import islice
from typing import Any, Protocol
from zlib import crc32

from leadline.clock import moment
from leadline.deadletters import Rejected
from leadline.errors import BadRecord
from leadline.model.alert import Transition
from leadline.model.finding import EngineVitals, FindingReport
from leadline.model.incident import Incident
from leadline.model.lag import LagRollup
from leadline.model.observation import NodeSettings, Sample, Tick
from leadline.model.retirement import Retirement
from leadline.model.status import LinkStatus, NodeStatus
from leadline.model.vitals import Vitals
from leadline.wire import INVALID, OBSERVATIONS, SPOOLED, UNPROCESSABLE
from leadline_streams.judge.status import Forgotten
from leadline_streams.runtime.snapshot import Saved

TOGETHER = 64
"""Records that are enqueued before they are evaluated: so many stay in the processor's cache until then."""

Observed = Sample | NodeSettings | FindingReport | Retirement | EngineVitals
Output = Transition | Incident | LinkStatus | NodeStatus | Forgotten | LagRollup
ROUTINE = (LagRollup, LinkStatus, NodeStatus, Forgotten)
"""Outputs after which a state need not be saved at once: they are sent again, or replaced by the next."""
BROKER_TIME = 1
"""The type of a record's time that its broker has set."""
TICK_TOLERANCE_S = 5.0
"""A tick may have waited so long for its broker."""
log = logging.getLogger(__name__)


class Fold(Protocol):
    """The judgement of one cluster, as a partition needs it."""

    def enqueue(self, seen: Observed, spooled: bool = False) -> None:
        """Take one observation, to be judged at ``evaluate`` at the latest. Raises BadRecord."""
        ...

    def evaluate(self) -> list[Output]:
        """Judge what was enqueued, as far as it can be."""
        ...

    def tick(self, now: datetime) -> list[Output]:
        """Let time pass."""
        ...

    def dump(self) -> bytes:
        """The state as bytes."""
        ...


class FoldFactory(Protocol):
    """Makes folds."""

    def new(self, cluster: str) -> Fold:
        """A fold without state."""
        ...

    def load(self, data: bytes) -> Fold:
        """The fold whose state was dumped."""
        ...


@dataclass(slots=True, eq=False)
class Cluster:
    """A cluster of this worker. Offsets are of the next record, as everywhere in Kafka."""

    key: bytes
    name: str
    fold: Fold
    applied: int
    """Records below are in the fold."""
    saved: int
    """Records below are in the state that Kafka has acknowledged."""
    due: float = 0.0
    """When the state is next saved, on the clock that ``Partition.due`` is given."""
    sent: list[Any] = field(default_factory=list)
    """Acknowledgements awaited of outputs since the state was last saved."""


@dataclass(slots=True)
class Folded:
    """The result of some records."""

    judged: int = 0
    known: int = 0
    """Applied before: read again after a restart."""
    ticks: int = 0
    unplaced: int = 0
    """Vitals of a cluster of which nothing else was read yet: what they stand on is not known."""
    outputs: list[tuple[Cluster, Output]] = field(default_factory=list)
    rejected: list[Rejected] = field(default_factory=list)
    last: Observed | None = None
    used: set[bytes] = field(default_factory=set)
    """The keys of records that could be used."""
    newest: dict[Cluster, Any] = field(default_factory=dict)
    """The newest record of each cluster that has one here."""

    @property
    def read(self) -> int:
        """All records, whatever the result."""
        return self.judged + self.known + self.ticks + self.unplaced + len(self.rejected)


class Partition:
    """The clusters of one partition. ``blobs`` holds the last saved state of each."""

    def __init__(
        self, number: int, position: int, factory: FoldFactory, blobs: MutableMapping[bytes, bytes], flush_s: float
    ) -> None:
        self.number = number
        self.position = position
        """Every record below is applied, though not every state is saved; the caller of ``fold`` moves it."""
        self.clusters: dict[bytes, Cluster] = {}
        self._factory = factory
        self._blobs = blobs
        self._flush_s = flush_s

    def restore(self, key: bytes, saved: Saved, now: float) -> None:
        """Add a cluster from its saved state."""
        fold = self._factory.load(saved.state)
        self._add(Cluster(key, key.decode("utf-8"), fold, saved.applied, saved.applied), now)

    def fold(self, records: Iterable[Any], now: float) -> Folded:
        """Apply records in the order of offsets, those applied before left out: each to its cluster, a tick to all."""
        folded = Folded()
        for _ in self.turns(records, folded, now):
            pass
        return folded

    def turns(self, records: Iterable[Any], folded: Folded, now: float) -> Iterator[None]:
        """The same by and by, into ``folded``: after each group of records, others may have a turn."""
        stream = iter(records)
        while together := list(islice(stream, TOGETHER)):
            for _ in self._fold(together, folded, now):
                yield
            yield

    def _fold(self, records: Iterable[Any], folded: Folded, now: float) -> Iterator[None]:
        """Enqueue records to their clusters, then evaluate each cluster once, with a turn for others after each."""
        clusters, position = self.clusters, self.position
        touched: dict[Cluster, Any] = {}
        for record in records:
            key, offset, headers = record.key, record.offset, record.headers
            if offset < position:
                continue
            if key is None:
                yield from self._keyless(record, folded, now)
                continue
            cluster = clusters.get(key)
            try:
                seen = _decoded(record.value)
                if isinstance(seen, Sample):
                    if cluster is None or cluster.name != seen.node.cluster:
                        cluster = self._admit(record, seen.node.cluster, now)
                elif isinstance(seen, Vitals):  # the key alone says of which cluster
                    if cluster is None:
                        folded.unplaced += 1
                        continue
                elif isinstance(seen, Tick):
                    raise BadRecord(INVALID, "a tick is for all clusters and has no key")
                else:
                    name = seen.node.cluster if isinstance(seen, NodeSettings) else seen.cluster
                    if cluster is None or cluster.name != name:
                        cluster = self._admit(record, name, now)
                if offset < cluster.applied:
                    folded.known += 1
                    continue
                cluster.applied = offset + 1
                touched[cluster] = record
                cluster.fold.enqueue(seen, headers[-1][0] == SPOOLED if headers else False)
            except BadRecord as bad:
                folded.rejected.append(Rejected(record, bad.reason, bad.detail))
            except Exception as error:
                self._revert(cluster, record, error, folded)
            else:
                folded.judged += 1
                folded.used.add(key)
                folded.last = seen
        folded.newest.update(touched)
        for cluster, record in touched.items():
            self._judge(cluster, cluster.fold.evaluate, record, folded, now)
            yield

    def _keyless(self, record: Any, folded: Folded, now: float) -> Iterator[None]:
        try:
            seen = _decoded(record.value)
            if isinstance(seen, Vitals):
                raise BadRecord(INVALID, "there is no key; it should be the cluster")
            if not isinstance(seen, Tick):
                name = seen.node.cluster if isinstance(seen, Sample | NodeSettings) else seen.cluster
                raise BadRecord(INVALID, f"there is no key; it should be the cluster, {name!r:.100}")
        except BadRecord as bad:
            folded.rejected.append(Rejected(record, bad.reason, bad.detail))
        else:
            yield from self._tick(record, _bounded(seen.at, record), folded, now)

    def due(self, now: float) -> Iterator[Cluster]:
        """Clusters whose state is to be saved now."""
        for cluster in self.clusters.values():
            if cluster.due <= now and cluster.saved < cluster.applied:
                yield cluster

    def dump(self, cluster: Cluster, now: float) -> bytes:
        """The state of a cluster to save; it is next due one flush interval later."""
        blob = Saved(self.number, cluster.applied, cluster.fold.dump()).pack()
        self._blobs[cluster.key] = blob
        cluster.due = now + self._flush_s
        return blob

    @property
    def committable(self) -> int:
        """The offset that may be committed: no record below is needed to restore all clusters."""
        unsaved = (cluster.saved for cluster in self.clusters.values() if cluster.saved < cluster.applied)
        return min([self.position, *unsaved])

    def _tick(self, record: Any, at: datetime, folded: Folded, now: float) -> Iterator[None]:
        folded.ticks += 1
        for cluster in self.clusters.values():
            if record.offset < cluster.applied:
                continue
            cluster.applied = record.offset + 1
            self._judge(cluster, partial(cluster.fold.tick, at), record, folded, now)
            yield

    def _judge(
        self, cluster: Cluster, judged: Callable[[], list[Output]], record: Any, folded: Folded, now: float
    ) -> None:
        """Evaluate a cluster. A defect is attributed to its newest record."""
        try:
            outputs = judged()
        except Exception as error:
            self._revert(cluster, record, error, folded)
        else:
            if outputs:
                self._emit(cluster, outputs, folded, now)

    def _admit(self, record: Any, name: str, now: float) -> Cluster:
        key = name.encode("utf-8")
        if record.key != key:
            raise BadRecord(INVALID, f"the key is {record.key!r:.100}, the cluster in the value is {name!r:.100}")
        cluster = Cluster(key, name, self._factory.new(name), record.offset, record.offset)
        self._add(cluster, now)
        return cluster

    def _add(self, cluster: Cluster, now: float) -> None:
        # Spread over the interval, so that a full partition is not written at once.
        cluster.due = now + self._flush_s * crc32(cluster.key) / 2**32
        self.clusters[cluster.key] = cluster

    def _emit(self, cluster: Cluster, outputs: list[Output], folded: Folded, now: float) -> None:
        folded.outputs += [(cluster, output) for output in outputs]
        if not all(isinstance(output, ROUTINE) for output in outputs):
            cluster.due = now

    def set_aside(self, cluster: Cluster, error: Exception, folded: Folded) -> None:
        """A cluster whose outputs cannot be written, or whose state cannot: back to its last saved state.

        The newest of its records that were just read goes to the dead letters.
        """
        record = folded.newest.get(cluster)
        if record is not None:
            self._revert(cluster, record, error, folded)
        else:
            log.error("cannot save cluster %s: it returns to its last saved state", cluster.name, exc_info=error)
            self._set_back(cluster, folded)

    def _revert(self, cluster: Cluster | None, record: Any, error: Exception, folded: Folded) -> None:
        log.error("cannot judge offset %d of partition %d", record.offset, self.number, exc_info=error)
        folded.rejected.append(Rejected(record, UNPROCESSABLE, f"{type(error).__name__}: {error}"))
        if cluster is not None:
            self._set_back(cluster, folded)

    def _set_back(self, cluster: Cluster, folded: Folded) -> None:
        blob, factory = self._blobs.get(cluster.key), self._factory
        cluster.fold = factory.new(cluster.name) if blob is None else factory.load(Saved.unpack(blob).state)
        folded.outputs = [(owner, output) for owner, output in folded.outputs if owner is not cluster]


def _decoded(value: bytes) -> Any:
    """An observation. Raises BadRecord, whatever is wrong with the value."""
    try:
        return OBSERVATIONS.decode(value)
    except BadRecord:
        raise
    except Exception as error:
        raise BadRecord(UNPROCESSABLE, f"{type(error).__name__}: {error}") from error


def _bounded(at: datetime, record: Any) -> datetime:
    """The time of a tick: the broker's where the worker that wrote it has another, as its clock is wrong."""
    if record.timestamp_type != BROKER_TIME:
        return at
    appended = moment(record.timestamp / 1000)
    return at if abs((at - appended).total_seconds()) <= TICK_TOLERANCE_S else appended
