"""Dead letters: the record that is written for a record that cannot be used."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from leadline.redaction.redact import redact
from leadline.wire import Outgoing, timestamp

DEAD_LETTERS = "deadletters"
"""Their topic, without the prefix."""
MAX_KEPT_BYTES = 900_000
"""Longer values are cut. With the added headers they would exceed the default size limit of a broker."""
MAX_NAMED_BYTES = 64_000
"""A key and headers that are longer together are left out, for the same reason."""


@dataclass(frozen=True, slots=True)
class Unreadable:
    """A record of Kafka that its client cannot read, and with it those after it in its batch. It has no content."""

    offset: int
    end: int
    """The offset after the last of them."""
    timestamp: int
    timestamp_type: int
    error: Exception
    topic: str = ""
    partition: int = -1
    key: None = None
    value: None = None
    headers: tuple[()] = ()

    @property
    def detail(self) -> str:
        """The reason, in one line."""
        why = f"{type(self.error).__name__}: {self.error}"
        return f"the records from offset {self.offset} to {self.end - 1} cannot be read ({why})"


@dataclass(frozen=True, slots=True)
class Rejected:
    """A record of aiokafka, and the reason for which it cannot be used."""

    record: Any
    reason: str
    detail: str

    def letter(self, topic: str, at: datetime) -> Outgoing:
        """The original key, value and headers, with headers for the reason, the origin and the time.

        What would make it larger than brokers take is left out or cut, and a header says so.
        """
        key, value, headers = self.record.key, self.record.value, list(self.record.headers)
        about = {
            "reason": self.reason,
            "detail": redact(self.detail)[:1000],
            "topic": self.record.topic,
            "partition": str(self.record.partition),
            "offset": str(self.record.offset),
            "at": timestamp(at),
        }
        if (named := len(key or b"") + _size(headers)) > MAX_NAMED_BYTES:
            key, headers = None, []
            about["left-out"] = f"key and headers of {named} bytes"
        if value is not None and len(value) > MAX_KEPT_BYTES:
            about["cut-from"] = str(len(value))
            value = value[:MAX_KEPT_BYTES]
        if key is None and value is None:
            key = b""  # the client writes no record without either
        marks = [(f"leadline-deadletter-{name}", text.encode("utf-8", "replace")) for name, text in about.items()]
        return Outgoing(topic, key, value, [*headers, *marks])


def _size(headers: Sequence[tuple[str, bytes | None]]) -> int:
    return sum(len(name.encode("utf-8", "replace")) + len(content or b"") for name, content in headers)
