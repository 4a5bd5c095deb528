"""The producer of a partition's owner: Kafka refuses what an earlier owner still writes.

A worker that was frozen, or cut off, until its partitions went to another one may have records on their way. Kafka
gives each owner of a transactional id the same producer id with a higher epoch, and a partition of a topic into which
that epoch was written takes nothing more of a lower one. No transaction is begun: order is all that is asked for, so
neither writers nor readers wait for anything.
"""

import asyncio
from collections.abc import Awaitable, Sequence
from typing import Any, Self, cast

from aiokafka import AIOKafkaProducer
from aiokafka.producer.message_accumulator import MessageAccumulator
from aiokafka.producer.sender import Sender
from aiokafka.producer.transaction_manager import TransactionManager

from leadline.wire import Outgoing

TRANSACTION_MS = 60_000
"""The request has a timeout for transactions, of which there are none."""

TURNS_TO_SEND = 3
"""Turns of the event loop after which a record is on its way, when nothing of its partition is: the sender is woken in
the first, collects what there is in the second, and begins its request in the third."""


class OwnersProducer(AIOKafkaProducer):  # type: ignore[misc]  # aiokafka has no types
    """Writes under a transactional id, over the connections of another producer."""

    def __init__(self, base: AIOKafkaProducer, name: str) -> None:
        self.__dict__.update(vars(base), _closed=True)  # the base closes the connections
        queue, sender = base._message_accumulator, base._sender
        self._txn_manager = TransactionManager(name, TRANSACTION_MS)
        self._message_accumulator = MessageAccumulator(
            self._metadata,
            queue._batch_size,
            queue._compression_type,
            queue._batch_ttl,
            txn_manager=self._txn_manager,
            loop=self._loop,
        )
        self._sender = Sender(
            self.client,
            acks=sender._acks,
            txn_manager=self._txn_manager,
            message_accumulator=self._message_accumulator,
            retry_backoff_ms=sender._retry_backoff * 1000,
            request_timeout_ms=sender._request_timeout_ms,
        )

    async def start(self) -> None:
        """Take the id. Raises TransactionalIdAuthorizationFailed."""
        await self._sender.start()
        self._txn_manager.transactional_id = None  # from now on a producer without transactions

    async def stop(self) -> None:
        """Write what waits to be written; the connections stay open."""
        if (sending := self._sender.sender_task) is None:
            return
        writing = asyncio.ensure_future(self._message_accumulator.close())
        try:
            await asyncio.wait([writing, sending], return_when=asyncio.FIRST_COMPLETED)
        finally:
            writing.cancel()
            await self._sender.close()


class PartitionClaim:
    """One owner's hold of one partition."""

    def __init__(self, base: AIOKafkaProducer, name: str) -> None:
        self._base = base
        self._name = name
        self._producer = OwnersProducer(base, name)
        self._turn = asyncio.Lock()

    async def take(self) -> Self:
        """Take over from whoever had it."""
        await self._producer.start()
        return self

    async def renew(self) -> None:
        """Take it again: Kafka forgets an id that was not asked for in a week, and whose writes it has to refuse."""
        renewed = OwnersProducer(self._base, self._name)
        try:
            await renewed.start()
            async with self._turn:
                await self._producer.stop()  # what has the lower epoch is written first
                self._producer, renewed = renewed, self._producer
        finally:
            await renewed.stop()

    async def send(self, record: Outgoing) -> Awaitable[object]:
        """Send a record; the awaitable is done when all in-sync replicas have it."""
        async with self._turn:
            sent = await self._producer.send(
                record.topic, record.value, record.key, record.partition, headers=record.headers
            )
        return cast(Awaitable[object], sent)

    async def send_together(self, records: Sequence[Outgoing]) -> Awaitable[object]:
        """Send records of one topic and partition in as few batches as possible."""
        topic, partition = records[0].topic, records[0].partition
        async with self._turn:
            producer = self._producer
            batch, sent = producer.create_batch(), list[Awaitable[Any]]()
            for record in records:
                content = {"key": record.key, "value": record.value, "headers": record.headers, "timestamp": None}
                if batch.append(**content) is None:
                    sent.append(await producer.send_batch(batch, topic, partition=partition))
                    batch = producer.create_batch()
                    batch.append(**content)
            sent.append(await producer.send_batch(batch, topic, partition=partition))
        return asyncio.gather(*sent)

    async def close(self) -> None:
        """Write what waits to be written."""
        await self._producer.stop()
