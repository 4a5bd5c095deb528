"""Follows the topics that a sink process needs as a whole: silences, actions and deliveries, from the beginning."""

import asyncio
import contextlib
import logging
from collections.abc import Callable
from typing import Any, Final

from leadline.clock import Clock
from leadline.kafka import consumer_options
from leadline.kafka_errors import CONNECTION_LOST
from leadline.settings.common import KafkaSettings
from leadline.wire import ACTIONS, DELIVERIES, SILENCES
from leadline_sinks.notify.context import Known
from leadline_sinks.notify.kafka_writer import AGAIN_S
from leadline_sinks.notify.reading import FETCH_WAIT_MS, decoded

POLL_MS: Final = 200
STOP_S: Final = 5.0

log = logging.getLogger(__name__)


class Follower:
    """One consumer without a group, which every process has for itself."""

    def __init__(self, kafka: KafkaSettings, known: Known, changed: Callable[[], None], clock: Clock) -> None:
        self._kafka = kafka
        self._known = known
        self._changed = changed
        self._clock = clock
        self._asked: list[asyncio.Future[None]] = []

    async def caught_up(self) -> None:
        """Wait until everything is known that is in the topics now."""
        asked = asyncio.get_running_loop().create_future()
        self._asked.append(asked)
        await asked

    async def run(self) -> None:
        """Follow until cancelled. When Kafka is away, wait and begin again: what is read twice is known once."""
        away = False
        while True:
            consumer = self._consumer()
            try:
                await consumer.start()
                await self._follow(consumer)
            except CONNECTION_LOST as error:
                if not away:
                    log.warning("cannot read from Kafka (%s); waiting for it", str(error) or type(error).__name__)
                away = True
                await self._clock.sleep(AGAIN_S)
            finally:
                await stop(consumer)

    async def _follow(self, consumer: Any) -> None:
        waiting: list[tuple[dict[Any, int], list[asyncio.Future[None]]]] = []
        try:
            while True:
                if self._asked and consumer.assignment():
                    ends = await consumer.end_offsets(consumer.assignment())
                    waiting.append((ends, self._asked))
                    self._asked = []
                fetched = await consumer.getmany(timeout_ms=POLL_MS)
                for records in fetched.values():
                    for record in records:
                        self._learn(record)
                if fetched:
                    self._changed()
                while waiting and await reached(consumer, waiting[0][0]):
                    _, asked = waiting.pop(0)
                    for each in asked:
                        if not each.done():
                            each.set_result(None)
        finally:
            self._asked = [each for _, asked in waiting for each in asked] + self._asked

    def _learn(self, record: Any) -> None:
        match record.topic.removeprefix(self._kafka.topic_prefix):
            case SILENCES.name:
                silence = decoded(SILENCES, record)
                if silence is not None or record.value is None:
                    self._known.silence((record.key or b"").decode("utf-8", "replace"), silence)
            case ACTIONS.name:
                if (action := decoded(ACTIONS, record)) is not None:
                    self._known.action(action)
            case DELIVERIES.name:
                if (delivery := decoded(DELIVERIES, record)) is not None:
                    self._known.delivered(delivery, record.offset)

    def _consumer(self) -> Any:
        from aiokafka import AIOKafkaConsumer

        topics = [self._kafka.topic_prefix + codec.name for codec in (SILENCES, ACTIONS, DELIVERIES)]
        return AIOKafkaConsumer(
            *topics, **consumer_options(self._kafka, "leadline-sink"), fetch_max_wait_ms=FETCH_WAIT_MS
        )


async def reached(consumer: Any, ends: dict[Any, int]) -> bool:
    """Whether a consumer has read up to these offsets."""
    return all([await consumer.position(partition) >= end for partition, end in ends.items()])


async def stop(consumer: Any) -> None:
    """Hang up, whether or not Kafka is there to hear it."""
    with contextlib.suppress(*CONNECTION_LOST):
        async with asyncio.timeout(STOP_S):
            await consumer.stop()
