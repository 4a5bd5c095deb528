"""The requests received, with their answers, and the events accepted from them. Bounded: the oldest are dropped."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from leadline_lab.receiver.exchange import Event

MAX_EVENTS: Final = 2000
MAX_REQUESTS: Final = 2000


@dataclass(frozen=True, slots=True)
class Seen:
    """One request and what became of it."""

    at: datetime
    vendor: str
    path: str
    status: int | None
    """None when it got no answer."""
    problem: str | None
    """The reason of a refusal, or the fault that was set."""


class Inbox:
    """Everything so far. What is handed out never changes, so other threads may read it."""

    def __init__(self) -> None:
        self.events: tuple[Event, ...] = ()
        self.requests: tuple[Seen, ...] = ()
        self.count = 0
        """Requests ever."""

    def take(self, seen: Seen, events: Iterable[Event]) -> None:
        """Remember a request, and what was taken of it."""
        self.events = (*self.events, *events)[-MAX_EVENTS:]
        self.requests = (*self.requests, seen)[-MAX_REQUESTS:]
        self.count += 1

    def forget(self, vendor: str) -> None:
        """Drop what one vendor has accepted."""
        self.events = tuple(event for event in self.events if event.vendor != vendor)
