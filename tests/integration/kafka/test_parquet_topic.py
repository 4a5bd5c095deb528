"""A topic that was deleted and made anew, and has more records than its files by now."""

import asyncio
import logging
import re
from collections.abc import Callable
from pathlib import Path

import pytest
from confluent_kafka.admin import AdminClient
from msgspec.structs import replace

from leadline.clock import SystemClock
from leadline.kafka import publish
from leadline.settings.common import KafkaSettings
from leadline.settings.parquet import ParquetSettings
from leadline.settings.sink import SinkSettings
from leadline.topics import create
from leadline.wire import SILENCES
from leadline_lab.sandbox.wait import eventually
from leadline_sinks.parquet import pending_file
from leadline_sinks.parquet.archive_consumer import ArchiveConsumer
from tests.fixtures.brokers import Broker
from tests.unit.sinks.notify.test_silence_announcements import silence


def test_a_topic_that_was_made_anew_and_has_grown(
    apache_kafka: Broker, prefix: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """Its first records would be in no file, and its others in files of another history, without a word. The same topic
    after a restart goes on.
    """
    monkeypatch.setattr(pending_file, "LATE_S", 0.0)
    caplog.set_level(logging.ERROR, "leadline_sinks.parquet")
    kafka = KafkaSettings(bootstrap=apache_kafka.bootstrap, topic_prefix=prefix)
    parquet = ParquetSettings(directory=str(tmp_path), topics=[SILENCES.name], every_s=1)

    def written() -> list[int]:
        return sorted(int(path.stem.rpartition("-")[2]) for path in tmp_path.glob("*/day=*/*.parquet"))

    async def add(numbers: range) -> None:
        for number in numbers:
            await publish(kafka, "test", replace(silence(), silence_id=f"sil_{number}"))

    async def archived(check: Callable[[], object]) -> None:
        """Run the writer until a condition holds."""
        consumer = ArchiveConsumer(SinkSettings(kafka=kafka, parquet=parquet), SystemClock())
        running = asyncio.create_task(consumer.run())
        try:
            await asyncio.to_thread(eventually, "it is so", check, 60.0)
        finally:
            running.cancel()
            await asyncio.wait({running})
            await consumer.close()

    asyncio.run(create(kafka, 1))
    asyncio.run(add(range(2)))
    asyncio.run(archived(written))
    first = written()
    asyncio.run(add(range(2, 4)))
    asyncio.run(archived(lambda: len(written()) > len(first)))
    assert caplog.messages == []

    admin = AdminClient({"bootstrap.servers": kafka.bootstrap})
    (deleted,) = admin.delete_topics([prefix + SILENCES.name], operation_timeout=30).values()
    deleted.result(30)
    asyncio.run(create(kafka, 1))
    asyncio.run(add(range(6)))
    asyncio.run(archived(lambda: caplog.messages))
    assert re.search(r"another record at offset \d than its file: the topic was made anew; move", caplog.messages[0])
