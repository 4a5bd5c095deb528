"""Writing records to Kafka: each write waits until Kafka has the record, however long Kafka is away."""

import asyncio
import logging
from typing import Any

from aiokafka.errors import MessageSizeTooLargeError

from leadline.clock import Clock
from leadline.kafka import producer_options
from leadline.kafka_errors import CONNECTION_LOST, reason
from leadline.model.delivery import Delivery
from leadline.model.incident import Incident
from leadline.settings.common import KafkaSettings
from leadline.wire import Outgoing, outgoing
from leadline_sinks.notify.pacing import RECONNECT_S

log = logging.getLogger(__name__)


class KafkaWriter:
    """One producer for a process. It writes one record at a time, since there are few."""

    def __init__(self, kafka: KafkaSettings, clock: Clock) -> None:
        self._kafka = kafka
        self._clock = clock
        self._lock = asyncio.Lock()
        self._producer: Any = None

    async def write(self, value: Delivery | Incident) -> int:
        """Write a value to its topic and return its offset. A retry may write it twice, which does no harm."""
        return await self.put(outgoing(value, self._kafka.topic_prefix))

    async def put(self, record: Outgoing) -> int:
        """Write a record and return its offset, or -1 when it is larger than Kafka accepts."""
        reported = False
        async with self._lock:
            while True:
                try:
                    if self._producer is None:
                        self._producer = await self._open()
                    sent = await self._producer.send_and_wait(
                        record.topic, record.value, record.key, record.partition, headers=record.headers
                    )
                except MessageSizeTooLargeError:
                    log.error("a record of %s is lost: it is larger than Kafka accepts", record.topic)
                    return -1
                except CONNECTION_LOST as error:
                    if not reported:
                        why = reason(error)
                        log.warning("cannot write to Kafka: %s; retrying every %g s", why, RECONNECT_S)
                    reported = True
                    # A new producer: the sequence numbers of the old one may be wrong after a failed send.
                    await self.close()
                    await self._clock.sleep(RECONNECT_S)
                else:
                    if reported:
                        log.info("Kafka accepts records again")
                    return int(sent.offset)

    async def close(self) -> None:
        """Close the producer. A record that is being written may or may not arrive."""
        producer, self._producer = self._producer, None
        if producer is not None:
            try:
                async with asyncio.timeout(RECONNECT_S):
                    await producer.stop()
            except CONNECTION_LOST as error:
                log.debug("the producer does not stop: %s", error)

    async def _open(self) -> Any:
        from aiokafka import AIOKafkaProducer

        producer = AIOKafkaProducer(**producer_options(self._kafka, "leadline-sink"))
        try:
            await producer.start()
        except BaseException:
            await producer.stop()
            raise
        return producer
