"""Decides when a target is notified of an incident and of what. Pure: it depends on its arguments only."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

import msgspec

from leadline.model.action import Action
from leadline.model.alert import severity_rank
from leadline.model.delivery import Delivery, Occasion
from leadline.model.incident import Change, Incident, TimelineEntry
from leadline.model.silence import Silence
from leadline.settings.sink import NotifySettings
from leadline_sinks.notify.matching import patterns_match
from leadline_sinks.notify.sink import Notification

UNKNOWN = "unknown"
"""Code of the first cause while no cause is identified."""


@dataclass(frozen=True, slots=True)
class Situation:
    """One incident and one target at one time.

    ``observed_s`` and ``delivered_s`` are seconds since this process first read the incident, and since its last
    delivery, by the monotonic clock. Times in records come from clocks of other hosts. The longer of both durations
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


class SkipReason(StrEnum):
    """The reason to send nothing. ``never_told`` is the value of a metric label."""

    UP_TO_DATE = "up_to_date"
    NOT_ROUTED = "not_routed"
    RESOLVED_BEFORE_NOTIFICATION = "never_told"
    GIVEN_UP = "given_up"


@dataclass(frozen=True, slots=True)
class Send:
    """Send this notification now."""

    notification: Notification


@dataclass(frozen=True, slots=True)
class Wait:
    """Decide again after this time, or when a new record arrives."""

    seconds: float


@dataclass(frozen=True, slots=True)
class Suppress:
    """Record that a silence holds the notification back."""

    silence: Silence
    occasion: Occasion


@dataclass(frozen=True, slots=True)
class Skip:
    """Send nothing until a new record arrives. ``final``: no later record can change that."""

    reason: SkipReason
    final: bool


Decision = Send | Wait | Suppress | Skip


def decide(at: Situation, notify: NotifySettings) -> Decision:
    """The decision about an incident and a target now."""
    resolved = at.incident.state == "resolved"
    notified = at.last is not None and may_have_received(at.last)
    if at.last is not None and at.last.state == "resolved":
        return Skip(SkipReason.UP_TO_DATE, final=True)
    if not notified and not at.routed:
        return Skip(SkipReason.NOT_ROUTED, resolved)
    if not notified and resolved:
        return Skip(SkipReason.RESOLVED_BEFORE_NOTIFICATION, final=True)
    if (
        at.last is not None
        and at.last.outcome == "given_up"
        and at.incident.seq <= at.last.seq
        and not _new_actions(at)
    ):
        return Skip(SkipReason.GIVEN_UP, resolved)
    occasion, wait_s = _occasion(at, notify, notified)
    if occasion is None:
        return Skip(SkipReason.UP_TO_DATE, resolved) if wait_s is None else Wait(wait_s)
    silence = active_silence(at.incident, at.silences, at.now)
    if silence is not None and occasion != "resolved":
        if at.last is not None and at.last.outcome == "suppressed" and at.last.reason == silence.silence_id:
            return Wait((silence.ends_at - at.now).total_seconds())
        return Suppress(silence, occasion)
    if wait_s:
        return Wait(wait_s)
    return Send(_notification(at, occasion, silence))


def may_have_received(last: Delivery) -> bool:
    """Whether the target may have received anything about the incident; then it is notified of the end, too."""
    return last.first_at is not None or last.outcome in ("attempted", "partial")


def active_silence(incident: Incident, silences: Sequence[Silence], now: datetime) -> Silence | None:
    """The silence that holds an incident back now; of several, the one that ends last."""
    active = [s for s in silences if s.starts_at <= now < s.ends_at and patterns_match(s.matchers, incident)]
    return max(active, key=lambda silence: (silence.ends_at, silence.silence_id), default=None)


def _occasion(at: Situation, notify: NotifySettings, notified: bool) -> tuple[Occasion | None, float | None]:
    """The occasion and the seconds until it is due. Without either, nothing becomes due by the passing of time."""
    incident, last = at.incident, at.last
    if not notified or last is None:
        return "opened", _first_wait_s(at, notify)
    if last.seq == 0 and incident.state == "open":
        return "opened", 0.0  # the first notification arrived in part, or may have arrived
    delivered_s = max(at.delivered_s, (at.now - last.at).total_seconds())
    update_s = max(0.0, notify.update_every_s - delivered_s)
    newer = incident.seq > last.seq
    actions = _new_actions(at)
    if newer and incident.state == "resolved":
        return "resolved", 0.0
    if newer and severity_rank(incident.severity) > severity_rank(last.severity):
        return "escalated", 0.0
    if any(action.kind == "acknowledge" for action in actions):
        return "acknowledged", 0.0
    if actions:
        return "noted", update_s
    if newer:
        return "updated", update_s
    if last.outcome in ("attempted", "partial"):
        return last.occasion, 0.0
    if notify.repeat_s and incident.state == "open" and not _acknowledged_by(at):
        repeat_s = notify.repeat_s - delivered_s
        return (None, repeat_s) if repeat_s > 0 else ("repeated", 0.0)
    return None, None


def _first_wait_s(at: Situation, notify: NotifySettings) -> float:
    """Seconds that the first notification still waits for a cause to be identified."""
    incident = at.incident
    if incident.causes and incident.causes[0].code != UNKNOWN:
        return 0.0
    wait_s = notify.critical_wait_s if incident.severity == "critical" else notify.group_wait_s
    waited_s = max(at.observed_s, (at.now - incident.detected_at).total_seconds())
    return max(0.0, wait_s - waited_s)


def _new_actions(at: Situation) -> list[Action]:
    delivered = set(at.last.actions) if at.last is not None else set()
    return [action for action in at.actions if action.action_id not in delivered]


def _acknowledged_by(at: Situation) -> str | None:
    people = [action.by for action in at.actions if action.kind == "acknowledge"]
    return people[-1] if people else at.incident.acknowledged_by


def _notification(at: Situation, occasion: Occasion, silence: Silence | None) -> Notification:
    incident = msgspec.structs.replace(
        at.incident,
        acknowledged_by=_acknowledged_by(at),
        silenced_by=silence.silence_id if silence is not None else None,
    )
    until = at.last.told_until if at.last is not None else None
    news: tuple[TimelineEntry, ...] = tuple(e for e in incident.timeline if until is None or e.at > until)
    changes: tuple[Change, ...] = tuple(c for c in incident.changes if until is None or c.at > until)
    receipt: Mapping[str, str] = at.last.receipt if at.last is not None else {}
    return Notification(incident, occasion, news, changes, tuple(_new_actions(at)), receipt)
