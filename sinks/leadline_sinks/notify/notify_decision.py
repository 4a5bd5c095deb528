"""Decides when a target is notified of an incident and of what. Pure: it depends on its arguments only."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from math import inf
from typing import Final

import msgspec

from leadline.model.delivery import EDITS, Delivery, Occasion
from leadline.model.incident import Incident, TimelineEntry
from leadline.model.silence import Silence
from leadline.settings.routing import NotifySettings
from leadline_sinks.notify.acknowledgements import covering
from leadline_sinks.notify.matching import patterns_match
from leadline_sinks.notify.occasions import occasion, rang
from leadline_sinks.notify.shown_silence import mark, shows, until_change_s
from leadline_sinks.notify.sink import Notification
from leadline_sinks.notify.situation import (
    Situation,
    acknowledged_by,
    can_return,
    may_have_received,
    new_actions,
    since_rang_s,
    since_s,
    withdrawn,
)


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
    """Record what holds the notification back: the identity of a silence, or of the incident of a datacenter."""

    by: str
    occasion: Occasion


@dataclass(frozen=True, slots=True)
class Skip:
    """Send nothing until a new record arrives. ``final``: no later record can change that."""

    reason: SkipReason
    final: bool


Decision = Send | Wait | Suppress | Skip
LATE_S: Final = 600.0
"""Time after the end of a silence for which a target that was sent nothing of it is still sent the end. A target that
is new would be sent the silences of months otherwise."""
HELD_S: Final = 60.0
"""The decision is made again after this time; the end of the incident that holds another back makes it at once."""


def decide(at: Situation, notify: NotifySettings) -> Decision:
    """The decision about an incident and a target now."""
    decision = _news(at, notify)
    if not shows(at) or isinstance(decision, Send | Suppress) or (isinstance(decision, Skip) and decision.final):
        return decision  # what is held back is on record before the message shows by what
    silence = active_silence(at.incident, at.silences, at.now)
    if at.last is not None and mark(silence) != at.last.silence:
        return Send(_notification(at, "silenced" if silence is not None else "unsilenced", silence, notify))
    left_s = until_change_s(at)
    match decision:
        case Wait(seconds):
            return Wait(min(seconds, left_s))
        case Skip() if left_s < inf:
            return Wait(left_s)
    return decision


def _news(at: Situation, notify: NotifySettings) -> Decision:
    """The decision by what is new about the incident."""
    resolved = at.incident.state == "resolved"
    settled = resolved or at.incident.class_ != "page"  # a notice waits for its next record, and needs no reminder
    if at.incident.class_ == "advice" and resolved:
        return Skip(SkipReason.UP_TO_DATE, final=True)  # a newer digest says more than the end of an older one
    notified = at.last is not None and may_have_received(at.last)
    over = at.last is not None and at.last.state == "resolved"
    if at.last is not None and over and (at.incident.seq <= at.last.seq or (resolved and not can_return(at))):
        return Skip(SkipReason.UP_TO_DATE, final=True)
    if at.last is not None and at.incident.seq < at.last.seq:
        return Skip(SkipReason.UP_TO_DATE, final=False)  # another process has sent a later record
    if not notified and not at.routed and not resolved and at.routed_in_s < inf:
        return Wait(at.routed_in_s)
    if not notified and not at.routed:
        return Skip(SkipReason.NOT_ROUTED, settled)
    if not notified and resolved and not (at.undelivered and at.incident.merged_into is None) and not _is_late(at):
        return Skip(SkipReason.RESOLVED_BEFORE_NOTIFICATION, final=True)
    if at.last is not None and at.last.outcome == "given_up" and at.incident.seq <= at.last.seq and not new_actions(at):
        return Skip(SkipReason.GIVEN_UP, settled)
    due, wait_s = occasion(at, notify, notified)
    if due is None:
        return Skip(SkipReason.UP_TO_DATE, settled) if wait_s is None else Wait(wait_s)
    silence = active_silence(at.incident, at.silences, at.now)
    if silence is not None and not resolved and due != "withdrawn":
        left_s = _until_resent_s(at, notified)
        if left_s <= 0:
            return Send(_notification(at, "kept_open", silence, notify))
        if at.last is not None and at.last.outcome == "suppressed" and at.last.reason == silence.silence_id:
            return Wait(min(left_s, (silence.ends_at - at.now).total_seconds()))
        return Suppress(silence.silence_id, due)
    if at.held_by is not None and not notified:
        if at.last is not None and at.last.outcome == "suppressed" and at.last.reason == at.held_by:
            return Wait(HELD_S)
        return Suppress(at.held_by, due)
    if wait_s:
        return Wait(wait_s)
    return Send(_notification(at, due, silence, notify))


def _is_late(at: Situation) -> bool:
    """Whether silences are over of which the target was not notified when they began: they were short, or held nothing
    back then, or nobody notified it."""
    ended = at.incident.resolved_at
    return at.incident.announcement is not None and ended is not None and since_s(at, ended) < LATE_S


def _until_resent_s(at: Situation, notified: bool) -> float:
    """Seconds until an incident that is held back must be sent again, so that the target does not take it for over."""
    if not at.resend_s or not notified or at.last is None or at.last.state == "resolved":
        return inf
    return at.resend_s - since_rang_s(at, at.last)


def active_silence(incident: Incident, silences: Sequence[Silence], now: datetime) -> Silence | None:
    """The silence that holds an incident back now; of several, the one that ends last. None holds an announcement."""
    if incident.announcement is not None:
        return None
    active = [s for s in silences if s.starts_at <= now < s.ends_at and patterns_match(s.matchers, incident)]
    return max(active, key=lambda silence: (silence.ends_at, silence.silence_id), default=None)


def is_news(entry: TimelineEntry, last: Delivery | None) -> bool:
    """Whether the target has not been sent an entry of the timeline."""
    if last is None or last.told_until is None or entry.at > last.told_until:
        return True
    return entry.at == last.told_until and entry.what not in last.sent_last


def _notification(at: Situation, due: Occasion, silence: Silence | None, notify: NotifySettings) -> Notification:
    incident, last = at.incident, at.last
    by = acknowledged_by(at)
    until = last.told_until if last is not None else None
    return Notification(
        incident=msgspec.structs.replace(
            incident, acknowledged_by=by, silenced_by=silence.silence_id if silence is not None else None
        ),
        occasion=due,
        news=tuple(entry for entry in incident.timeline if is_news(entry, last)),
        changes=tuple(change for change in incident.changes if until is None or change.at > until),
        actions=tuple(new_actions(at)),
        receipt=last.receipt if last is not None else {},
        rang=rang(at, notify) if last is None or due not in EDITS else tuple(last.rang),
        silence=silence,
        showed=last.silence if last is not None else "",
        withdrawn=tuple(withdrawn(at)),
        lapsed_by=None if by else covering(at.actions, last, 1),
    )
