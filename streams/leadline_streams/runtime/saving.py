"""Writes the states of clusters to Kafka: each after the outputs that it contains, and in order."""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from functools import partial

from leadline import metrics
from leadline.wire import Outgoing
from leadline_streams.runtime.interfaces import Log
from leadline_streams.runtime.partition import Cluster

STATES = "state"
"""The topic of the clusters' states, without the prefix: compacted, by cluster, with the partitions of the samples."""
log = logging.getLogger(__name__)


class StateWriter:
    """The states that are being written. ``fail`` is called with the error of one that cannot be."""

    def __init__(self, kafka: Log, topic: str, fail: Callable[[BaseException], None]) -> None:
        self._kafka = kafka
        self._topic = topic
        self._fail = fail
        self._saving: dict[Cluster, asyncio.Task[None]] = {}

    def save(self, partition: int, cluster: Cluster, blob: bytes) -> None:
        """Write a state once the outputs that it contains, and the state before it, are acknowledged."""
        outputs, cluster.sent = cluster.sent, []
        record = Outgoing(self._topic, cluster.key, blob, [], partition)
        before = self._saving.get(cluster)
        task = asyncio.create_task(self._store(cluster, cluster.applied, record, partition, outputs, before))
        self._saving[cluster] = task
        task.add_done_callback(partial(self._saved, cluster))
        metrics.STREAM_STATE_WRITES.inc()
        metrics.STREAM_STATE_BYTES.inc(len(blob))

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
        await asyncio.gather(*outputs)
        try:
            await (await self._kafka.send(record, home))
        except self._kafka.too_large as error:
            # Other clusters go on; this one is judged on as well, and begins anew after a restart.
            metrics.STREAM_STATES_REFUSED.inc()
            size = len(record.value or b"")
            log.error(
                "the state of cluster %s is not saved: Kafka refuses its %d bytes (%s); after a restart the cluster is "
                "judged from what was saved last; raise max.message.bytes of %s, or give its nodes several clusters",
                *(cluster.name, size, error, record.topic),
            )
        cluster.saved = applied

    def _saved(self, cluster: Cluster, task: asyncio.Task[None]) -> None:
        if self._saving.get(cluster) is task:
            del self._saving[cluster]
        if not task.cancelled() and (error := task.exception()) is not None:
            self._fail(error)

    def drop(self) -> None:
        """Write nothing more of what is not on its way."""
        for task in self._saving.values():
            task.cancel()
        self._saving.clear()

    async def written(self) -> None:
        """Wait until all states are acknowledged, or have failed."""
        if self._saving:
            await asyncio.wait(self._saving.values())
