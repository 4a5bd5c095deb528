"""Records that the sinks cannot use go to the dead letters."""

import logging
from typing import Any, Final

from leadline import metrics
from leadline.clock import Clock
from leadline.deadletters import DEAD_LETTERS, Rejected
from leadline.errors import BadRecord
from leadline.logs import escape
from leadline_sinks.notify.kafka_reader import place_of
from leadline_sinks.notify.kafka_writer import KafkaWriter

MOST_PLACES: Final = 10_000
"""Records that are remembered, so that each is put there once."""

log = logging.getLogger(__name__)


class DeadLetters:
    """The dead letters of one process. Several targets read the same record: it is put there once."""

    def __init__(self, prefix: str, writer: KafkaWriter, clock: Clock) -> None:
        """``prefix`` is that of the topics."""
        self._prefix = prefix
        self._writer = writer
        self._clock = clock
        self._places: dict[tuple[str, int, int], None] = {}

    async def put(self, record: Any, bad: BadRecord) -> None:
        """Put a record of aiokafka there, and wait until Kafka has it."""
        place = (record.topic, record.partition, record.offset)
        if place in self._places:
            return
        self._places[place] = None
        if len(self._places) > MOST_PLACES:
            del self._places[next(iter(self._places))]
        metrics.SINK_BAD_RECORDS.labels(record.topic.removeprefix(self._prefix), bad.reason).inc()
        log.warning("%s goes to the dead letters: %s", place_of(record), escape(bad.detail))
        letter = Rejected(record, bad.reason, bad.detail).letter(self._prefix + DEAD_LETTERS, self._clock.now())
        await self._writer.put(letter)
