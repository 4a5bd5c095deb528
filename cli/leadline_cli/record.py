"""``leadline record``."""

import asyncio
import sys
from collections.abc import AsyncGenerator, Callable, Iterator
from contextlib import aclosing, contextmanager
from dataclasses import dataclass
from math import inf
from pathlib import Path
from typing import BinaryIO

import click

from leadline.clock import Clock, SystemClock
from leadline.errors import UsageError
from leadline.kafka import consumer_options
from leadline.recording import Recorded, line
from leadline.settings.common import KafkaSettings
from leadline.settings.stream import StreamSettings
from leadline.topics import describe
from leadline_cli.options import config_option, format_option, settings
from leadline_cli.output import emit

POLL_MS = 250
MAX_RECORDS = 5000
STDOUT = Path("-")
Progress = Callable[[int, int | None], None]
"""Called with the number of records so far, and the number that are left, when that is known."""


@dataclass(frozen=True, slots=True)
class Bounds:
    """The part of a topic that is recorded."""

    from_beginning: bool
    until_end: bool
    duration_s: float


@click.command()
@config_option
@click.option(
    "-o",
    "--output",
    type=click.Path(path_type=Path),
    required=True,
    metavar="FILE",
    help="A new file, or - for standard output.",
)
@click.option(
    "--from",
    "start",
    type=click.Choice(["beginning", "now"]),
    default="beginning",
    show_default=True,
    help="Start at the oldest record in Kafka, or at the next new one.",
)
@click.option("--until-end", is_flag=True, help="Stop at the record that is the newest when the command starts.")
@click.option(
    "--duration", type=click.FloatRange(0, min_open=True), metavar="SECONDS", help="Stop after this many seconds."
)
@format_option
def command(config: Path | None, output: Path, start: str, until_end: bool, duration: float | None, form: str) -> None:
    """Copy samples from Kafka to a file.

    One JSON object per line: topic, partition, offset, timestamp_ms, key, headers, value, timestamp_type (1 where the
    broker gave the time). Records of a partition keep their order. Without --until-end and --duration the command runs
    until Ctrl-C; the file is complete up to then. `leadline replay` reads the file.

    \b
    Example:
      leadline record -c stream.yaml -o samples.jsonl --until-end
    """
    kafka = settings(StreamSettings, config).kafka
    bounds = Bounds(start == "beginning", until_end, duration or inf)
    asyncio.run(_record(kafka, kafka.topic_prefix + "samples", output, bounds, form))


async def _record(kafka: KafkaSettings, topic: str, output: Path, bounds: Bounds, form: str) -> None:
    batches = _batches(kafka, topic, bounds, SystemClock())
    async with aclosing(batches):
        # The first batch is empty and comes when Kafka has permitted the read, so that a refusal leaves no file behind.
        _, left = await anext(batches)
        count = 0
        with _file(output) as file:
            try:
                with _progress(left) as progress:
                    async for lines, left in batches:
                        file.write(b"".join(lines))
                        file.flush()
                        count += len(lines)
                        progress(count, left)
            finally:
                _summary(form, topic, output, count)


def _summary(form: str, topic: str, output: Path, count: int) -> None:
    if form == "json" and output != STDOUT:
        emit({"topic": topic, "file": str(output), "records": count})
    elif form == "text":
        click.echo(f"{count} records of {topic}" + (f" in {output}" if output != STDOUT else ""), err=True)


async def _batches(
    kafka: KafkaSettings, topic: str, bounds: Bounds, clock: Clock
) -> AsyncGenerator[tuple[list[bytes], int | None], None]:
    """Lines as they arrive, and the number of records that are left, when that is known."""
    from aiokafka import AIOKafkaConsumer, TopicPartition
    from aiokafka.errors import TopicAuthorizationFailedError

    (count,) = [found.partitions for found in await describe(kafka) if found.name == topic]
    if not count:
        raise UsageError(f"Kafka at {kafka.bootstrap} has no topic {topic}; check kafka.topic_prefix")
    partitions = [TopicPartition(topic, number) for number in range(count)]
    consumer = AIOKafkaConsumer(**consumer_options(kafka, "leadline-record"))
    await consumer.start()
    try:
        consumer.assign(partitions)
        ends = await consumer.end_offsets(partitions)
        starts = await consumer.beginning_offsets(partitions) if bounds.from_beginning else ends
        await consumer.getmany(timeout_ms=POLL_MS, max_records=1)  # fails without the right to read
        for partition, offset in starts.items():
            consumer.seek(partition, offset)
        deadline = clock.monotonic() + bounds.duration_s
        lines: list[bytes] = []
        while True:
            left = sum([max(0, ends[each] - await consumer.position(each)) for each in partitions])
            yield lines, left if bounds.until_end else None
            if clock.monotonic() >= deadline or (bounds.until_end and not left):
                return
            found = await consumer.getmany(timeout_ms=POLL_MS, max_records=MAX_RECORDS)
            lines = [
                line(
                    Recorded(
                        *(topic, at.partition, r.offset, r.timestamp),
                        *(r.key, list(r.headers), r.value, r.timestamp_type),
                    )
                )
                for at, records in found.items()
                for r in records
                if not bounds.until_end or r.offset < ends[at]
            ]
    except TopicAuthorizationFailedError:
        raise UsageError(
            f"Kafka at {kafka.bootstrap} does not permit reading {topic}; grant Read on it, "
            "or set kafka.sasl.username to a user that has it"
        ) from None
    finally:
        await consumer.stop()


@contextmanager
def _file(output: Path) -> Iterator[BinaryIO]:
    if output == STDOUT:
        yield sys.stdout.buffer
        return
    try:
        file = output.open("xb")
    except FileExistsError:
        raise UsageError(f"{output} exists; give another name, or remove the file") from None
    except OSError as error:
        raise UsageError(f"{output}: cannot be written: {error.strerror}") from None
    with file:
        yield file


@contextmanager
def _progress(total: int | None) -> Iterator[Progress]:
    """A progress bar or a count on standard error, if that is a terminal."""
    if not sys.stderr.isatty():
        yield lambda count, left: None
        return
    from rich.console import Console
    from rich.progress import BarColumn, TextColumn, TimeRemainingColumn
    from rich.progress import Progress as Bar

    columns = (TextColumn("{task.fields[count]:,} records"), BarColumn(), TimeRemainingColumn())
    with Bar(*columns, console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task("", total=total, count=0)
        yield lambda count, left: bar.update(task, count=count, completed=(total or 0) - (left or 0))
