"""The occasion of the next notification of an incident, and when it is due. Pure."""

from typing import Final

from leadline.model.alert import severity_rank
from leadline.model.delivery import Delivery, Occasion
from leadline.settings.routing import NotifySettings
from leadline_sinks.notify.acknowledgements import covered
from leadline_sinks.notify.situation import (
    UNKNOWN,
    Situation,
    acknowledged_by,
    can_return,
    generation_for,
    may_have_received,
    new_actions,
    returns_since,
    since_rang_s,
    since_s,
    withdrawn,
)

MAX_SETTLE_S: Final = 900.0
"""Longest time for which the end of an incident that keeps returning is not reported."""


MAX_OLDER_S: Final = 60.0
"""Longest such wait: the older one may be kept from the target."""
LOOK_AGAIN_S: Final = 1.0


def occasion(at: Situation, notify: NotifySettings, notified: bool) -> tuple[Occasion | None, float | None]:
    """The occasion and the seconds until it is due. Without either, nothing becomes due by the passing of time."""
    incident, last = at.incident, at.last
    if not notified and incident.state == "resolved":
        return "resolved", 0.0  # what was due before could not be delivered
    if not notified or last is None:
        return "opened", _first_wait_s(at, notify)
    if last.seq == 0 and incident.state == "open":
        return "opened", 0.0  # the first notification arrived in part, or may have arrived
    update_s = max(0.0, notify.update_every_s - max(at.delivered_s, since_s(at, last.at)))
    newer = incident.seq > last.seq
    actions = new_actions(at)
    if can_return(at):
        return "recurrence", 0.0
    if newer and incident.state == "resolved":
        return ("resolved", _settling_s(at, notify)) if incident.merged_into is None else ("merged", _older_s(at))
    if last.state == "resolved":
        return "reopened", 0.0
    if newer and severity_rank(incident.severity) > severity_rank(last.severity):
        return "escalated", 0.0
    if rings_anew(at, last, notify):
        return ("reopened" if returns_since(incident, last) else "cause_changed"), 0.0
    if withdrawn(at):
        return "withdrawn", 0.0
    if any(action.kind == "acknowledge" for action in actions):
        return "acknowledged", 0.0
    if actions:
        return "noted", update_s
    if newer:
        return "updated", update_s
    if last.outcome in ("attempted", "partial"):
        return last.occasion, 0.0
    return _reminder(at, last, notify)


def rings_anew(at: Situation, last: Delivery, notify: NotifySettings) -> bool:
    """Whether people are to be notified as of a new incident, since an acknowledgement may keep an update from them.

    It does when it covers an earlier generation only. At a target where people acknowledge without Leadline's knowing,
    somebody is taken to have done so some time after the last notification.
    """
    if last.state == "resolved":
        return True
    if generation_for(at) <= last.generation or acknowledged_by(at) is not None:
        return False
    acknowledged = covered(at.actions, last) > 0
    return acknowledged or (at.unseen_actions and since_rang_s(at, last) >= notify.unseen_ack_s)


def _reminder(at: Situation, last: Delivery, notify: NotifySettings) -> tuple[Occasion | None, float | None]:
    """The reminder of an open incident that is due next."""
    if at.incident.state != "open" or at.incident.class_ != "page":
        return None, None
    every: list[tuple[float, Occasion]] = []
    if at.unseen_actions and notify.reopen_s:
        every.append((notify.reopen_s, "kept_open"))
    if at.resend_s:
        every.append((at.resend_s, "kept_open"))
    if repeat_s := notify.repeat_acknowledged_s if acknowledged_by(at) else notify.repeat_s:
        every.append((repeat_s, "repeated"))
    if not every:
        return None, None
    after_s, occasion = min(every)
    left_s = after_s - since_rang_s(at, last)
    return (None, left_s) if left_s > 0 else (occasion, 0.0)


def _settling_s(at: Situation, notify: NotifySettings) -> float:
    """Seconds for which the end of an incident that has returned before is not reported yet."""
    if at.incident.resolved_at is None:
        return 0.0
    settle_s = min(MAX_SETTLE_S, notify.settle_s * len(at.incident.reopened))
    return max(0.0, settle_s - max(at.ended_s, since_s(at, at.incident.resolved_at)))


def _older_s(at: Situation) -> float:
    """Seconds for which the end of a merged incident still waits, until people were notified of the older one."""
    if at.older is not None and (may_have_received(at.older) or at.older.outcome == "given_up"):
        return 0.0
    left_s = MAX_OLDER_S - max(at.ended_s, since_s(at, at.incident.resolved_at or at.now))
    return max(0.0, min(LOOK_AGAIN_S, left_s))


def _first_wait_s(at: Situation, notify: NotifySettings) -> float:
    """Seconds that the first notification still waits: for a cause, or for others that lost the same datacenter."""
    incident = at.incident
    if incident.announcement is not None:
        return 0.0
    if incident.silent_datacenters and notify.datacenter_clusters:
        return max(0.0, notify.critical_wait_s - at.observed_s)  # until others of the datacenter have been read
    if incident.causes and incident.causes[0].code != UNKNOWN:
        return 0.0
    wait_s = notify.critical_wait_s if incident.severity == "critical" else notify.group_wait_s
    waited_s = max(at.observed_s, since_s(at, incident.detected_at))
    return max(0.0, wait_s - waited_s)


def rang(at: Situation, notify: NotifySettings) -> tuple[int, ...]:
    """The generations under which the target was notified anew, with the present one if this notification is such."""
    incident, last = at.incident, at.last
    if last is None or not may_have_received(last):
        return (1,)
    if can_return(at):
        return (incident.generation,)
    before = tuple(last.rang) or (() if last.state == "resolved" else (1,))
    anew = incident.state == "open" and rings_anew(at, last, notify) and incident.generation not in before
    return (*before, incident.generation) if anew else before
