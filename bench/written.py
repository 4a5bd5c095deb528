"""Bytes that a process writes to each topic, in batches as Kafka keeps them; for one that uses aiokafka's producers."""

import json
from collections import Counter
from pathlib import Path
from threading import Event, Thread
from typing import Any

from aiokafka.producer.message_accumulator import MessageBatch
from aiokafka.record.default_records import DefaultRecordBatchBuilder

from leadline.wire import Outgoing

EACH_S = 1.0


def keep_written(into: Path) -> Event:
    """Count, from now on, what this process writes, and keep the counts in a file until the event is set.

    What is sent again counts again.
    """
    ended = Event()
    written: Counter[str] = Counter()
    data_of = MessageBatch.get_data_buffer

    def counted(batch: Any) -> Any:
        data = data_of(batch)
        written[batch.tp.topic] += len(data)
        return data

    MessageBatch.get_data_buffer = counted
    Thread(target=_report, args=(written, into, ended), daemon=True).start()
    return ended


def _report(written: Counter[str], into: Path, ended: Event) -> None:
    part = into.with_suffix(".part")
    while not ended.wait(EACH_S):
        part.write_text(json.dumps(dict(written)))
        part.replace(into)


def alone_bytes(record: Outgoing) -> int:
    """Bytes of a batch of this record alone, as an agent of one server sends it."""
    batch = DefaultRecordBatchBuilder(2, 0, 0, -1, -1, -1, 1 << 20)
    batch.append(0, 1_800_000_000_000, record.key, record.value, record.headers)
    return len(batch.build())
