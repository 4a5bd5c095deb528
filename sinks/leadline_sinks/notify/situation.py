"""The facts on which the decision about a notification depends. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from math import inf

from leadline.model.action import Action
from leadline.model.alert import severity_rank
from leadline.model.delivery import Delivery
from leadline.model.ids import IncidentId
from leadline.model.incident import Incident
from leadline.model.silence import Silence
from leadline.steps import discarding
from leadline_sinks.notify.acknowledgements import covering

UNKNOWN = "unknown"
"""Code of the first cause while no cause is identified."""


@dataclass(frozen=True, slots=True)
class Situation:
    """One incident and one target at one time.

    ``observed_s``, ``delivered_s``, ``rang_s`` and ``ended_s`` are seconds since this process first read the incident,
    since its last delivery, since the last one that was more than an update, and since it read that the incident is
    resolved, by the monotonic clock. Times in records come from clocks of other hosts. The longer of both durations
    counts, so a clock that is behind delays a notification by no more than its wait.
    """

    incident: Incident
    actions: Sequence[Action]
    """Of the incident, oldest first."""
    silences: Sequence[Silence]
    """All silences, whether or not they match and are active."""
    last: Delivery | None
    routed: bool
    """Whether the routes lead to the target."""
    now: datetime
    observed_s: float
    delivered_s: float
    rang_s: float
    ended_s: float
    older: Delivery | None = None
    """The last delivery to the target of the incident that this one is merged into."""
    undelivered: bool = False
    """Whether the first notification was due, and could not be delivered."""
    held_by: IncidentId | None = None
    """The open incident of a datacenter that this one is a part of."""
    unseen_actions: bool = False
    """Whether people can acknowledge and resolve at the target without Leadline's knowing."""
    routed_in_s: float = inf
    """Seconds until the routes lead to the target, where they do not yet: hours begin, or nobody acknowledges."""
    shows_silences: bool = False
    """Whether the message of the target can be edited, and shows whether a silence holds the incident back."""
    resend_s: float = 0.0
    """Seconds after which the target takes an open incident for over unless it is sent again; 0 for one that does
    not."""


def may_have_received(last: Delivery) -> bool:
    """Whether the target may have received anything about the incident; then it is notified of the end, too."""
    return last.first_at is not None or last.outcome in ("attempted", "partial")


def can_return(at: Situation) -> bool:
    """Whether the target was sent the end of the incident, and not yet that a measure against it no longer holds."""
    last, incident = at.last, at.incident
    if last is None or last.state != "resolved" or incident.state != "resolved" or incident.seq <= last.seq:
        return False
    return bool(incident.recurrences)


def new_actions(at: Situation) -> list[Action]:
    """The actions that the target has not been sent."""
    delivered = set(at.last.actions) if at.last is not None else set()
    return [action for action in at.actions if action.action_id not in delivered]


def withdrawn(at: Situation) -> list[str]:
    """The steps that discard something, that the target was sent and that are not proposed any more."""
    if at.last is None or at.incident.state != "open":
        return []
    proposed = discarding(at.incident)
    return [step for step in at.last.discards if step not in proposed]


def acknowledged_by(at: Situation) -> str | None:
    """The person whose acknowledgement covers the incident as it is now."""
    return covering(at.actions, at.last, generation_for(at)) or at.incident.acknowledged_by


def generation_for(at: Situation) -> int:
    """The generation of the incident for this target: without returns of the problem since the last delivery.

    The end before them was not reported, since the problem had returned before, so the target has the incident as open
    all the time. The first return counts, and so does one with a higher severity or another cause.
    """
    incident, last = at.incident, at.last
    if last is None or last.state == "resolved" or incident.generation <= last.generation:
        return incident.generation
    code = incident.causes[0].code if incident.causes else UNKNOWN
    another = code != UNKNOWN and last.cause not in ("", UNKNOWN, code)
    if another or severity_rank(incident.severity) > severity_rank(last.severity):
        return incident.generation
    unreported = [moment for moment in returns_since(incident, last) if moment != incident.reopened[0]]
    return max(last.generation, incident.generation - len(unreported))


def returns_since(incident: Incident, last: Delivery) -> list[datetime]:
    """The returns of the problem since the last delivery."""
    return [moment for moment in incident.reopened if last.told_until is None or moment > last.told_until]


def since_s(at: Situation, moment: datetime) -> float:
    """Seconds since a time, by the wall clock."""
    return (at.now - moment).total_seconds()


def since_rang_s(at: Situation, last: Delivery) -> float:
    """Seconds since the last notification that was more than an update."""
    return max(at.rang_s, since_s(at, last.rang_at or last.at))
