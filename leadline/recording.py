"""Records of a topic in a file: one JSON object per line, complete enough to judge them again.

``{"topic": …, "partition": …, "offset": …, "timestamp_ms": …, "key": …, "headers": [[name, value], …], "value": …}``.
Bytes are text if they are UTF-8, else ``{"base64": …}``; null if there are none.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import msgspec

from leadline.errors import UsageError


class Recorded(NamedTuple):
    """One record of a topic."""

    topic: str
    partition: int
    offset: int
    timestamp_ms: int
    key: bytes | None
    headers: list[tuple[str, bytes | None]]
    value: bytes | None
    timestamp_type: int = 0
    """0 for a time of the producer, 1 for one of the broker."""

    @property
    def timestamp(self) -> int:
        """``timestamp_ms``, by the name that it has in records of Kafka."""
        return self.timestamp_ms


class _Bytes(msgspec.Struct):
    base64: bytes


_Written = str | _Bytes | None


class _Line(msgspec.Struct):
    topic: str
    partition: int
    offset: int
    timestamp_ms: int
    key: _Written
    headers: list[tuple[str, _Written]]
    value: _Written
    timestamp_type: int = 0


_DECODER = msgspec.json.Decoder(_Line)


def line(record: Recorded) -> bytes:
    """The line of one record, with its newline."""
    topic, partition, offset, timestamp_ms, key, headers, value, kind = record
    named = [(name, _written(content)) for name, content in headers]
    written = _Line(topic, partition, offset, timestamp_ms, _written(key), named, _written(value), kind)
    return msgspec.json.encode(written) + b"\n"


def read(path: Path) -> Iterator[Recorded]:
    """The records of a file, in its order. Raises UsageError that names the first invalid line."""
    number = 0
    try:
        with path.open("rb") as file:
            for number, text in enumerate(file, 1):  # noqa: B007 - the errors below name it
                found = _DECODER.decode(text)
                headers = [(name, _read(content)) for name, content in found.headers]
                place = found.topic, found.partition, found.offset, found.timestamp_ms
                yield Recorded(*place, _read(found.key), headers, _read(found.value), found.timestamp_type)
    except OSError as error:
        raise UsageError(f"{path}: cannot read the recording: {error.strerror}") from None
    except (msgspec.DecodeError, UnicodeError, RecursionError) as error:
        raise UsageError(f"{path}, line {number}: not a line of `leadline record`: {error}") from None


def _written(content: bytes | None) -> _Written:
    try:
        return None if content is None else content.decode()
    except UnicodeDecodeError:
        return _Bytes(content or b"")


def _read(written: _Written) -> bytes | None:
    return written.encode() if isinstance(written, str) else None if written is None else written.base64
