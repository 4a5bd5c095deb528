"""A target's share of the incidents: reads them in its group, has its courier tell them, commits what is settled."""

import asyncio
import contextlib
import logging
from typing import Any, Final

from aiokafka.abc import ConsumerRebalanceListener
from aiokafka.errors import IllegalStateError

from leadline.clock import Clock
from leadline.kafka import consumer_options
from leadline.kafka_errors import CONNECTION_LOST
from leadline.settings.sink import SinkSettings
from leadline.wire import INCIDENTS
from leadline_sinks.notify.context_consumer import Follower, reached, stop
from leadline_sinks.notify.kafka_writer import AGAIN_S
from leadline_sinks.notify.notifier import Courier
from leadline_sinks.notify.reading import FETCH_WAIT_MS, decoded, replayed

POLL_MS: Final = 200
COMMIT_S: Final = 1.0
COMMIT_WITHIN_S: Final = 5.0
IDLE_S: Final = 5.0
"""Longest time between two looks at what is due: silences begin and end by the wall clock."""
FINISH_S: Final = 20.0
"""What a call in flight gets to end, when the process is told to stop or its partitions go elsewhere."""

log = logging.getLogger(__name__)


def group(prefix: str, target: str) -> str:
    """Name of a target's consumer group."""
    return f"{prefix}sink.{target}"


class Feed(ConsumerRebalanceListener):  # type: ignore[misc]  # aiokafka ships no types
    """Of one target."""

    def __init__(self, target: str, settings: SinkSettings, courier: Courier, follower: Follower, clock: Clock) -> None:
        self._target = target
        self._settings = settings
        self._topic = settings.kafka.topic_prefix + INCIDENTS.name
        self._courier = courier
        self._follower = follower
        self._clock = clock
        self._consumer: Any = None
        self._positions: dict[Any, int] = {}
        self._committed: dict[Any, int] = {}
        self._telling = asyncio.Lock()
        self._news = asyncio.Event()
        self._ready = asyncio.Event()
        """Set while everything is known that was in the topics when the partitions were assigned: told from a part of
        it, people would hear what is over already."""

    def wake(self) -> None:
        """Something new is known."""
        self._news.set()

    async def run(self) -> None:
        """Read, tell and commit until cancelled; then let a call in flight end, commit and leave the group."""
        telling = asyncio.create_task(self._tell())
        reading = asyncio.create_task(self._read())
        try:
            ended, _ = await asyncio.wait({telling, reading}, return_when=asyncio.FIRST_COMPLETED)
            for task in ended:
                task.result()
        finally:
            self._ready.clear()
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(FINISH_S):
                    await self._telling.acquire()
            for task in (telling, reading):
                task.cancel()
            await asyncio.wait({telling, reading})

    async def on_partitions_revoked(self, revoked: Any) -> None:
        """Others may come for the partitions: end what is in flight, say how far we are."""
        self._ready.clear()
        try:
            async with asyncio.timeout(FINISH_S), self._telling:
                await self._commit()
        except TimeoutError:
            log.warning("%s: a call is in flight while its incidents go to another process", self._target)
        self._courier.release()
        self._positions.clear()
        self._committed.clear()

    async def on_partitions_assigned(self, assigned: Any) -> None:
        """Partitions were given to us; ``_read`` takes them up."""

    async def _read(self) -> None:
        away = False
        while True:
            self._consumer = self._subscribed()
            try:
                await self._consumer.start()
                away = False
                await self._follow()
            except CONNECTION_LOST as error:
                if not away:
                    log.warning("%s: cannot read from Kafka (%s); waiting", self._target, error)
                away = True
                await self._clock.sleep(AGAIN_S)
            finally:
                self._ready.clear()
                await self._commit()
                await stop(self._consumer)

    async def _follow(self) -> None:
        opening: asyncio.Task[None] | None = None
        committed_at = self._clock.monotonic()
        try:
            while True:
                fetched = await self._consumer.getmany(timeout_ms=POLL_MS)
                for partition, records in fetched.items():
                    self._take(partition, records)
                if fetched:
                    self.wake()
                if not self._ready.is_set() and self._consumer.assignment() and (opening is None or opening.done()):
                    if opening is not None:
                        opening.result()
                    opening = asyncio.create_task(self._open())
                if self._clock.monotonic() - committed_at >= COMMIT_S:
                    committed_at = self._clock.monotonic()
                    await self._commit()
        finally:
            if opening is not None:
                opening.cancel()

    async def _open(self) -> None:
        """Say that telling may begin, once what was in the topics is known."""
        assigned = self._consumer.assignment()
        ends = await self._consumer.end_offsets(assigned)
        await self._follower.caught_up()
        while not await reached(self._consumer, ends):
            await self._clock.sleep(POLL_MS / 1000)
        if self._consumer.assignment() == assigned:
            for partition in assigned:
                self._positions.setdefault(partition, await self._consumer.position(partition))
            self._ready.set()
            self.wake()

    def _take(self, partition: Any, records: list[Any]) -> None:
        for record in records:
            incident = decoded(INCIDENTS, record)
            if incident is not None and (self._settings.notify.replayed or not replayed(record)):
                self._courier.take(incident, partition.partition, record.offset)
        self._positions[partition] = records[-1].offset + 1

    async def _tell(self) -> None:
        while True:
            await self._ready.wait()
            self._news.clear()
            wait_s = 0.0
            async with self._telling:
                if self._ready.is_set():
                    wait_s = await self._courier.step()
            if wait_s > 0:
                await self._wait(min(wait_s, IDLE_S))

    async def _wait(self, seconds: float) -> None:
        """Until something new is known, or so long."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self._news.wait()

    async def _commit(self) -> None:
        settled = {at: self._courier.settled(at.partition, position) for at, position in self._positions.items()}
        news = {at: offset for at, offset in settled.items() if self._committed.get(at) != offset}
        if not news:
            return
        try:
            async with asyncio.timeout(COMMIT_WITHIN_S):
                await self._consumer.commit(news)
        except (IllegalStateError, *CONNECTION_LOST) as error:  # it is read again, and known to be told
            log.debug("%s: cannot commit: %s", self._target, error)
        else:
            self._committed |= news

    def _subscribed(self) -> Any:
        from aiokafka import AIOKafkaConsumer

        kafka = self._settings.kafka
        name = group(kafka.topic_prefix, self._target)
        options = consumer_options(kafka, "leadline-sink", name)
        consumer = AIOKafkaConsumer(**options, fetch_max_wait_ms=FETCH_WAIT_MS)
        consumer.subscribe([self._topic], listener=self)
        return consumer
