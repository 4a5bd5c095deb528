"""Writes records and findings to Kafka."""

import asyncio
from collections.abc import Sequence
from typing import Final

from leadline.errors import UnreachableError, UsageError
from leadline.kafka import producer_options
from leadline.model.finding import FindingReport
from leadline.model.verification import Verification
from leadline.settings.common import KafkaSettings
from leadline.signature import Signer
from leadline.wire import OBSERVATIONS, outgoing

CLIENT: Final = "leadline-verify"
SEND_S: Final = 30.0


async def send(kafka: KafkaSettings, signer: Signer, values: Sequence[Verification | FindingReport]) -> None:
    """Write these in order, and return when Kafka has acknowledged all of them.

    Raises UnreachableError, or UsageError without a right.
    """
    from aiokafka import AIOKafkaProducer
    from aiokafka.errors import ClusterAuthorizationFailedError, KafkaError, TopicAuthorizationFailedError

    producer = AIOKafkaProducer(**producer_options(kafka, CLIENT))
    try:
        async with asyncio.timeout(SEND_S):
            await producer.start()
            for value in values:
                record = outgoing(value, kafka.topic_prefix)
                if record.topic == kafka.topic_prefix + OBSERVATIONS.name:
                    record = signer.sign(record)
                await producer.send_and_wait(record.topic, record.value, record.key, headers=record.headers)
    except (ClusterAuthorizationFailedError, TopicAuthorizationFailedError) as error:
        raise UsageError(
            f"Kafka at {kafka.bootstrap} does not permit it: {error}; grant what deploy/kafka/acls.sh lists for verify"
        ) from None
    except (KafkaError, TimeoutError) as error:
        why = str(error) or f"no acknowledgement in {SEND_S:g} s"
        raise UnreachableError(f"Kafka at {kafka.bootstrap}: nothing more was written: {why}") from None
    finally:
        await producer.stop()
