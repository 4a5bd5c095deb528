"""The connection to Kafka: one idempotent producer, which writes a batch completely or not at all."""

import asyncio
import contextlib
import socket
from collections.abc import Sequence
from itertools import chain
from typing import Any, Protocol

from aiokafka.errors import InvalidTimestampError, KafkaConnectionError, MessageSizeTooLargeError
from aiokafka.partitioner import DefaultPartitioner
from aiokafka.producer import AIOKafkaProducer
from aiokafka.producer.message_accumulator import BatchBuilder
from aiokafka.record.default_records import DefaultRecordBatch

from leadline.kafka import producer_options, reach
from leadline.kafka_errors import CONNECTION_LOST
from leadline.settings.common import KafkaSettings
from leadline.wire import MAX_OBSERVATION_BYTES
from leadline_agents.record_times import RecordTimes

GZIP = DefaultRecordBatch.CODEC_GZIP
Message = tuple[bytes, Sequence[tuple[str, bytes]]]
"""Value and headers."""

ANSWER_S = 10.0
"""A batch that is not answered within this time is sent again over a new channel."""
CLOSE_S = 2.0
BATCH_BYTES = 900_000
"""Below the 1 MB that Kafka accepts by default; the publisher's batches are much smaller."""
COMPRESSED_BYTES = 512 * 1024
"""A batch of more is compressed, and that may be much larger: Kafka's limit is of a batch as it is sent."""


class TooLarge(Exception):
    """Kafka will never accept this batch."""


class Channel(Protocol):
    """The publisher's view of Kafka."""

    async def send(self, topic: str, key: bytes, messages: Sequence[Message]) -> None:
        """Write messages of one key, in order, all or none.

        Raises TooLarge, or one of ``CONNECTION_LOST`` when it cannot be known whether they are written.
        """
        ...

    async def close(self) -> None:
        """Close the connection without waiting for batches that are being sent."""
        ...


class KafkaChannel:
    """A ``Channel`` to a real broker."""

    def __init__(self, producer: Any, times: RecordTimes) -> None:
        self._producer = producer
        self._times = times

    @classmethod
    async def open(cls, kafka: KafkaSettings, times: RecordTimes) -> "KafkaChannel":
        """Connect. Raises one of ``CONNECTION_LOST``, or a LeadlineError that says what is not there or what to set."""
        producer = AIOKafkaProducer(
            **producer_options(kafka, f"leadline-agent-{socket.gethostname()}"),
            request_timeout_ms=round(ANSWER_S * 1000),
            max_batch_size=BATCH_BYTES,
        )
        channel = cls(producer, times)
        try:
            await producer.start()
        except BaseException as error:
            await channel.close()
            if isinstance(error, KafkaConnectionError):
                await reach(kafka)  # aiokafka says only that it is not connected
            raise
        return channel

    async def send(self, topic: str, key: bytes, messages: Sequence[Message]) -> None:
        """One batch, so that it is acknowledged as one; see ``Channel``."""
        async with asyncio.timeout(ANSWER_S):
            partitions = sorted(await self._producer.partitions_for(topic))
            large = sum(len(value) for value, _ in messages) > COMPRESSED_BYTES
            batch = BatchBuilder(2 * MAX_OBSERVATION_BYTES, GZIP) if large else self._producer.create_batch()
            time_ms = self._times.now_ms()
            for value, headers in messages:
                if batch.append(key=key, value=value, timestamp=time_ms, headers=headers) is None:
                    raise TooLarge(f"{len(messages)} records do not fit into one batch")
            try:
                partition = DefaultPartitioner()(key, partitions, partitions)
                await (await self._producer.send_batch(batch, topic, partition=partition))
            except MessageSizeTooLargeError as error:
                raise TooLarge(str(error)) from None
            except InvalidTimestampError:
                self._times.refused()
                raise
            self._times.accepted()

    async def close(self) -> None:
        """Hang up; see ``Channel``. ``stop`` waits for every batch, and aiokafka has no public way to give them up."""
        batches, sender = self._producer._message_accumulator, self._producer._sender.sender_task
        for batch in [*chain.from_iterable(batches._batches.values()), *batches._pending_batches]:
            batch.future.cancel()
        while sender is not None and not sender.done():
            sender.cancel()  # once ends its loop, twice its wait for answers
            await asyncio.sleep(0)
        with contextlib.suppress(*CONNECTION_LOST):
            async with asyncio.timeout(CLOSE_S):
                await self._producer.stop()
