"""When to tell a target about an incident, and what: decided from what is known, without doing anything."""

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
from leadline_sinks.notify.matching import fits
from leadline_sinks.notify.sink import Notice

UNKNOWN = "unknown"
"""Code of the cause while none is named."""


@dataclass(frozen=True, slots=True)
class Situation:
    """One incident and one target, now.

    ``seen_s`` and ``told_s`` are seconds since this process learnt of the incident, and of the last delivery, by a
    clock that never jumps. Times in records are other hosts': the longer of both durations counts, so a clock that is
    behind delays nothing by more than the wait itself.
    """

    incident: Incident
    actions: Sequence[Action]
    """Of the incident, oldest first."""
    silences: Sequence[Silence]
    """All there are."""
    last: Delivery | None
    routed: bool
    """Whether the routes lead to the target."""
    now: datetime
    seen_s: float
    told_s: float


class Why(StrEnum):
    """Why there is nothing to say."""

    TOLD = "told"
    NOT_ROUTED = "not_routed"
    NEVER_TOLD = "never_told"
    GIVEN_UP = "given_up"


@dataclass(frozen=True, slots=True)
class Tell:
    """Say this."""

    notice: Notice


@dataclass(frozen=True, slots=True)
class Wait:
    """Look again when so much time has passed, or something new is known."""

    seconds: float


@dataclass(frozen=True, slots=True)
class Suppress:
    """Write down that a silence keeps it back."""

    silence: Silence
    occasion: Occasion


@dataclass(frozen=True, slots=True)
class Nothing:
    """Nothing until something new is known. ``over``: nothing ever."""

    why: Why
    over: bool


Decision = Tell | Wait | Suppress | Nothing


def decide(at: Situation, notify: NotifySettings) -> Decision:
    """What to do about an incident and a target now."""
    over = at.incident.state == "resolved"
    told = at.last is not None and begun(at.last)
    if at.last is not None and at.last.state == "resolved":
        return Nothing(Why.TOLD, over=True)
    if not told and not at.routed:
        return Nothing(Why.NOT_ROUTED, over)
    if not told and over:
        return Nothing(Why.NEVER_TOLD, over=True)
    if at.last is not None and at.last.outcome == "given_up" and at.incident.seq <= at.last.seq and not _fresh(at):
        return Nothing(Why.GIVEN_UP, over)
    occasion, wait_s = _occasion(at, notify, told)
    if occasion is None:
        return Nothing(Why.TOLD, over) if wait_s is None else Wait(wait_s)
    silence = silenced(at.incident, at.silences, at.now)
    if silence is not None and occasion != "resolved":
        if at.last is not None and at.last.outcome == "suppressed" and at.last.reason == silence.silence_id:
            return Wait((silence.ends_at - at.now).total_seconds())
        return Suppress(silence, occasion)
    if wait_s:
        return Wait(wait_s)
    return Tell(_notice(at, occasion, silence))


def begun(last: Delivery) -> bool:
    """Whether the target may have something of the incident; then it has to hear of the end too."""
    return last.first_at is not None or last.outcome in ("attempted", "partial")


def silenced(incident: Incident, silences: Sequence[Silence], now: datetime) -> Silence | None:
    """The silence that keeps an incident back now; of several, the one that ends last."""
    active = [s for s in silences if s.starts_at <= now < s.ends_at and fits(s.matchers, incident)]
    return max(active, key=lambda silence: (silence.ends_at, silence.silence_id), default=None)


def _occasion(at: Situation, notify: NotifySettings, told: bool) -> tuple[Occasion | None, float | None]:
    """What there is to say, and in how many seconds; no occasion and no time: nothing."""
    incident, last = at.incident, at.last
    if not told or last is None:
        return "opened", _first_word_s(at, notify)
    if last.seq == 0 and incident.state == "open":
        return "opened", 0.0  # some of the first word arrived, or may have
    told_s = max(at.told_s, (at.now - last.at).total_seconds())
    update_s = max(0.0, notify.update_every_s - told_s)
    newer = incident.seq > last.seq
    fresh = _fresh(at)
    if newer and incident.state == "resolved":
        return "resolved", 0.0
    if newer and severity_rank(incident.severity) > severity_rank(last.severity):
        return "escalated", 0.0
    if any(action.kind == "acknowledge" for action in fresh):
        return "acknowledged", 0.0
    if fresh:
        return "noted", update_s
    if newer:
        return "updated", update_s
    if last.outcome in ("attempted", "partial"):
        return last.occasion, 0.0
    if notify.repeat_s and incident.state == "open" and not _acknowledged_by(at):
        repeat_s = notify.repeat_s - told_s
        return (None, repeat_s) if repeat_s > 0 else ("repeated", 0.0)
    return None, None


def _first_word_s(at: Situation, notify: NotifySettings) -> float:
    """Seconds that the first word still waits for the cause to be named."""
    incident = at.incident
    if incident.causes and incident.causes[0].code != UNKNOWN:
        return 0.0
    wait_s = notify.critical_wait_s if incident.severity == "critical" else notify.group_wait_s
    waited_s = max(at.seen_s, (at.now - incident.detected_at).total_seconds())
    return max(0.0, wait_s - waited_s)


def _fresh(at: Situation) -> list[Action]:
    done = set(at.last.actions) if at.last is not None else set()
    return [action for action in at.actions if action.action_id not in done]


def _acknowledged_by(at: Situation) -> str | None:
    taken = [action.by for action in at.actions if action.kind == "acknowledge"]
    return taken[-1] if taken else at.incident.acknowledged_by


def _notice(at: Situation, occasion: Occasion, silence: Silence | None) -> Notice:
    incident = msgspec.structs.replace(
        at.incident,
        acknowledged_by=_acknowledged_by(at),
        silenced_by=silence.silence_id if silence is not None else None,
    )
    until = at.last.told_until if at.last is not None else None
    news: tuple[TimelineEntry, ...] = tuple(e for e in incident.timeline if until is None or e.at > until)
    changes: tuple[Change, ...] = tuple(c for c in incident.changes if until is None or c.at > until)
    receipt: Mapping[str, str] = at.last.receipt if at.last is not None else {}
    return Notice(incident, occasion, news, changes, tuple(_fresh(at)), receipt)
