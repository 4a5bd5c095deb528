"""Bytes that are written to each topic."""

import json
from pathlib import Path

import pytest
from aiokafka.producer.message_accumulator import BatchBuilder, MessageBatch
from aiokafka.structs import TopicPartition

from bench.written import alone_bytes, keep_written
from leadline.wire import Outgoing
from leadline_lab.sandbox.wait import eventually


def test_a_record_alone_has_the_head_of_a_batch_beside_it() -> None:
    """61 bytes, as in Kafka's description of the format of batches; a record has its own lengths, too."""
    assert alone_bytes(Outgoing("samples", b"orders", b"x" * 50, [])) == 61 + 7 + len(b"orders") + 50


def test_what_a_process_writes_is_counted_by_topic(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """In batches, as they leave; the file is there after a second."""
    monkeypatch.setattr(MessageBatch, "get_data_buffer", MessageBatch.get_data_buffer)
    ended = keep_written(tmp_path / "written.json")
    batch = MessageBatch.__new__(MessageBatch)
    batch._tp, batch._builder = TopicPartition("lag", 0), BatchBuilder(1000, 0)
    batch._builder.append(timestamp=None, key=b"orders", value=b"x" * 50)
    data = batch.get_data_buffer()
    eventually("the counts are kept", (tmp_path / "written.json").exists, 30.0)
    ended.set()
    assert json.loads((tmp_path / "written.json").read_text()) == {"lag": len(data)}
