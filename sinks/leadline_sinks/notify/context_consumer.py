"""Reads the topics that every sink process needs completely, from the beginning.

Silences, actions, deliveries, and incidents, of which those of one datacenter are found together.
"""

import asyncio
from collections.abc import Callable
from typing import Any

from leadline.clock import Clock
from leadline.deadletters import Unreadable
from leadline.settings.common import KafkaSettings
from leadline.wire import ACTIONS, DELIVERIES, INCIDENTS, SILENCES
from leadline_sinks.notify.context import NotificationContext
from leadline_sinks.notify.kafka_reader import POLL_MS, consume, decode, has_reached, is_replayed, new_consumer


class ContextConsumer:
    """One consumer without a group, shared by the targets of a process. ``changed`` is called after each fetch."""

    def __init__(
        self,
        kafka: KafkaSettings,
        context: NotificationContext,
        changed: Callable[[], None],
        clock: Clock,
        *,
        replayed: bool = False,
    ) -> None:
        self._kafka = kafka
        self._replayed = replayed
        self._context = context
        self._changed = changed
        self._clock = clock
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
                    for record in records:
                        self._apply(record)
                if fetched:
                    self._changed()
                while pending and await has_reached(consumer, pending[0][0]):
                    _, waiting = pending.pop(0)
                    for each in waiting:
                        if not each.done():
                            each.set_result(None)
        finally:
            self._waiting = [each for _, waiting in pending for each in waiting] + self._waiting

    def _apply(self, record: Any) -> None:
        match record.topic.removeprefix(self._kafka.topic_prefix):
            case SILENCES.name:
                silence = decode(SILENCES, record)
                if silence is not None or (record.value is None and not isinstance(record, Unreadable)):
                    self._context.add_silence((record.key or b"").decode("utf-8", "replace"), silence)
            case ACTIONS.name:
                if (action := decode(ACTIONS, record)) is not None:
                    self._context.add_action(action)
            case DELIVERIES.name:
                if (delivery := decode(DELIVERIES, record)) is not None:
                    self._context.add_delivery(delivery, record.offset)
            case INCIDENTS.name:
                incident = decode(INCIDENTS, record)
                if incident is not None and (self._replayed or not is_replayed(record)):
                    self._context.add_incident(incident, self._clock.now())

    def _new_consumer(self) -> Any:
        topics = [self._kafka.topic_prefix + codec.name for codec in (SILENCES, ACTIONS, DELIVERIES, INCIDENTS)]
        return new_consumer(self._kafka, *topics)
