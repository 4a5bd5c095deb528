"""The interface of a sink: it delivers one notification to one target and reports the outcome.

A sink implements the protocol of its target and nothing else. The notifier decides when to send, in which order and how
often to retry, and records what was delivered. Every call ends with one of four outcomes; an exception is a defect.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, Protocol

from leadline.model.action import Action
from leadline.model.delivery import Occasion
from leadline.model.incident import Change, Incident, TimelineEntry
from leadline.model.silence import Silence


@dataclass(frozen=True, slots=True)
class Notification:
    """One message about one incident for one target."""

    incident: Incident
    """The newest record, with ``acknowledged_by`` and ``silenced_by`` filled in."""
    occasion: Occasion
    news: tuple[TimelineEntry, ...] = ()
    """Timeline entries since the last delivery to this target, oldest first."""
    changes: tuple[Change, ...] = ()
    """Configuration changes since the last delivery to this target."""
    actions: tuple[Action, ...] = ()
    """Acknowledgements and notes since the last delivery to this target."""
    receipt: Mapping[str, str] = field(default_factory=dict)
    """The receipt of the last delivery of this incident; empty for the first notification."""
    rang: tuple[int, ...] = (1,)
    """The generations under which people were notified anew, oldest first; this notification is under the last one."""
    withdrawn: tuple[str, ...] = ()
    """Steps that discard something, that the target was sent and that are not proposed any more."""
    silence: Silence | None = None
    """The silence that holds the incident back now."""
    showed: str = ""
    """The silence that the target's message showed before, as a delivery has it."""
    lapsed_by: str | None = None
    """The person whose acknowledgement covers an earlier generation only."""

    @property
    def keys(self) -> tuple[str, ...]:
        """The keys under which people were notified anew, oldest first; each is an alert of its own at a vendor."""
        ident = self.incident.incident_id
        return tuple(f"{ident}#{generation}" if generation > 1 else ident for generation in self.rang)


class Reason(StrEnum):
    """The reason of a failed attempt. The values are a metric label."""

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
    Reason.RATE_LIMITED: "the target asks for fewer requests; the next attempt waits as long as it says",
    Reason.UNAVAILABLE: "the target reports a temporary failure",
    Reason.UNREACHABLE: "no connection",
    Reason.TIMEOUT: "no answer in time; the request may have arrived",
    Reason.GARBLED: "the answer is not one that this target gives",
    Reason.UNAUTHORIZED: "the target rejects the token, key or login",
    Reason.TARGET_GONE: "the channel, service or database does not exist, or access to it was removed",
    Reason.FULL: "the target has no space left",
    Reason.REJECTED: "the target rejects this content even in its shortest form",
}
"""The meaning of each reason, for people."""

NEEDS_OPERATOR = frozenset({Reason.UNAUTHORIZED, Reason.TARGET_GONE, Reason.FULL})
"""Reasons that persist until an operator acts. The other targets are notified at the first such failure."""


@dataclass(frozen=True, slots=True)
class Sent:
    """The target has accepted a request. ``receipt`` replaces the previous receipt."""

    receipt: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class NothingNew:
    """The target has everything already: no request was accepted, because none was due."""

    receipt: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Retry:
    """The attempt failed and is to be repeated."""

    reason: Reason
    detail: str
    """One line for people, escaped and without secrets."""
    after_s: float | None = None
    """The wait that the target asked for; None leaves it to the notifier."""
    receipt: Mapping[str, str] | None = None
    """Set when a part was delivered: the next attempt continues from this receipt."""


@dataclass(frozen=True, slots=True)
class GiveUp:
    """The target will never accept this content; it is not to be repeated."""

    reason: Reason
    detail: str


Outcome = Sent | Retry | GiveUp
"""Of a test, and of writing to the incident log."""
DeliveryOutcome = Outcome | NothingNew


@dataclass(frozen=True, slots=True)
class Rate:
    """The rate limit of a target: ``per_s`` on average, ``burst`` at once."""

    per_s: float
    burst: int


class Sink(Protocol):
    """Delivers to one target. The caller makes one call at a time."""

    kind: str
    rate: Rate
    unseen_actions: bool
    """Whether people can acknowledge and resolve at the target without Leadline's knowing."""

    takes_notices: bool
    """Whether it is for what nobody need act on now, too; one that pages people is not."""

    resend_s: float
    """Seconds after which an open incident is sent again, also in a silence, since the target would take it for over
    otherwise; 0 for a target that keeps what it has."""

    shows_silences: bool
    """Whether its messages can be edited, so that they show whether a silence holds the incident back."""

    async def deliver(self, notification: Notification) -> DeliveryOutcome:
        """Deliver a notification. After a crash the same one may be delivered again; duplicates are avoided where the
        target's protocol allows it. A delivery may be cancelled; it makes no request after that.
        """
        ...

    async def test(self) -> Outcome:
        """Send a message that is marked as a test and alerts nobody where the target allows that."""
        ...

    async def close(self) -> None:
        """Release connections."""
        ...


@dataclass(frozen=True, slots=True)
class TopicRecord:
    """A decoded Kafka record for the incident log."""

    topic: str
    """Without the prefix: alerts, incidents, actions, deliveries, changes or audits."""
    event_id: str
    """``ce_source`` and ``ce_id``: identifies the record however often it is read."""
    partition: int
    offset: int
    value: Any
    """Transition, Incident, Action, Delivery, ChangeRecord or AuditResult."""


class IncidentLogWriter(Protocol):
    """Appends records to an incident log."""

    kind: str
    head: str
    """Number and hash of the last row that this writer appended, or found; empty before the first."""
    at_risk: tuple[Incident, ...]
    """After a write, the next records of ended incidents that can return by what an audit found; see ``Recurrence``."""

    async def write(self, records: Sequence[TopicRecord]) -> Outcome:
        """Append all records or none. Records that are stored already are skipped."""
        ...

    async def close(self) -> None:
        """Release connections."""
        ...
