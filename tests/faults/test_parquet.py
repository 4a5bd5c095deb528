"""The writer of files for analytics, killed at random instants while records come: each is one row of one file."""

import asyncio
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from random import Random
from typing import Any

import pyarrow.parquet as pq
import pytest
from msgspec.structs import replace

from leadline.wire import ALERTS, LAG, STATUS, Outgoing, tombstone
from tests.integration.sinks.kit import Process, everything, process, until, writing
from tests.integration.streams.kit import CLOCK, Topics
from tests.unit.test_wire import EXAMPLES

pytestmark = pytest.mark.timeout(300)

KILLS = 4
CLUSTERS = 20
PAUSE_S = 0.01
MEANWHILE_S = 1.2
"""Longest time from the first new file of a process to its kill."""
TOPICS = (LAG.name, ALERTS.name, STATUS.name)

Place = tuple[str, int, int]


def files(folder: Path) -> list[Path]:
    return sorted(folder.glob("*/day=*/*.parquet"))


def rows(folder: Path) -> Iterator[tuple[Place, Any, bool]]:
    """The place of each row, its key, and whether it removes that."""
    for path in files(folder):
        columns = ["kafka_partition", "kafka_offset", "kafka_key", "kafka_removed", "unreadable"]
        for row in pq.read_table(path, columns=columns, partitioning=None).to_pylist():
            place = (path.name.split("-")[0], row["kafka_partition"], row["kafka_offset"])
            yield place, row["kafka_key"], row["kafka_removed"]


async def in_kafka(topics: Topics) -> dict[Place, tuple[Any, bool]]:
    """Key of each record, and whether it has a value, by its place."""
    return {
        (name, record.partition, record.offset): (record.key and record.key.decode(), record.value is None)
        for name in TOPICS
        for record in await everything(topics.bootstrap, topics.prefix, name)
    }


async def write(topics: Topics, stop: asyncio.Event) -> None:
    """Roll-ups, alerts and statuses of some clusters, tombstones, and what is no value."""
    number = 0
    made = [EXAMPLES[name][1] for name in EXAMPLES if EXAMPLES[name][0] in (LAG, ALERTS, STATUS)]
    async with writing(topics.bootstrap, topics.prefix) as put:
        while not stop.is_set():
            number += 1
            cluster = f"c{number % CLUSTERS}"
            await put(*(replace(value, cluster=cluster) for value in made))
            if number % 7 == 0:
                await put(tombstone(STATUS, f"{cluster}/pg-1", topics.prefix))
                await put(Outgoing(topics.prefix + LAG.name, cluster.encode(), b"no value \xff", []))
            await CLOCK.sleep(PAUSE_S)


async def test_killed_at_random_instants(topics: Topics, tmp_path: Path) -> None:
    """Four kills: in the midst of reading, of writing a file, of naming it. No row is lost, none is there twice."""
    folder, random, stop = tmp_path / "files", Random(7), asyncio.Event()
    settings = {
        "parquet": {"directory": str(folder), "topics": list(TOPICS), "every_s": 1},
        "kafka": {"bootstrap": topics.bootstrap, "topic_prefix": topics.prefix},
    }
    with process(tmp_path, settings) as sink:
        async with asyncio.TaskGroup() as group:
            writer = group.create_task(write(topics, stop))
            for _ in range(KILLS):
                before = len(files(folder))
                sink.start("parquet")
                await until("a new file", lambda: len(files(folder)) > before, sink, 60.0)  # noqa: B023
                await CLOCK.sleep(random.uniform(0.0, MEANWHILE_S))
                sink.kill()
            sink.start("parquet")
            stop.set()
            await writer
        expected = await in_kafka(topics)
        await all_written(folder, expected, sink)
        assert sink.end() == 0, sink.err
    found = list(rows(folder))
    assert [place for place, times in Counter(place for place, _, _ in found).items() if times > 1] == []
    assert {place: (key, removed) for place, key, removed in found} == expected
    assert list(folder.glob("*/day=*/*.unfinished")) == []


async def all_written(folder: Path, expected: dict[Place, Any], sink: Process) -> None:
    """Wait until there are as many rows as records: the last span ends, and its files are written."""

    def count() -> int:
        return sum(pq.read_metadata(path).num_rows for path in files(folder))

    await until("every record is in a file", lambda: count() >= len(expected), sink, 60.0)
