"""The records that Kafka has not acknowledged, in order per cluster: first in memory, on disk when it takes longer.

A record is held until it is acknowledged, or dropped for lack of room and counted. It survives kill -9 as soon as
``put`` has returned, because it is in the journal while it is in memory only. The next run sends the records that it
finds there, some of them possibly for the second time. ``store``, called each second, moves records older than
``PATIENCE_S`` to the spool. The order per cluster is that of ``put``, also across restarts. While the disk fails,
records stay in memory, up to ``MEMORY_BYTES``.
"""

import logging
from collections import defaultdict, deque
from collections.abc import Iterable
from dataclasses import dataclass, field

from leadline.clock import Clock
from leadline.metrics import AGENT_DROPPED, AGENT_SPOOL_BYTES, AGENT_SPOOL_RECORDS
from leadline_agents.journal import Record
from leadline_agents.spool import Spool, SpoolFailed

PATIENCE_S = 0.5
"""Kafka acknowledges within milliseconds; a record that waits longer goes to disk."""
MEMORY_BYTES = 4 * 1024 * 1024
BATCH_RECORDS = 500
BATCH_BYTES = 256 * 1024
"""Largest batch, unless one record is larger."""

log = logging.getLogger(__name__)


@dataclass(slots=True)
class OutboxEntry:
    """One record that is held."""

    record: Record
    since: float
    """Time of ``put`` on the monotonic clock."""
    id: int | None = None
    """Its id on disk; None while it is in memory only."""
    gone: bool = False
    """It was on disk and was dropped from there."""


@dataclass(slots=True)
class Queue:
    """One cluster's records, oldest first: ``taken``, being sent; then those on disk; then ``fresh``, in memory only.

    An entry of ``taken`` that is also on disk has an id.
    """

    taken: list[OutboxEntry] = field(default_factory=list)
    stored: bool = False
    """Whether there may be records on disk with an id above ``sent``."""
    sent: int = 0
    """Records up to this id are acknowledged, including those that could not be deleted from disk."""
    fresh: deque[OutboxEntry] = field(default_factory=deque)


class Outbox:
    """``put`` adds a record, ``take`` begins a batch, ``sent`` or ``failed`` ends it; one per cluster at a time."""

    def __init__(self, spool: Spool, clock: Clock) -> None:
        self._spool = spool
        self._clock = clock
        self._queues: defaultdict[bytes, Queue] = defaultdict(Queue)
        self._fresh_bytes = 0
        self._failing = False
        self.dropped = 0
        """Records dropped since the agent started: they are never delivered."""
        for key in spool.clusters():
            self._queues[key].stored = True
        for record in spool.ahead():
            self._append(self._queues[record.key], OutboxEntry(record, clock.monotonic()))
        self.store(0)

    @property
    def spooled(self) -> int:
        """Records on disk."""
        return self._spool.count

    def keys(self) -> Iterable[bytes]:
        """Clusters that have or had records."""
        return self._queues.keys()

    def is_empty(self, key: bytes) -> bool:
        """Whether all records of this cluster are acknowledged."""
        queue = self._queues[key]
        return not (queue.taken or queue.stored or queue.fresh)

    def put(self, record: Record) -> None:
        """Append a record. When memory is full, the oldest record in memory is dropped."""
        self._append(self._queues[record.key], OutboxEntry(record, self._clock.monotonic()))
        if not self._spool.journal.add(record):
            self.store(0)
        while self._fresh_bytes > MEMORY_BYTES:
            self._pop(min((q for q in self._queues.values() if q.fresh), key=lambda q: q.fresh[0].since))
            self._count_dropped()

    def take(self, key: bytes, most: int = BATCH_RECORDS) -> list[Record]:
        """The next batch of a cluster, to be ended by ``sent``, ``failed`` or ``refuse``; empty when none is left."""
        queue = self._queues[key]
        assert not queue.taken, "one batch at a time"
        if queue.stored:
            found = self._spool.read(key, queue.sent, most, BATCH_BYTES)
            queue.taken = [OutboxEntry(stored.record, 0.0, stored.id) for stored in found]
            queue.stored = bool(found)
        if not queue.taken:
            size = 0
            while queue.fresh and len(queue.taken) < most:
                size += len(queue.fresh[0].record.value)
                if queue.taken and size > BATCH_BYTES:
                    break
                queue.taken.append(self._pop(queue))
        return [entry.record for entry in queue.taken]

    def sent(self, key: bytes) -> None:
        """The batch is acknowledged."""
        queue = self._queues[key]
        ids = [entry.id for entry in queue.taken if entry.id is not None]
        queue.taken = []
        if ids:
            queue.sent = max(ids)
            try:
                self._spool.remove(key, queue.sent)
            except SpoolFailed as error:  # tried again with the next batch; after a restart they are sent twice
                log.warning("cannot delete acknowledged observations from the spool: %s", error)
        self._settle()
        self._measure()

    def failed(self, key: bytes) -> None:
        """The batch is not acknowledged; its records are the next to be taken."""
        queue = self._queues[key]
        for entry in reversed(queue.taken):
            if entry.gone:
                self._count_dropped()
            elif entry.id is None:
                self._append(queue, entry, left=True)
        queue.taken = []

    def refuse(self, key: bytes) -> None:
        """The batch can never be delivered: drop and count its records."""
        for _ in self._queues[key].taken:
            self._count_dropped()
        self.sent(key)

    def store(self, older_than_s: float = PATIENCE_S) -> None:
        """Move records older than this to disk. When the disk fails they stay in memory until the next call."""
        before = self._clock.monotonic() - older_than_s
        try:
            for key, queue in self._queues.items():
                self._store(key, queue, before)
        except SpoolFailed as error:
            if not self._failing:
                log.error("cannot write the spool: %s; observations stay in memory, beyond 4 MiB they are lost", error)
            self._failing = True
        else:
            if self._failing:
                log.info("the spool can be written again")
            self._failing = False
        self._settle()
        self._measure()

    def _store(self, key: bytes, queue: Queue, before: float) -> None:
        for entry in queue.taken:
            if entry.id is None and entry.since <= before:
                entry.id = self._spool.add(entry.record, self._forget)
                queue.stored = True
        while queue.fresh and queue.fresh[0].since <= before:
            self._spool.add(queue.fresh[0].record, self._forget)
            queue.stored = True
            self._pop(queue)

    def _settle(self) -> None:
        """Clear the journal when no record is in memory only."""
        queues = self._queues.values()
        if not any(queue.fresh or any(entry.id is None for entry in queue.taken) for queue in queues):
            self._spool.journal.clear()

    def _forget(self, number: int, key: bytes) -> None:
        """Count a record that was dropped from disk, unless it is acknowledged or may still be."""
        queue = self._queues[key]
        taken = next((entry for entry in queue.taken if entry.id == number), None)
        if taken is not None:
            taken.gone = True
        elif number > queue.sent:
            self._count_dropped()

    def _append(self, queue: Queue, entry: OutboxEntry, *, left: bool = False) -> None:
        (queue.fresh.appendleft if left else queue.fresh.append)(entry)
        self._fresh_bytes += len(entry.record.value)

    def _pop(self, queue: Queue) -> OutboxEntry:
        entry = queue.fresh.popleft()
        self._fresh_bytes -= len(entry.record.value)
        return entry

    def _count_dropped(self) -> None:
        self.dropped += 1
        AGENT_DROPPED.inc()

    def _measure(self) -> None:
        AGENT_SPOOL_RECORDS.set(self._spool.count)
        AGENT_SPOOL_BYTES.set(self._spool.bytes)
