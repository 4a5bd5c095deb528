"""A worker with its partitions: judges records, sends the outputs, saves states, writes ticks, detects a standstill.

It uses Kafka only through ``interfaces.Log``. Order of effects, per cluster: outputs are acknowledged before the state
that contains them is written, and the state is acknowledged before the offsets that it covers may be committed. Killed
at any moment, the next worker starts from the last states and offsets, reads on and comes to the same outputs; some are
then sent twice, none is lost or different.
"""

import asyncio
import gc
import logging
import os
import socket
from collections.abc import Callable, Iterator, Mapping, MutableMapping
from dataclasses import replace
from functools import partial
from math import inf
from typing import TypeVar

from leadline import metrics
from leadline.clock import Clock
from leadline.deadletters import DEAD_LETTERS
from leadline.errors import ProblemFound, UnreachableError
from leadline.model.observation import Tick
from leadline.settings.stream import StreamSettings
from leadline.signature import Signer
from leadline.wire import LAG, MAX_RECORD_BYTES, OBSERVATIONS, STATUS, Outgoing, outgoing
from leadline_streams.runtime.beside import beside
from leadline_streams.runtime.counting import count_folded
from leadline_streams.runtime.deadletter_limit import Limit
from leadline_streams.runtime.fitting import record_of
from leadline_streams.runtime.fold import Cluster, Fold, Folded, FoldFactory, Output
from leadline_streams.runtime.interfaces import Log
from leadline_streams.runtime.partition import Partition
from leadline_streams.runtime.reading import placed
from leadline_streams.runtime.restoring import Restorer
from leadline_streams.runtime.saving import STATES, StateWriter, interval_s
from leadline_streams.runtime.snapshot import Saved, start
from leadline_streams.runtime.transport import Chunk, Opening

STUCK_S = 60.0
"""A partition that yields no record for this long, although ticks are written to it, is stuck."""
RECOVERY_S = 300.0
"""Longest time without partitions between two assignments."""
RENEW_S = 86_400.0
"""Partitions are claimed again after this time. Kafka forgets claims after a week (transactional.id.expiration.ms)."""
TURN_S = 0.05
"""After so much judging the heartbeats, and whoever stops the worker, have a turn."""
RELEASE_S = 10.0
"""Longest time to save states before a partition goes to another worker."""


T = TypeVar("T")
WORKER = f"{socket.gethostname()}:{os.getpid()}"
log = logging.getLogger(__name__)


class Worker:
    """The clusters of all partitions that are assigned to this process."""

    def __init__(
        self,
        settings: StreamSettings,
        clock: Clock,
        factory: FoldFactory,
        kafka: Log,
        blobs: MutableMapping[bytes, bytes],
        largest_bytes: int = MAX_RECORD_BYTES,
    ) -> None:
        """``largest_bytes``: the largest value that the readers of outputs, and Kafka, take."""
        self._settings = settings
        self._largest_bytes = largest_bytes
        self._prefix = settings.kafka.topic_prefix
        self._clock = clock
        self._factory = factory
        self._kafka = kafka
        self._blobs = blobs
        self._signer = Signer(settings.kafka.signing_secret)
        self._limit = Limit(settings.deadletters.max_consecutive, settings.deadletters.max_ratio)
        self._partitions: dict[Opening, Partition] = {}
        self._progress: dict[Opening, float] = {}
        self._lock = asyncio.Lock()
        self.aside = asyncio.Lock()
        """Held while folds change beside the event loop: nobody else looks at them then."""
        self._stopping = False
        """Whether the process ends: no more is judged than what was begun."""
        self._restorer = Restorer(kafka, factory, blobs, settings, clock)
        self._states = StateWriter(kafka, self._prefix + STATES, self._note)
        self._unwritten = False
        """Whether a state is known here that Kafka may not have."""
        self._assigning: asyncio.Task[None] | None = None
        self._assigned_by: float | None = clock.monotonic() + RECOVERY_S
        """Time until which partitions must have been assigned; None once they are."""
        self._claimed_at = clock.monotonic()
        self.failed: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        """Raises the error that stopped the worker; nothing is judged or written after that."""

    def committable(self) -> dict[int, int]:
        """Offsets that may be committed, by partition."""
        return {partition.number: partition.committable for partition in self._partitions.values()}

    def folds(self) -> list[Fold]:
        """The folds of all clusters."""
        return [cluster.fold for held in self._partitions.values() for cluster in held.clusters.values()]

    async def process(self, chunk: Chunk) -> bool:
        """Judge records. True when something is sent that people wait for. Never raises; see ``failed``."""
        urgent = False
        async with self._lock:
            partition = self._partitions.get(chunk.opening)
            if partition is None or self.failed.done() or self._stopping:
                return False
            try:
                urgent = await self._judge(partition, chunk)
            except Exception as error:
                self._note(error)
            if chunk.opening in self._partitions:
                self._progress[chunk.opening] = self._clock.monotonic()
        return urgent

    def fail(self, error: BaseException) -> None:
        """Stop for good."""
        if not self.failed.done():
            self.failed.set_exception(error)

    def _note(self, error: BaseException) -> None:
        """Stop for an error; go on without partitions where another worker has one of them.

        That one has all of them, or Kafka says within a heartbeat which of them this worker still has.
        """
        if not isinstance(error, self._kafka.fenced):
            self.fail(error)
        elif self._partitions:
            self._unwritten = True
            log.warning("another worker has taken over; what this one had still to write is dropped")
            self._forget(STUCK_S)

    def _forget(self, patience_s: float) -> None:
        """Be without partitions, for so long at most."""
        self._unwritten |= self._states.drop()
        for partition in self._partitions.values():
            for cluster in partition.clusters.values():
                for sent in cluster.sent:
                    sent.cancel()  # nobody waits for it any more
        self._partitions.clear()
        self._progress.clear()
        self._assigned_by = self._clock.monotonic() + patience_s
        metrics.STREAM_CLUSTERS.set(0)
        metrics.STREAM_PARTITIONS.set(0)
        metrics.SUBJECTS.clear()

    async def claim(self) -> bool:
        """Partitions were assigned: own them before their states are read, so that what is read is the last that an
        earlier owner wrote.

        True when all states are to be read again: those known here may not be those in Kafka. After an error, see
        ``failed``.
        """
        try:
            owned = await self._kafka.claim()
        except Exception as error:
            self.fail(error)
            return False
        self._claimed_at = self._clock.monotonic()
        again, self._unwritten = self._unwritten, False
        # What others do to their clusters is not seen here, and may be removed when a partition comes back.
        for key, blob in list(self._blobs.items()):
            number = Saved.partition_in(blob)
            if again or (self._kafka.partition_of(key) if number is None else number) not in owned:
                del self._blobs[key]
        return again

    def assign(self) -> None:
        """States were read: restore the clusters, then read on."""
        self._assigning = asyncio.create_task(self._assign())

    async def release(self) -> None:
        """Save everything: the partitions may go to other workers. Never raises; see ``failed``."""
        if self._assigning is not None:
            self._assigning.cancel()
        async with self._lock:
            try:
                if self._partitions and not self.failed.done():
                    async with asyncio.timeout(RELEASE_S):
                        await self._put_away()
                        await self._kafka.let_go()
            except Exception as error:
                self._note(error)
            self._forget(RECOVERY_S)

    async def stop(self) -> None:
        """``release`` for good: what is read and not begun is left to the next owner."""
        self._stopping = True
        await self.release()

    async def beat(self) -> None:
        """Write ticks and watch for a standstill, until cancelled."""
        ticking = asyncio.create_task(self._tick())
        while True:
            await self._clock.sleep(self._settings.tick_s)
            self.check_progress()
            if ticking.done():
                ticking = asyncio.create_task(self._tick())

    async def _judge(self, partition: Partition, chunk: Chunk) -> bool:
        now = self._clock.monotonic()
        clusters = len(partition.clusters)
        folded, turn_ends = Folded(), now + TURN_S
        partition.flush_s = interval_s(
            self._settings.flush_s, sum(len(held.clusters) for held in self._partitions.values())
        )
        end = chunk.end
        turns = partition.turns(chunk, folded, now)
        while (may_leave := await self._next(turns, partition)) is not None:
            if may_leave and self._stopping:
                end = folded.end  # the next owner reads on from there
                break
            if self._clock.monotonic() >= turn_ends:
                await self._clock.sleep(0)  # for the heartbeats, and for whoever stops the worker
                turn_ends = self._clock.monotonic() + TURN_S
        large = any(cluster.is_large for cluster in folded.newest)
        written = await self._run(lambda: self._written(partition, folded, now), beside_loop=large)
        saves = await self._run(lambda: self._saves(partition, folded, now), beside_loop=large)
        ready = self._ready(partition, folded, written)
        topic = self._prefix + OBSERVATIONS.name
        rejected = [placed(bad, topic, partition.number) for bad in folded.rejected]
        at = self._clock.now()
        home = partition.number
        letters = [await self._kafka.send(bad.letter(self._prefix + DEAD_LETTERS, at), home) for bad in rejected]
        try:
            watches = any(held.watches for held in self._partitions.values())
            self._limit.note(partition.position, folded.read, rejected, folded.used, watches=watches)
        except ProblemFound:
            await asyncio.gather(*letters)  # whoever looks for the reason finds them
            raise
        urgent = False
        together: dict[str, list[tuple[Cluster, Outgoing]]] = {STATUS.name: [], LAG.name: []}
        for cluster, record in ready:
            name = record.topic.removeprefix(self._prefix)
            if name in together:
                together[name].append((cluster, record))
            else:
                urgent = True
                cluster.sent.append(await self._kafka.send(record, home))
        for records in filter(None, together.values()):
            # Most outputs are of these kinds: as one batch they cost a tenth of what they cost one by one.
            sent = await self._kafka.send_together([record for _, record in records], home)
            for cluster in {id(cluster): cluster for cluster, _ in records}.values():
                cluster.sent.append(sent)
        for cluster, blob in saves:
            self._states.save(partition.number, cluster, blob)
        for cluster in folded.forgotten:
            self._states.remove(partition.number, cluster)
        if letters:
            await asyncio.gather(*letters)
        partition.position = end
        count_folded(folded, at)
        metrics.STREAM_CLUSTERS.inc(len(partition.clusters) - clusters)
        return urgent

    async def _next(self, turns: Iterator[bool], partition: Partition) -> bool | None:
        """Go on with judging; None when all is judged."""
        return await self._run(lambda: next(turns, None), beside_loop=partition.takes_long)

    async def _run(self, call: Callable[[], T], *, beside_loop: bool) -> T:
        if not beside_loop:
            return call()
        async with self.aside:
            return await beside(call)

    def _written(self, partition: Partition, folded: Folded, now: float) -> dict[int, tuple[Output, Outgoing]]:
        """The outputs as records, by identity. A cluster with one that cannot be written is set aside."""
        written: dict[int, tuple[Output, Outgoing]] = {}
        failed: dict[Cluster, Exception] = {}
        for cluster, output in folded.outputs:
            try:
                written[id(output)] = output, record_of(output, self._prefix, partition.number, self._largest_bytes)
            except Exception as error:
                failed[cluster] = error
        for cluster, reason in failed.items():
            partition.set_aside(cluster, reason, folded, now)
        return written

    def _ready(
        self, partition: Partition, folded: Folded, written: Mapping[int, tuple[Output, Outgoing]]
    ) -> list[tuple[Cluster, Outgoing]]:
        """The records to send: those that tell that a cluster was set aside are not written yet."""
        return [
            (
                cluster,
                written[id(output)][1]
                if id(output) in written
                else record_of(output, self._prefix, partition.number, self._largest_bytes),
            )
            for cluster, output in folded.outputs
        ]

    def _saves(
        self, partition: Partition, folded: Folded, now: float, due: float | None = None
    ) -> list[tuple[Cluster, bytes]]:
        """The states that are due. A cluster whose state cannot be written is set aside; the others go on."""
        saves = []
        for cluster in list(partition.due(now if due is None else due)):
            try:
                blob = partition.dump(cluster, now)
            except Exception as error:
                partition.set_aside(cluster, error, folded, now)
                blob = partition.dump(cluster, now)  # what was saved before, which could be written
            saves.append((cluster, blob))
        return saves

    async def _put_away(self) -> None:
        now = self._clock.monotonic()
        for partition in list(self._partitions.values()):
            folded = Folded()
            large = any(cluster.is_large for cluster in partition.clusters.values())
            saves = await self._run(partial(self._saves, partition, folded, now, inf), beside_loop=large)
            for cluster, record in self._ready(partition, folded, {}):
                cluster.sent.append(await self._kafka.send(record, partition.number))
            for cluster, blob in saves:
                self._states.save(partition.number, cluster, blob)
            await self._clock.sleep(0)  # for the heartbeats
        await self._states.written()
        if self._partitions and not self.failed.done():
            await self._kafka.flush()

    async def _assign(self) -> None:
        try:
            extents = await self._kafka.extents()
            found, lost = self._restorer.stored(extents)
            partitions = {}
            for number, extent in extents.items():
                position = start(extent.committed, (saved.applied for saved in found[number].values()), extent.earliest)
                partitions[number] = await self._restorer.take_up(number, position, found[number], lost[number])
            for opening in await self._kafka.open({number: held.position for number, held in partitions.items()}):
                self._partitions[opening] = partitions[opening.partition]
                self._progress[opening] = self._clock.monotonic()
        except Exception as error:
            self.fail(error)
        self._assigned_by = None
        metrics.STREAM_CLUSTERS.set(sum(len(held.clusters) for held in self._partitions.values()))
        metrics.STREAM_PARTITIONS.set(len(self._partitions))
        # States just loaded live long: the garbage collector need not scan them.
        gc.collect()
        gc.freeze()

    async def _tick(self) -> None:
        tick = self._signer.sign(outgoing(Tick(at=self._clock.now(), worker=WORKER), self._prefix))
        try:
            if self._clock.monotonic() - self._claimed_at >= RENEW_S:
                await self._kafka.renew()
                self._claimed_at = self._clock.monotonic()
            acks = [
                await self._kafka.send(replace(tick, partition=partition.number), partition.number)
                for partition in list(self._partitions.values())
            ]
            await asyncio.gather(*acks)
        except Exception as error:
            log.warning("cannot write a tick: %s", error)

    def check_progress(self) -> None:
        """Fail when a partition, or the assignment of partitions, stands still."""
        now = self._clock.monotonic()
        topic = self._prefix + OBSERVATIONS.name
        for opening, seen in self._progress.items():
            if now - seen > STUCK_S:
                self.fail(
                    UnreachableError(
                        f"nothing has come from {topic}[{opening.partition}] for {STUCK_S:g} s although a tick is "
                        f"written to it every {self._settings.tick_s:g} s; see whether Kafka is well"
                    )
                )
        if self._assigned_by is not None and now > self._assigned_by:
            self.fail(
                UnreachableError(
                    f"no assignment of {topic} in time: the group does not settle, {self._prefix}{STATES} cannot be "
                    "read to its end, or Kafka gives no transactional id; see whether Kafka is well"
                )
            )
