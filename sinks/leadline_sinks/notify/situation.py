"""The facts on which the decision about a notification depends. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from leadline.model.action import Action
from leadline.model.delivery import Delivery
from leadline.model.incident import Incident
from leadline.model.silence import Silence
from leadline_sinks.notify.acknowledgements import covering


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
    unseen_actions: bool = False
    """Whether people can acknowledge and resolve at the target without Leadline's knowing."""


def may_have_received(last: Delivery) -> bool:
    """Whether the target may have received anything about the incident; then it is notified of the end, too."""
    return last.first_at is not None or last.outcome in ("attempted", "partial")


def new_actions(at: Situation) -> list[Action]:
    """The actions that the target has not been sent."""
    delivered = set(at.last.actions) if at.last is not None else set()
    return [action for action in at.actions if action.action_id not in delivered]


def acknowledged_by(at: Situation) -> str | None:
    """The person whose acknowledgement covers the incident as it is now."""
    return covering(at.actions, at.last, at.incident.generation) or at.incident.acknowledged_by


def since_s(at: Situation, moment: datetime) -> float:
    """Seconds since a time, by the wall clock."""
    return (at.now - moment).total_seconds()


def since_rang_s(at: Situation, last: Delivery) -> float:
    """Seconds since the last notification that was more than an update."""
    return max(at.rang_s, since_s(at, last.rang_at or last.at))
