"""The records of one partition that wait for their file, and when it is due. Pure."""

from dataclasses import dataclass, field

from leadline_sinks.parquet.table_rows import RawRecord

LATE_S = 5.0
"""A file is written this long after its span has ended: what Kafka took in it is read by then."""


@dataclass(slots=True)
class PendingFile:
    """The records of a partition from ``position`` on."""

    topic: str
    """Without the prefix."""
    partition: int
    position: int
    """The offset of the first record that is in no file."""
    next_offset: int = -1
    """The offset after the last record that was read; ``position`` where none was."""
    records: list[RawRecord] = field(default_factory=list)
    size: int = 0
    """Bytes of the records."""
    last: tuple[int, int] | None = None
    """Offset and time of the record before ``next_offset``, to recognize it; None where it could not be read."""

    def __post_init__(self) -> None:
        self.next_offset = max(self.next_offset, self.position)

    def add(self, record: RawRecord) -> None:
        """Take the next record."""
        self.records.append(record)
        self.size += record.size
        self.next_offset = max(record.offset + 1, record.end)
        self.last = (record.offset, record.time_ms) if not record.unreadable else None

    def is_another(self, record: RawRecord) -> bool:
        """Whether a record has the place of the last one and is not that: the topic was made anew."""
        return self.last is not None and record.offset == self.last[0] and record.time_ms != self.last[1]

    def is_full(self, record: RawRecord, span_s: float, most: int) -> bool:
        """Whether the records so far are a whole file: the next is of a later span, or there are as many as go in."""
        if not self.records:
            return False
        return len(self.records) >= most or _span(record, span_s) != _span(self.records[0], span_s)

    def is_due(self, now: float, span_s: float) -> bool:
        """Whether the span of its records is over. ``now``: in seconds since 1970."""
        return bool(self.records) and now >= (_span(self.records[0], span_s) + 1) * span_s + LATE_S

    def written(self) -> None:
        """Its records are in a file now."""
        self.position, self.records, self.size = self.next_offset, [], 0


def _span(record: RawRecord, span_s: float) -> int:
    return int(record.time_ms / 1000 // span_s)
