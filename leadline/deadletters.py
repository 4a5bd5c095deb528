"""Dead letters: the record that is written for a record that cannot be used."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from leadline.wire import Outgoing, timestamp

MAX_KEPT_BYTES = 900_000
"""Longer values are cut. With the added headers they would exceed the default size limit of a broker."""


@dataclass(frozen=True, slots=True)
class Rejected:
    """A record of aiokafka, and the reason for which it cannot be used."""

    record: Any
    reason: str
    detail: str

    def letter(self, topic: str, at: datetime) -> Outgoing:
        """The original key, value and headers, with headers for the reason, the origin and the time."""
        value = self.record.value
        about = {
            "reason": self.reason,
            "detail": self.detail[:1000],
            "topic": self.record.topic,
            "partition": str(self.record.partition),
            "offset": str(self.record.offset),
            "at": timestamp(at),
        }
        if value is not None and len(value) > MAX_KEPT_BYTES:
            about["cut-from"] = str(len(value))
            value = value[:MAX_KEPT_BYTES]
        marks = [(f"leadline-deadletter-{name}", text.encode("utf-8", "replace")) for name, text in about.items()]
        return Outgoing(topic, self.record.key, value, [*self.record.headers, *marks])
