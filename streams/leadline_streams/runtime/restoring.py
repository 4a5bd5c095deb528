"""Brings the clusters of a partition back from their saved states when a worker takes it up.

A state that cannot be read ends nothing: its cluster is judged anew, and the state goes to the dead letters. Where not
even its key can be read, an older state of the cluster is taken, and the samples since; without one it is judged anew.
"""

import logging
from collections.abc import Mapping, MutableMapping, Sequence
from functools import partial
from typing import Any

from leadline.clock import Clock
from leadline.deadletters import DEAD_LETTERS, Rejected, Unreadable
from leadline.recording import Recorded
from leadline.settings.stream import StreamSettings
from leadline.signature import SignatureCheck
from leadline.wire import UNPROCESSABLE
from leadline_streams.runtime.beside import beside
from leadline_streams.runtime.fold import FoldFactory
from leadline_streams.runtime.interfaces import Extent, Log
from leadline_streams.runtime.partition import LARGE_BYTES, Partition
from leadline_streams.runtime.saving import STATES
from leadline_streams.runtime.snapshot import Saved

log = logging.getLogger(__name__)


class Restorer:
    """The saved states of a worker, by key."""

    def __init__(
        self,
        kafka: Log,
        factory: FoldFactory,
        blobs: MutableMapping[bytes, bytes],
        settings: StreamSettings,
        clock: Clock,
    ) -> None:
        self._kafka = kafka
        self._factory = factory
        self._blobs = blobs
        self._prefix = settings.kafka.topic_prefix
        self._topic = self._prefix + STATES
        self._flush_s = settings.flush_s
        self._clock = clock
        self._verifier = SignatureCheck.of(settings.kafka.signing_secret)

    def stored(
        self, extents: Mapping[int, Extent]
    ) -> tuple[dict[int, dict[bytes, Saved]], dict[int, dict[bytes, Exception]]]:
        """The states of these partitions, by key, and the reasons for which others cannot be read."""
        found: dict[int, dict[bytes, Saved]] = {number: {} for number in extents}
        lost: dict[int, dict[bytes, Exception]] = {number: {} for number in extents}
        for key, blob in self._blobs.items():
            try:
                saved = Saved.unpack(blob)
            except Exception as error:
                number = self._kafka.partition_of(key)
                if number in lost:
                    lost[number][key] = error
                continue
            if saved.partition in found:
                found[saved.partition][key] = saved.within(extents[saved.partition].end)
        return found, lost

    async def take_up(
        self, number: int, position: int, clusters: Mapping[bytes, Saved], lost: Mapping[bytes, Exception]
    ) -> Partition:
        """A partition with its clusters. One whose state cannot be read is judged anew; the state is a dead letter."""
        partition = Partition(number, position, self._factory, self._blobs, self._flush_s, self._verifier)
        if unusable := self._kafka.unusable_states(number):
            await self._bury_unusable(number, unusable, partition)
        for key, error in lost.items():
            await self._bury(key, number, error)
            try:
                partition.begin_anew(key, position, error, self._clock.monotonic())
            except UnicodeDecodeError:
                log.error("%r in %s is no cluster", key, self._topic)
        for key, saved in clusters.items():
            blob = self._blobs[key]
            now = self._clock.monotonic()
            if len(saved.state) > LARGE_BYTES:
                failed = await beside(partial(partition.restore, key, saved, now))
            else:
                failed = partition.restore(key, saved, now)
            if failed is not None and saved.state:
                await self._bury(key, number, failed, blob)
            await self._clock.sleep(0)  # for the heartbeats
        return partition

    async def _bury_unusable(self, number: int, records: Sequence[Any], partition: Partition) -> None:
        """Send records of the states that belong to no known cluster to the dead letters, and expect their clusters."""
        for record in records:
            why = record.detail if isinstance(record, Unreadable) else "a state without a key"
            log.error("%s[%d] offset %d is left out: %s", self._topic, number, record.offset, why)
            placed = Recorded(self._topic, number, record.offset, record.timestamp, None, [], record.value)
            letter = Rejected(placed, UNPROCESSABLE, why).letter(self._prefix + DEAD_LETTERS, self._clock.now())
            await self._kafka.send(letter, number)
            partition.expect_lost(why, self._clock.monotonic())

    async def _bury(self, key: bytes, partition: int, error: Exception, blob: bytes | None = None) -> None:
        """Send a state that cannot be read to the dead letters."""
        log.error("the state of cluster %r in %s cannot be read (%s): it is judged anew", key, self._topic, error)
        record = Recorded(self._topic, partition, -1, 0, key, [], blob if blob is not None else self._blobs[key])
        bad = Rejected(record, UNPROCESSABLE, f"a state that cannot be read: {type(error).__name__}: {error}")
        await self._kafka.send(bad.letter(self._prefix + DEAD_LETTERS, self._clock.now()), partition)
