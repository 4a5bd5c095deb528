"""Writes records to Kafka and waits until they are there, however long Kafka is away."""

import asyncio
import logging
from typing import Any, Final

from aiokafka.errors import MessageSizeTooLargeError

from leadline.clock import Clock
from leadline.kafka import producer_options
from leadline.kafka_errors import CONNECTION_LOST
from leadline.model.delivery import Delivery
from leadline.model.incident import Incident
from leadline.settings.common import KafkaSettings
from leadline.wire import Outgoing, outgoing

AGAIN_S: Final = 1.0

log = logging.getLogger(__name__)


class Journal:
    """One producer, which writes one record at a time: there are few."""

    def __init__(self, kafka: KafkaSettings, clock: Clock) -> None:
        self._kafka = kafka
        self._clock = clock
        self._lock = asyncio.Lock()
        self._producer: Any = None

    async def write(self, value: Delivery | Incident) -> int:
        """Write a value to its topic; its offset, when it is there. Written twice it does no harm."""
        return await self.put(outgoing(value, self._kafka.topic_prefix))

    async def put(self, record: Outgoing) -> int:
        """Write a record; its offset, when it is there, or -1 when Kafka will never take it."""
        away = False
        async with self._lock:
            while True:
                try:
                    if self._producer is None:
                        self._producer = await self._opened()
                    sent = await self._producer.send_and_wait(
                        record.topic, record.value, record.key, record.partition, headers=record.headers
                    )
                except MessageSizeTooLargeError:
                    log.error("a record of %s is not written: Kafka does not take one as large", record.topic)
                    return -1
                except CONNECTION_LOST as error:
                    if not away:
                        log.warning("cannot write to Kafka (%s); waiting for it", str(error) or type(error).__name__)
                    away = True
                    # A new producer: the old one may have lost count of what it wrote.
                    await self._drop()
                    await self._clock.sleep(AGAIN_S)
                else:
                    if away:
                        log.info("Kafka takes records again")
                    return int(sent.offset)

    async def close(self) -> None:
        """Hang up. What is being written may or may not be there."""
        await self._drop()

    async def _opened(self) -> Any:
        from aiokafka import AIOKafkaProducer

        producer = AIOKafkaProducer(**producer_options(self._kafka, "leadline-sink"))
        try:
            await producer.start()
        except BaseException:
            await producer.stop()
            raise
        return producer

    async def _drop(self) -> None:
        producer, self._producer = self._producer, None
        if producer is not None:
            try:
                async with asyncio.timeout(AGAIN_S):
                    await producer.stop()
            except CONNECTION_LOST as error:
                log.debug("the producer does not stop: %s", error)
