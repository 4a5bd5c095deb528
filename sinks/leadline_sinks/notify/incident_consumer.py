"""Reads a target's share of the incidents in its consumer group and commits what the notifier no longer needs."""

import asyncio
import contextlib
import logging
from functools import partial
from typing import Any, Final

from aiokafka.abc import ConsumerRebalanceListener
from aiokafka.errors import IllegalStateError

from leadline import metrics
from leadline.clock import Clock
from leadline.errors import BadRecord
from leadline.settings.sink import SinkSettings
from leadline.wire import INCIDENTS
from leadline_sinks.notify.apart import taken
from leadline_sinks.notify.context_consumer import ContextConsumer
from leadline_sinks.notify.dead_letters import DeadLetters
from leadline_sinks.notify.group_watch import GroupWatch, has_share
from leadline_sinks.notify.kafka_reader import (
    POLL_MS,
    commit,
    consume,
    consumer_group,
    has_reached,
    is_replayed,
    new_consumer,
    owns,
    value_of,
)
from leadline_sinks.notify.lease import Lease
from leadline_sinks.notify.notifier import Notifier

COMMIT_EVERY_S: Final = 1.0
IDLE_S: Final = 5.0
"""Longest pause of the notifier: silences begin and end by the wall clock, which may be set."""
FINISH_S: Final = 20.0
"""Time for a delivery in progress to end when the process stops or its partitions are reassigned; then it is
cancelled."""
CANCEL_S: Final = 5.0
"""Time for a cancelled delivery to end. Only a write to Kafka can last longer, after which nothing more is sent."""

log = logging.getLogger(__name__)


class IncidentConsumer(ConsumerRebalanceListener):  # type: ignore[misc]  # aiokafka ships no types
    """The consumer of one target."""

    def __init__(
        self,
        target: str,
        settings: SinkSettings,
        notifier: Notifier,
        context: ContextConsumer,
        dead_letters: DeadLetters,
        lease: Lease,
        clock: Clock,
    ) -> None:
        self._target = target
        self._settings = settings
        self._topic = settings.kafka.topic_prefix + INCIDENTS.name
        self._notifier = notifier
        self._context = context
        self._dead_letters = dead_letters
        self._lease = lease
        self._clock = clock
        self._consumer: Any = None
        self._positions: dict[Any, int] = {}
        self._committed: dict[Any, int] = {}
        self._delivering = asyncio.Lock()
        """Held during each step of the notifier."""
        self._news = asyncio.Event()
        self._moving = False
        """Whether partitions are being taken away: nothing is sent then, whatever else is ready."""
        self._ready = asyncio.Event()
        """Set while all records are read that were in the topics when the partitions were assigned. Before that, a
        target could be notified of an incident that a later record resolves."""

    def wake(self) -> None:
        """Let the notifier look at new records without delay."""
        self._news.set()

    async def run(self) -> None:
        """Read, notify and commit until cancelled; then let a delivery in progress end, commit and leave the group."""
        notifying = asyncio.create_task(self._notify())
        reading = asyncio.create_task(consume(self._target, self._new_consumer, self._follow, self._clock))
        try:
            ended, _ = await asyncio.wait({notifying, reading}, return_when=asyncio.FIRST_COMPLETED)
            for task in ended:
                task.result()
        finally:
            await self._let_go()
            for task in (notifying, reading):  # it leaves the group last
                task.cancel()
                await asyncio.wait({task})

    async def on_partitions_revoked(self, revoked: Any) -> None:
        """Let no delivery go on, since another process may get the partitions, and commit."""
        await self._let_go()
        await self._commit()
        self._notifier.release()
        self._positions.clear()
        self._committed.clear()

    async def on_partitions_assigned(self, assigned: Any) -> None:
        """Let ``_follow`` take up the partitions."""
        self._ready.clear()
        self._positions.clear()
        self._moving = False
        self._lease.begin(self._owns)

    async def _let_go(self) -> None:
        """Begin no delivery, and wait for the one in progress; cancel one that lasts too long."""
        self._moving = True
        self._ready.clear()
        metrics.SINK_PARTITIONS.labels(self._target).set(0)
        if not await self._ended_within(FINISH_S):
            log.warning("%s: a delivery that lasts too long is cancelled, since its incident moves", self._target)
            self._notifier.cancel()
            await self._ended_within(CANCEL_S)

    async def _ended_within(self, seconds: float) -> bool:
        try:
            async with asyncio.timeout(seconds), self._delivering:
                return True
        except TimeoutError:
            return False

    async def _follow(self, consumer: Any) -> None:
        opening: asyncio.Task[None] | None = None
        committed_at = self._clock.monotonic()
        watch, others = GroupWatch(self._target, self._clock), self._context.records
        try:
            while True:
                fetched = await consumer.getmany(timeout_ms=POLL_MS)
                has_work = has_share(consumer) and (self._ready.is_set() or not consumer.assignment())
                if watch.is_stuck(moves=has_work or bool(fetched) or others != self._context.records):
                    return
                others = self._context.records
                for partition, records in fetched.items():
                    await self._take(partition, records)
                if fetched:
                    self.wake()
                if not self._ready.is_set() and consumer.assignment() and (opening is None or opening.done()):
                    if opening is not None:
                        with contextlib.suppress(IllegalStateError):  # partitions moved meanwhile
                            opening.result()
                    opening = asyncio.create_task(self._open(consumer))
                if self._clock.monotonic() - committed_at >= COMMIT_EVERY_S:
                    committed_at = self._clock.monotonic()
                    await self._commit()
        finally:
            if opening is not None:
                opening.cancel()
            self._ready.clear()
            metrics.SINK_PARTITIONS.labels(self._target).set(0)
            await self._commit()

    async def _open(self, consumer: Any) -> None:
        """Let the notifier begin once all records that are in the topics now have been read."""
        assigned, number = consumer.assignment(), self._lease.number
        ends = await consumer.end_offsets(assigned)
        await self._context.caught_up()
        while not await has_reached(consumer, ends):
            await self._clock.sleep(POLL_MS / 1000)
        for partition in assigned:
            self._positions.setdefault(partition, await consumer.position(partition))
        if await owns(consumer, self._settled()) and self._lease.number == number and not self._moving:
            self._ready.set()
            metrics.SINK_PARTITIONS.labels(self._target).set(len(assigned))
            self.wake()

    async def _take(self, partition: Any, records: list[Any]) -> None:
        for record in records:
            try:
                incident = value_of(INCIDENTS, record)
                if incident is not None and (self._settings.notify.replayed or not is_replayed(record)):
                    taken(partial(self._notifier.observe, incident, partition.partition, record.offset))
            except BadRecord as bad:
                await self._dead_letters.put(record, bad)
        self._positions[partition] = records[-1].offset + 1

    async def _notify(self) -> None:
        while True:
            await self._ready.wait()
            self._news.clear()
            wait_s = 0.0
            async with self._delivering:
                if self._ready.is_set():
                    wait_s = await self._notifier.step()
            if wait_s > 0:
                await self._wait(min(wait_s, IDLE_S))

    async def _wait(self, seconds: float) -> None:
        """Wait for new records or for this time, whichever is shorter."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self._news.wait()

    def _settled(self) -> dict[Any, int]:
        return {at: self._notifier.settled(at.partition, position) for at, position in self._positions.items()}

    async def _owns(self) -> bool | None:
        return await owns(self._consumer, self._settled())

    async def _commit(self) -> None:
        new = {at: offset for at, offset in self._settled().items() if self._committed.get(at) != offset}
        if new and await commit(self._consumer, new, self._target):
            self._committed |= new

    def _new_consumer(self) -> Any:
        kafka = self._settings.kafka
        self._consumer = new_consumer(kafka, group=consumer_group(kafka.topic_prefix, self._target))
        self._consumer.subscribe([self._topic], listener=self)
        return self._consumer
