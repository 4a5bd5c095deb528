"""Reads the topics that every sink process needs completely, from the beginning.

Silences, actions, deliveries, and incidents, of which those of one datacenter are found together. Of the first three,
records that cannot be used go to the dead letters, by each process and at each of its starts.
"""

import asyncio
from collections.abc import Callable
from functools import partial
from typing import Any

from leadline.clock import Clock
from leadline.errors import BadRecord
from leadline.model.action import Action
from leadline.model.delivery import Delivery
from leadline.model.incident import Incident
from leadline.model.silence import Silence
from leadline.settings.common import KafkaSettings
from leadline.wire import ACTIONS, CODECS, DELIVERIES, INCIDENTS, SILENCES
from leadline_sinks.notify.apart import taken
from leadline_sinks.notify.context import NotificationContext
from leadline_sinks.notify.dead_letters import DeadLetters
from leadline_sinks.notify.kafka_reader import POLL_MS, consume, has_reached, is_replayed, new_consumer, value_of


class ContextConsumer:
    """One consumer without a group, shared by the targets of a process. ``changed`` is called after each fetch."""

    def __init__(
        self,
        kafka: KafkaSettings,
        context: NotificationContext,
        changed: Callable[[], None],
        clock: Clock,
        dead_letters: DeadLetters,
        *,
        replayed: bool = False,
    ) -> None:
        self._kafka = kafka
        self._replayed = replayed
        self._context = context
        self._changed = changed
        self._clock = clock
        self._dead_letters = dead_letters
        self.records = 0
        """Records that were read since the start."""
        self._waiting: list[asyncio.Future[None]] = []

    async def caught_up(self) -> None:
        """Wait until the context includes every record that is in the topics now."""
        waiting = asyncio.get_running_loop().create_future()
        self._waiting.append(waiting)
        await waiting

    async def run(self) -> None:
        """Follow the topics until cancelled. After an outage of Kafka they are read again from the beginning."""
        await consume("context", self._new_consumer, self._follow, self._clock)

    async def _follow(self, consumer: Any) -> None:
        pending: list[tuple[dict[Any, int], list[asyncio.Future[None]]]] = []
        try:
            while True:
                if self._waiting and consumer.assignment():
                    ends = await consumer.end_offsets(consumer.assignment())
                    pending.append((ends, self._waiting))
                    self._waiting = []
                fetched = await consumer.getmany(timeout_ms=POLL_MS)
                for records in fetched.values():
                    self.records += len(records)
                    for record in records:
                        await self._take(record)
                if fetched:
                    self._changed()
                while pending and await has_reached(consumer, pending[0][0]):
                    _, waiting = pending.pop(0)
                    for each in waiting:
                        if not each.done():
                            each.set_result(None)
        finally:
            self._waiting = [each for _, waiting in pending for each in waiting] + self._waiting

    async def _take(self, record: Any) -> None:
        topic = record.topic.removeprefix(self._kafka.topic_prefix)
        try:
            value = value_of(CODECS[topic], record)
        except BadRecord as bad:
            if topic != INCIDENTS.name:  # put there by whoever notifies of them
                await self._dead_letters.put(record, bad)
            return
        try:
            taken(partial(self._apply, topic, record, value))
        except BadRecord as bad:
            await self._dead_letters.put(record, bad)

    def _apply(self, topic: str, record: Any, value: Any) -> None:
        match value:
            case Silence():
                self._context.add_silence(_key(record), value)
            case Action():
                self._context.add_action(value)
            case Delivery():
                self._context.add_delivery(value, record.offset)
            case Incident():
                if self._replayed or not is_replayed(record):
                    self._context.add_incident(value, self._clock.now())
            case None if topic == SILENCES.name:
                self._context.add_silence(_key(record), None)

    def _new_consumer(self) -> Any:
        topics = [self._kafka.topic_prefix + codec.name for codec in (SILENCES, ACTIONS, DELIVERIES, INCIDENTS)]
        return new_consumer(self._kafka, *topics)


def _key(record: Any) -> str:
    return (record.key or b"").decode("utf-8", "replace")
