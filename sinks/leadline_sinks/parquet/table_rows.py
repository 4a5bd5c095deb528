"""Records as the rows of a file: every record is one row, whether it can be read or not. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Final

import msgspec
import pyarrow as pa

from leadline.errors import BadRecord
from leadline.wire import CODECS
from leadline_sinks.parquet.columns import AS_JSON, SCHEMA_VERSION, fields_of, schema_of

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class RawRecord:
    """A record as it was read."""

    offset: int
    time_ms: int
    """When Kafka took it."""
    key: bytes | None
    value: bytes | None
    unreadable: str = ""
    """The reason for which a client could not even read its bytes."""
    end: int = 0
    """The offset after it, where it stands for several that could not be read."""

    @property
    def size(self) -> int:
        """Bytes of key and value."""
        return len(self.key or b"") + len(self.value or b"")


def table_of(topic: str, partition: int, records: Sequence[RawRecord]) -> Any:
    """The rows of records of one partition, as an Arrow table."""
    rows = [_row(topic, partition, record) for record in records]
    return pa.Table.from_pylist(rows, schema=schema_of(topic))


def _row(topic: str, partition: int, record: RawRecord) -> dict[str, Any]:
    row: dict[str, Any] = {
        "kafka_partition": partition,
        "kafka_offset": record.offset,
        "kafka_time": _EPOCH + timedelta(milliseconds=max(0, record.time_ms)),
        "kafka_key": _text(record.key),
        "kafka_removed": record.value is None and not record.unreadable,
        "schema_version": SCHEMA_VERSION,
        "unreadable": record.unreadable or None,
    }
    if record.value is None:
        return row
    if topic in AS_JSON:
        return row | {"value": _text(record.value)}
    try:
        plain = msgspec.to_builtins(CODECS[topic].decode(record.value), builtin_types=(datetime,))
        return row | {name: convert(plain.get(name)) for name, (_, convert) in fields_of(topic).items()}
    except (BadRecord, OverflowError, ValueError):
        return row | {"unreadable": _text(record.value)}


def _text(data: bytes | None) -> str | None:
    return None if data is None else data.decode("utf-8", "backslashreplace")
