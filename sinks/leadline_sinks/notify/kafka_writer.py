"""Writing records to Kafka: each write waits until Kafka has the record, however long Kafka is away."""

import asyncio
import logging
from dataclasses import dataclass
from typing import Any, Final

from aiokafka.errors import MessageSizeTooLargeError, ProducerFenced, TransactionalIdAuthorizationFailed

from leadline.clock import Clock
from leadline.kafka import producer_options
from leadline.kafka_claim import PartitionClaim
from leadline.kafka_errors import CONNECTION_LOST, reason
from leadline.settings.common import KafkaSettings
from leadline.wire import Addressed, Outgoing, outgoing
from leadline_sinks.notify.lease import Lease, NotAnswered, NotOwner
from leadline_sinks.notify.pacing import RECONNECT_S

CLAIM_S: Final = 10.0
"""Longest time to claim a partition; then its records are written without: people are notified all the same."""
CLAIM_AGAIN_S: Final = 86_400.0
"""Kafka forgets a claim that was not asked for in a week."""

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class IncidentsOwner:
    """The process that writes about the incidents of one partition: Kafka refuses what an earlier one still writes."""

    name: str
    """The transactional id."""
    lease: Lease


@dataclass(frozen=True, slots=True)
class _Claimed:
    claim: PartitionClaim | None
    """None where Kafka gives none."""
    number: int
    """Of the lease."""
    at: float


class KafkaWriter:
    """One producer for a process. It writes one record at a time, since there are few."""

    def __init__(self, kafka: KafkaSettings, clock: Clock) -> None:
        self._kafka = kafka
        self._clock = clock
        self._lock = asyncio.Lock()
        self._producer: Any = None
        self._claims: dict[str, _Claimed] = {}

    async def write(self, value: Addressed, owner: IncidentsOwner | None = None) -> int:
        """Write a value to its topic and return its offset. A retry may write it twice, which does no harm.

        Raises NotOwner when another process has taken over from this owner.
        """
        return await self.put(outgoing(value, self._kafka.topic_prefix), owner)

    async def put(self, record: Outgoing, owner: IncidentsOwner | None = None) -> int:
        """Write a record and return its offset, or -1 when it is larger than Kafka accepts. Raises NotOwner."""
        reported = False
        async with self._lock:
            while True:
                try:
                    if self._producer is None:
                        self._producer = await self._open()
                    sent = await self._send(record, owner)
                except MessageSizeTooLargeError:
                    log.error("a record of %s is lost: it is larger than Kafka accepts", record.topic)
                    return -1
                except ProducerFenced:
                    if owner is not None:
                        await self._let_go(owner.name)
                    raise NotOwner(f"another process writes to {record.topic} by now") from None
                except (NotAnswered, *CONNECTION_LOST) as error:
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
                    for name in list(self._claims):
                        await self._let_go(name)
                    await producer.stop()
            except CONNECTION_LOST as error:
                log.debug("the producer does not stop: %s", error)
        self._claims.clear()

    async def _send(self, record: Outgoing, owner: IncidentsOwner | None) -> Any:
        claim = await self._claim(owner) if owner is not None else None
        if claim is not None:
            return await (await claim.send(record))
        return await self._producer.send_and_wait(
            record.topic, record.value, record.key, record.partition, headers=record.headers
        )

    async def _claim(self, owner: IncidentsOwner) -> PartitionClaim | None:
        known, now, number = self._claims.get(owner.name), self._clock.monotonic(), owner.lease.number
        if known is not None and known.number == number and now - known.at < CLAIM_AGAIN_S:
            return known.claim
        await self._let_go(owner.name)
        await owner.lease.hold()
        claim = PartitionClaim(self._producer, owner.name)
        known = _Claimed(claim, number, now)
        try:
            async with asyncio.timeout(CLAIM_S):
                await claim.take()
            # Whoever was frozen before it took the claim learns here that it took it from the owner.
            await owner.lease.hold(anew=True)
        except (TransactionalIdAuthorizationFailed, TimeoutError) as error:
            await claim.close()
            known = _Claimed(None, number, now)
            log.warning("an earlier process could still write deliveries: %s", reason(error))
        except BaseException:
            await claim.close()
            raise
        self._claims[owner.name] = known
        return known.claim

    async def _let_go(self, name: str) -> None:
        known = self._claims.pop(name, None)
        if known is not None and known.claim is not None:
            await known.claim.close()

    async def _open(self) -> Any:
        from aiokafka import AIOKafkaProducer

        producer = AIOKafkaProducer(**producer_options(self._kafka, "leadline-sink"))
        try:
            await producer.start()
        except BaseException:
            await producer.stop()
            raise
        return producer
