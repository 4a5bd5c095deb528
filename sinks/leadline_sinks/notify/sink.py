"""What a sink is: it is given a notice and says what became of it.

A sink knows how to speak to one target. When to speak, in which order, how often to try again and what was delivered
before is not its concern: ``courier`` decides that. Every call ends as one of three outcomes; an exception is a defect.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, Protocol

from leadline.model.action import Action
from leadline.model.delivery import Occasion
from leadline.model.incident import Change, Incident, TimelineEntry


@dataclass(frozen=True, slots=True)
class Notice:
    """One thing to tell one target about one incident."""

    incident: Incident
    """As it is now, ``acknowledged_by`` and ``silenced_by`` filled in."""
    occasion: Occasion
    news: tuple[TimelineEntry, ...] = ()
    """What happened since this target was told last, oldest first."""
    changes: tuple[Change, ...] = ()
    """Configuration changes among it."""
    actions: tuple[Action, ...] = ()
    """What people did since then."""
    receipt: Mapping[str, str] = field(default_factory=dict)
    """What the target gave us before, for this incident; empty at the first word."""


class Reason(StrEnum):
    """Why an attempt failed; also the label of the metric."""

    RATE_LIMITED = "rate_limited"
    UNAVAILABLE = "unavailable"
    UNREACHABLE = "unreachable"
    TIMEOUT = "timeout"
    GARBLED = "garbled"
    UNAUTHORIZED = "unauthorized"
    TARGET_GONE = "target_gone"
    FULL = "full"
    REJECTED = "rejected"


REASONS: Mapping[Reason, str] = {
    Reason.RATE_LIMITED: "it wants fewer requests; we wait as long as it says",
    Reason.UNAVAILABLE: "it answers that it cannot at the moment",
    Reason.UNREACHABLE: "no connection",
    Reason.TIMEOUT: "no answer in time; it may have taken what we sent",
    Reason.GARBLED: "its answer cannot be understood",
    Reason.UNAUTHORIZED: "it does not accept our token, key or login",
    Reason.TARGET_GONE: "the channel, service or database is not there any more, or closed to us",
    Reason.FULL: "it has no room left",
    Reason.REJECTED: "it refuses this content, however short we make it",
}
"""What each means."""

NEEDS_SOMEBODY = frozenset({Reason.UNAUTHORIZED, Reason.TARGET_GONE, Reason.FULL})
"""Waiting will not mend these: somebody has to be told through another target."""


@dataclass(frozen=True, slots=True)
class Sent:
    """The target has it. ``receipt`` replaces the notice's."""

    receipt: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Retry:
    """Not now. ``after_s`` is the target's own wish; without it the courier decides."""

    reason: Reason
    detail: str
    """One line for people, escaped and without secrets."""
    after_s: float | None = None
    receipt: Mapping[str, str] | None = None
    """What of it did arrive, so that the next attempt goes on from there; None: nothing new."""


@dataclass(frozen=True, slots=True)
class GiveUp:
    """Never: the target will not have this content."""

    reason: Reason
    detail: str


Outcome = Sent | Retry | GiveUp


@dataclass(frozen=True, slots=True)
class Rate:
    """How fast a target may be spoken to: ``per_s`` in the long run, ``burst`` at once."""

    per_s: float
    burst: int


class Sink(Protocol):
    """Speaks to one target. One call at a time."""

    kind: str
    rate: Rate

    async def deliver(self, notice: Notice) -> Outcome:
        """Tell it. Idempotent as far as the target allows: the same notice may come twice after a crash."""
        ...

    async def test(self) -> Outcome:
        """Send something harmless that says it is a test."""
        ...

    async def close(self) -> None:
        """Let go of connections."""
        ...


@dataclass(frozen=True, slots=True)
class Entry:
    """A record of Kafka for the incident log."""

    topic: str
    """Without the prefix: alerts, incidents, actions or deliveries."""
    event_id: str
    """``ce_source`` and ``ce_id``: the same for ever, however often it is read."""
    partition: int
    offset: int
    value: Any
    """Transition, Incident, Action or Delivery."""


class Recorder(Protocol):
    """Writes records down for good."""

    kind: str

    async def record(self, entries: Sequence[Entry]) -> Outcome:
        """Write all of them or none; those written before are passed over."""
        ...

    async def close(self) -> None:
        """Let go of connections."""
        ...
