"""One partition of the samples topic: the offset that each cluster has applied, and the offset that is saved in Kafka.

Pure. The topic decides everything: a record is applied to a cluster once, in the order of its offset, and the offset is
saved beside the cluster's state. A worker that takes over therefore arrives at the same state from wherever it starts.

A tick is for every cluster of its partition. Records are enqueued to clusters in groups and evaluated once per group;
the size of a group makes no difference. Any exception of a judgement other than BadRecord is a defect: the cluster
returns to its last saved state, and its outputs since then are dropped, so that none counts as sent that was not.
"""

import logging
from collections.abc import Callable, Iterable, Iterator, MutableMapping
from datetime import datetime
from functools import partial
from itertools import islice
from typing import Any
from zlib import crc32

from leadline.deadletters import Rejected, Unreadable
from leadline.errors import BadRecord
from leadline.model.observation import NodeSettings, Sample, Tick
from leadline.model.vitals import Vitals
from leadline.signature import SignatureCheck
from leadline.wire import INVALID, OBSERVATIONS, SPOOLED, UNPROCESSABLE, UNSIGNED
from leadline_streams.runtime import cluster_failure
from leadline_streams.runtime.cluster_failure import ClusterFailure, Kind
from leadline_streams.runtime.fold import ROUTINE, Cluster, Fold, Folded, FoldFactory, Output
from leadline_streams.runtime.reading import bounded, cluster_name, decoded, named, written_at
from leadline_streams.runtime.snapshot import Saved

TOGETHER = 64
"""Records that are enqueued before they are evaluated: so many stay in the processor's cache until then."""

CLUSTERS_TOGETHER = 8
"""Clusters that are evaluated before others may have a turn. Much is judged of a cluster in parts, with a turn before
each."""
LARGE_BYTES = 64 * 1024
"""A record from which so much may be discovered at once that it takes long."""
MOST_SPENT = 512
"""After so much judging while records are enqueued, others may have a turn."""
MOST_DEFECTS = 10
"""A state from which so many judgements in a row fail is given up: its cluster is judged anew."""
MOST_STRANGERS = 1000
"""Keys of no known cluster whose records cannot be used: so many are counted."""
MOST_CLUSTERS = 50_000
"""Clusters of one partition. The records of others are refused, so that one writer cannot take a worker's memory."""
LOST_S = 120.0
"""After states were left out that could not be read, a cluster without one may be one of theirs for so long."""
STEPS_PER_RECORD = 8
"""An alert takes no more steps than this at one record. So a multiple of the offset is above all its numbers."""
log = logging.getLogger(__name__)


class Partition:
    """The clusters of one partition. ``blobs`` holds the last saved state of each."""

    def __init__(
        self,
        number: int,
        position: int,
        factory: FoldFactory,
        blobs: MutableMapping[bytes, bytes],
        flush_s: float,
        verifier: SignatureCheck | None = None,
    ) -> None:
        self.number = number
        self.position = position
        """Every record below is applied, though not every state is saved; the caller of ``fold`` moves it."""
        self.clusters: dict[bytes, Cluster] = {}
        self._factory = factory
        self._blobs = blobs
        self.flush_s = flush_s
        """Seconds after which the state of a cluster is saved again; the worker makes them more for many clusters."""
        self._time_s = 0.0
        """Of the newest tick; 0 before the first."""
        self.takes_long = False
        """Whether the next turn may take long, since a large cluster is judged in it."""
        self._strangers: dict[bytes, int] = {}
        """Records of a key that is no known cluster's, none of which could be used."""
        self._verifier = verifier
        self._lost: tuple[str, float] | None = None
        """The reason for which states were left out, and until when clusters are taken for theirs."""

    @property
    def watches(self) -> bool:
        """Whether it has a cluster of which a record could be used."""
        return any(cluster.used for cluster in self.clusters.values())

    def restore(self, key: bytes, saved: Saved, now: float) -> Exception | None:
        """Add a cluster from its saved state; anew where that cannot be read, for the reason that is returned."""
        try:
            if not saved.state:
                raise ValueError("it was too large to be saved")
            fold, known = self._factory.load(saved.state), cluster_failure.unpack(saved.failure)
        except Exception as error:
            self.begin_anew(key, saved.applied, error, now)
            return error
        self._add(Cluster(key, key.decode("utf-8"), fold, saved.applied, saved.applied, failure=known), now)
        return None

    def begin_anew(self, key: bytes, applied: int, error: Exception, now: float) -> None:
        """Add a cluster whose saved state cannot be read. Raises UnicodeDecodeError when the key is no cluster."""
        name, floor = key.decode("utf-8"), STEPS_PER_RECORD * applied
        self._blobs.pop(key, None)
        cluster = Cluster(key, name, self._factory.new(name, floor), applied, applied, seq_floor=floor)
        cluster.unreported = ("state_unreadable", named(error))
        self._add(cluster, now)

    def expect_lost(self, why: str, now: float) -> None:
        """States of unknown clusters could not be read: clusters that show now without a state are taken for theirs."""
        self._lost = why, now + LOST_S

    def fold(self, records: Iterable[Any], now: float) -> Folded:
        """Apply records in the order of offsets, those applied before left out: each to its cluster, a tick to all."""
        folded = Folded()
        for _ in self.turns(records, folded, now):
            pass
        return folded

    def turns(self, records: Iterable[Any], folded: Folded, now: float) -> Iterator[bool]:
        """The same by and by, into ``folded``: each time others may have a turn. True after a group of records: those
        up to ``folded.end`` are applied and all judged, so the caller may leave the others."""
        stream = iter(records)
        self.takes_long = False
        while together := list(islice(stream, TOGETHER)):
            yield from self._fold(together, folded, now)
            folded.end = together[-1].offset + 1
            self.takes_long = False
            yield True

    def _fold(self, records: Iterable[Any], folded: Folded, now: float) -> Iterator[bool]:
        """Enqueue records to their clusters, then evaluate each cluster once, with a turn for others after each."""
        clusters, position = self.clusters, self.position
        touched: dict[Cluster, Any] = {}
        decode, verifier, used, judged = OBSERVATIONS.decode, self._verifier, folded.used, 0
        for record in records:
            key, offset, headers = record.key, record.offset, record.headers
            if offset < position:
                continue
            if key is None:
                yield from self._keyless(record, folded, now)
                continue
            cluster = clusters.get(key)
            try:
                if verifier is not None:
                    verifier.check(record)
                try:
                    seen: Any = decode(record.value)
                except BadRecord:
                    raise
                except Exception as error:
                    raise BadRecord(UNPROCESSABLE, named(error)) from error
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
                fold = cluster.fold
                if not self.takes_long and (cluster.is_large or len(record.value) > LARGE_BYTES):
                    self.takes_long = True
                    yield False
                fold.enqueue(seen, headers[-1][0] == SPOOLED if headers else False, record.value)
                if fold.spent >= MOST_SPENT:
                    fold.spent = 0
                    yield False
            except BadRecord as bad:
                folded.rejected.append(Rejected(record, bad.reason, bad.detail))
                if bad.reason != UNSIGNED or key in clusters:  # nobody can name clusters without their keys
                    self._refuse(record, bad, folded, now)
            except Exception as error:
                self._revert(cluster, record, error, folded, now)
            else:
                judged += 1
                folded.last = seen
                used.add(key)
        folded.judged += judged
        folded.newest.update(touched)
        for number, (cluster, record) in enumerate(touched.items(), 1):
            cluster.used = True
            if cluster.is_large and not self.takes_long:
                self.takes_long = True
                yield False
            if self._judge(cluster, cluster.fold.evaluate, record, folded, now):
                yield from self._finish(cluster, record, folded, now)
            if not number % CLUSTERS_TOGETHER:
                yield False

    def _keyless(self, record: Any, folded: Folded, now: float) -> Iterator[bool]:
        try:
            if isinstance(record, Unreadable):
                raise BadRecord(UNPROCESSABLE, record.detail)
            if self._verifier is not None:
                self._verifier.check(record)
            seen = decoded(record.value)
            if isinstance(seen, Vitals):
                raise BadRecord(INVALID, "there is no key; it should be the cluster")
            if not isinstance(seen, Tick):
                name = seen.node.cluster if isinstance(seen, Sample | NodeSettings) else seen.cluster
                raise BadRecord(INVALID, f"there is no key; it should be the cluster, {name!r:.100}")
        except BadRecord as bad:
            folded.rejected.append(Rejected(record, bad.reason, bad.detail))
        else:
            yield from self._tick(record, bounded(seen.at, record), folded, now)

    def due(self, now: float) -> Iterator[Cluster]:
        """Clusters whose state is to be saved now."""
        for cluster in self.clusters.values():
            if cluster.due <= now and cluster.saved < cluster.applied:
                yield cluster

    def dump(self, cluster: Cluster, now: float) -> bytes:
        """The state of a cluster to save; it is next due within a flush interval, at the cluster's own time in it."""
        blob = Saved(self.number, cluster.applied, cluster.fold.dump(), cluster_failure.pack(cluster.failure)).pack()
        self._blobs[cluster.key] = blob
        cluster.due = self._next_save(cluster.key, now)
        return blob

    def _next_save(self, key: bytes, now: float) -> float:
        """When the state of a cluster is saved next: clusters are spread over the flush interval, so that a partition
        is not written at once, and stay so after one in which all were late."""
        if not self.flush_s:
            return now
        return now + self.flush_s - (now - self.flush_s * crc32(key) / 2**32) % self.flush_s

    @property
    def committable(self) -> int:
        """The offset that may be committed: no record below is needed to restore all clusters."""
        clusters = list(self.clusters.values())  # some may be added meanwhile, beside the event loop
        unsaved = (cluster.saved for cluster in clusters if cluster.saved < cluster.applied)
        return min([self.position, *unsaved])

    def _tick(self, record: Any, at: datetime, folded: Folded, now: float) -> Iterator[bool]:
        folded.ticks += 1
        self._time_s = at.timestamp()
        for number, cluster in enumerate(list(self.clusters.values()), 1):
            if record.offset < cluster.applied:
                continue
            cluster.applied = record.offset + 1
            if cluster.is_large and not self.takes_long:
                self.takes_long = True
                yield False
            if self._judge(cluster, partial(cluster.fold.tick, at), record, folded, now):
                yield from self._finish(cluster, record, folded, now)
            if beyond := cluster.fold.beyond:
                self._note(cluster, "limit_reached", beyond, self._time_s, folded, now)
            if cluster.unreported is not None or cluster.failure is not None:
                self._follow(cluster, folded, now)
            if cluster.fold.is_empty and cluster.failure is None and cluster.unreported is None:
                del self.clusters[cluster.key]
                self._blobs.pop(cluster.key, None)
                folded.forgotten.append(cluster)
            if not number % CLUSTERS_TOGETHER:
                yield False

    def _follow(self, cluster: Cluster, folded: Folded, now: float) -> None:
        """Tell what went wrong with a cluster outside of any record, and when nothing is wrong any more."""
        if cluster.unreported is not None:
            (kind, detail), cluster.unreported = cluster.unreported, None
            self._note(cluster, kind, detail, self._time_s, folded, now)
        elif cluster.failure is not None and cluster.failure.is_over(
            self._time_s, max(cluster_failure.QUIET_S, 2 * self.flush_s)
        ):
            ended, cluster.failure = cluster.failure.ended(self._time_s), None
            if ended is not None:
                self._emit(cluster, [ended], folded, now)

    def _judge(
        self, cluster: Cluster, judged: Callable[[], list[Output]], record: Any, folded: Folded, now: float
    ) -> bool:
        """Evaluate a cluster; True when some of it is left. A defect is attributed to its newest record."""
        try:
            outputs = judged()
        except Exception as error:
            self._revert(cluster, record, error, folded, now)
            return False
        cluster.fold.spent, cluster.is_large = 0, cluster.fold.is_large
        if outputs:
            self._emit(cluster, outputs, folded, now)
        if cluster.fold.unfinished:
            return True
        cluster.defects = 0
        return False

    def _finish(self, cluster: Cluster, record: Any, folded: Folded, now: float) -> Iterator[bool]:
        """Evaluate the rest of a cluster, with a turn for others before each part."""
        yield False
        while self._judge(cluster, cluster.fold.evaluate, record, folded, now):
            yield False

    def _refuse(self, record: Any, bad: BadRecord, folded: Folded, now: float) -> None:
        """Count a record that cannot be used for the cluster whose key it has."""
        key, at = record.key, self._time_of(record)
        cluster = self.clusters.get(key)
        if cluster is None:
            if len(self._strangers) >= MOST_STRANGERS:
                self._strangers.clear()
            count = self._strangers[key] = self._strangers.get(key, 0) + 1
            name = cluster_name(key)
            if name is None or count < cluster_failure.REFUSED_LEAST or len(self.clusters) >= MOST_CLUSTERS:
                return
            del self._strangers[key]
            known = ClusterFailure(name, at, at, count - 1)
            cluster = Cluster(
                key, name, self._factory.new(name), record.offset + 1, record.offset, used=False, failure=known
            )
            self._add(cluster, now)
        detail = f"{bad.reason}: {bad.detail}, the last at offset {record.offset} of partition {self.number}"
        self._note(cluster, "records_refused", detail, at, folded, now)

    def _note(self, cluster: Cluster, kind: Kind, detail: str, at: float, folded: Folded, now: float) -> None:
        before = cluster.failure or ClusterFailure.begin(cluster.name, at)
        cluster.failure = before.noted(kind, detail, at)
        reported = cluster.failure.incident
        if reported is not None and reported is not before.incident:
            self._emit(cluster, [reported], folded, now)

    def _time_of(self, record: Any) -> float:
        """The time of the newest tick; before the first, that of a record."""
        return self._time_s or written_at(record)

    def _admit(self, record: Any, name: str, now: float) -> Cluster:
        key = name.encode("utf-8")
        if record.key != key:
            raise BadRecord(INVALID, f"the key is {record.key!r:.100}, the cluster in the value is {name!r:.100}")
        if len(self.clusters) >= MOST_CLUSTERS:
            raise BadRecord(
                UNPROCESSABLE, f"{MOST_CLUSTERS} clusters of its partition are judged, and {name!r:.100} is not"
            )
        floor = STEPS_PER_RECORD * record.offset  # a cluster of this name may have been forgotten
        fold = self._factory.new(name, floor)
        cluster = Cluster(key, name, fold, record.offset, record.offset, seq_floor=floor)
        if self._lost is not None and now < self._lost[1]:
            cluster.unreported = ("state_unreadable", self._lost[0])
        self._add(cluster, now)
        return cluster

    def _add(self, cluster: Cluster, now: float) -> None:
        cluster.due = self._next_save(cluster.key, now)
        cluster.is_large = cluster.fold.is_large
        self.clusters[cluster.key] = cluster

    def _emit(self, cluster: Cluster, outputs: list[Output], folded: Folded, now: float) -> None:
        folded.outputs += [(cluster, output) for output in outputs]
        if not all(isinstance(output, ROUTINE) for output in outputs):
            cluster.due = now

    def set_aside(self, cluster: Cluster, error: Exception, folded: Folded, now: float) -> None:
        """A cluster whose outputs cannot be written, or whose state cannot: back to its last saved state.

        The newest of its records that were just read goes to the dead letters.
        """
        record = folded.newest.get(cluster)
        if record is not None:
            self._revert(cluster, record, error, folded, now)
        else:
            log.error("cannot save cluster %s: it returns to its last saved state", cluster.name, exc_info=error)
            self._set_back(cluster, error, self._time_s, folded, now)

    def _revert(self, cluster: Cluster | None, record: Any, error: Exception, folded: Folded, now: float) -> None:
        log.error("cannot judge offset %d of partition %d", record.offset, self.number, exc_info=error)
        folded.rejected.append(Rejected(record, UNPROCESSABLE, named(error)))
        if cluster is not None:
            self._set_back(cluster, error, self._time_of(record), folded, now)

    def _set_back(self, cluster: Cluster, error: Exception, at: float, folded: Folded, now: float) -> None:
        known = cluster.failure.incident if cluster.failure is not None else None
        folded.outputs = [
            (owner, output) for owner, output in folded.outputs if owner is not cluster or output is known
        ]
        cluster.defects += 1
        cluster.fold = self._last_saved(cluster)
        self._note(cluster, "judgement_defect", named(error), at, folded, now)

    def _last_saved(self, cluster: Cluster) -> Fold:
        """The judgement as it was last saved; a new one where that cannot be read, or fails again and again."""
        blob, factory, name = self._blobs.get(cluster.key), self._factory, cluster.name
        if blob is not None and cluster.defects < MOST_DEFECTS:
            try:
                if state := Saved.unpack(blob).state:
                    return factory.load(state)
            except Exception as error:
                log.error("the saved state of cluster %s cannot be read", name, exc_info=error)
        if blob is not None:
            self._blobs.pop(cluster.key)
            cluster.seq_floor, cluster.defects = STEPS_PER_RECORD * cluster.applied, 0
            cluster.unreported = ("state_unreadable", f"no judgement from it succeeded {MOST_DEFECTS} times in a row")
        return factory.new(name, cluster.seq_floor) if cluster.seq_floor else factory.new(name)
