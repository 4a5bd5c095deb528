"""Errors of the Kafka clients. Importing this module loads aiokafka, which takes a tenth of a second."""

from typing import Final

from aiokafka.errors import KafkaError

CONNECTION_LOST: Final = (KafkaError, OSError, TimeoutError)
"""Raised by a producer or consumer when a broker is away or has changed. The client is closed and a new one is made."""
