"""Writes the states of clusters to Kafka: each after the outputs that it contains, and in order."""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from dataclasses import replace
from functools import partial

from leadline import metrics
from leadline.wire import Outgoing
from leadline_streams.runtime import cluster_failure
from leadline_streams.runtime.fold import Cluster
from leadline_streams.runtime.interfaces import Log
from leadline_streams.runtime.snapshot import Saved

STATES = "state"
"""The topic of the clusters' states, without the prefix: compacted, by cluster, with the partitions of the samples."""
STATES_PER_S = 1000.0
"""A worker saves so many states in a second, in the mean of an interval: each takes 0.1 ms, and some 2 kB in Kafka."""
log = logging.getLogger(__name__)


def interval_s(flush_s: float, clusters: int) -> float:
    """Seconds after which the state of each of a worker's clusters is saved again: with very many, less often."""
    return max(flush_s, clusters / STATES_PER_S)


class StateWriter:
    """The states that are being written. ``fail`` is called with the error of one that cannot be."""

    def __init__(self, kafka: Log, topic: str, fail: Callable[[BaseException], None]) -> None:
        self._kafka = kafka
        self._topic = topic
        self._fail = fail
        self._saving: dict[bytes, asyncio.Task[None]] = {}
        """By the keys of clusters: one may be forgotten, and another have its name."""

    def save(self, partition: int, cluster: Cluster, blob: bytes) -> None:
        """Write a state once the outputs that it contains, and the state before it, are acknowledged."""
        self._write(partition, cluster, blob)
        metrics.STREAM_STATE_WRITES.inc()
        metrics.STREAM_STATE_BYTES.inc(len(blob))

    def remove(self, partition: int, cluster: Cluster) -> None:
        """Remove the state of a cluster that is forgotten, after what it was sent last."""
        self._write(partition, cluster, None)
        metrics.STREAM_CLUSTERS_FORGOTTEN.inc()

    def _write(self, partition: int, cluster: Cluster, blob: bytes | None) -> None:
        outputs, cluster.sent = cluster.sent, []
        record = Outgoing(self._topic, cluster.key, blob, [], partition)
        before = self._saving.get(cluster.key)
        task = asyncio.create_task(self._store(cluster, cluster.applied, record, partition, outputs, before))
        self._saving[cluster.key] = task
        task.add_done_callback(partial(self._saved, cluster))

    async def _store(
        self,
        cluster: Cluster,
        applied: int,
        record: Outgoing,
        home: int,
        outputs: list[Awaitable[object]],
        before: asyncio.Task[None] | None,
    ) -> None:
        if before is not None:
            await before
        for error in await asyncio.gather(*outputs, return_exceptions=True):
            if isinstance(error, self._kafka.too_large):
                cluster.unreported = ("judgement_defect", f"Kafka refuses one of its outputs: {error}")
            elif isinstance(error, BaseException):
                raise error
        try:
            await (await self._kafka.send(record, home))
        except self._kafka.too_large as error:
            # Other clusters go on, and so does this one. After a restart it is judged anew: from an older state its
            # incidents would have numbers that were used before, and nobody would be notified of them.
            metrics.STREAM_STATES_REFUSED.inc()
            detail = f"Kafka refuses its {len(record.value or b'')} bytes in {record.topic} ({error})"
            advice = f"raise max.message.bytes of {record.topic}"
            log.error("the state of cluster %s is not saved: %s; %s", cluster.name, detail, advice)
            cluster.unreported = ("state_too_large", detail)
            empty = Saved(home, applied, b"", cluster_failure.pack(cluster.failure))
            await (await self._kafka.send(replace(record, value=empty.pack()), home))
        cluster.saved = applied

    def _saved(self, cluster: Cluster, task: asyncio.Task[None]) -> None:
        if self._saving.get(cluster.key) is task:
            del self._saving[cluster.key]
        if not task.cancelled() and (error := task.exception()) is not None:
            self._fail(error)

    def drop(self) -> bool:
        """Write nothing more of what is not on its way. True where a state is not known to be written."""
        unwritten = bool(self._saving)
        for task in self._saving.values():
            task.cancel()
        self._saving.clear()
        return unwritten

    async def written(self) -> None:
        """Wait until all states are acknowledged, or have failed."""
        if self._saving:
            await asyncio.wait(self._saving.values())
