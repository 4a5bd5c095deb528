"""Records that cannot be used: what is written of them to the dead letters."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from leadline.wire import Outgoing, timestamp

MAX_KEPT_BYTES = 900_000
"""Longer values are cut: with the headers added, a broker of default settings would refuse what it once took."""


@dataclass(frozen=True, slots=True)
class Rejected:
    """A record as aiokafka handed it out, and why it cannot be used."""

    record: Any
    reason: str
    detail: str

    def letter(self, topic: str, at: datetime) -> Outgoing:
        """The original key, value and headers; further headers say why, whence and when."""
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
