"""Lifecycle of an alert: ok → pending → firing → resolved, and unknown while its data is missing.

Pure decisions on one ``AlertState``: each returns the steps taken, as (from, to, reason, time). Invariants: a missing
measurement neither starts nor clears an alert; severity changes keep the identity; every step has the event time at
which it became due, however late its cause arrived; ``seq`` rises by one per step.
"""

from dataclasses import dataclass

from leadline.model.alert import Reason, Severity, State
from leadline_streams.judge.policy import Limits
from leadline_streams.judge.problem_state import AlertState


@dataclass(frozen=True, slots=True)
class LifecycleStep:
    """One transition of an alert, without its words."""

    from_: State
    to: State
    reason: Reason
    at: float


def open_pending(alert: AlertState, limits: Limits, now: float) -> list[LifecycleStep]:
    """A first breach: pending, or firing at once where the limits ask for no duration."""
    alert.since = now
    if limits.for_s <= 0:
        alert.state, alert.due = "firing", None
        return [LifecycleStep("ok", "firing", "breach", now)]
    alert.state, alert.due = "pending", now + limits.for_s
    return [LifecycleStep("ok", "pending", "breach", now)]


def measured(alert: AlertState, limits: Limits, value: float | None, now: float) -> list[LifecycleStep]:
    """Take a measurement; None means that nothing is wrong."""
    severity = limits.severity(value) if value is not None else None
    steps: list[LifecycleStep] = []
    if alert.state == "unknown":
        alert.state = "firing"
        steps.append(LifecycleStep("unknown", "firing", "data_back", now))
    if severity is None:
        alert.lower_since = None
        cleared = value is None or limits.clear_of(value, "warning" if limits.warning is not None else "critical")
        if not cleared:
            alert.clear_since = None
        elif alert.clear_since is None:
            alert.clear_since = now
        return steps
    assert value is not None
    alert.clear_since = None
    alert.value = value
    if alert.state == "pending":
        alert.severity, alert.threshold = severity, limits.level(severity)
        if alert.due is None:
            alert.due = now + limits.for_s
        elif now >= alert.due:
            steps.append(_fire(alert, now))
        return steps
    steps.extend(_reweigh(alert, limits, severity, value, now))
    return steps


def lost(alert: AlertState, now: float) -> list[LifecycleStep]:
    """Its measurement is missing. A pending alert waits for the data, and its duration starts again after that."""
    alert.clear_since = alert.lower_since = None
    if alert.state == "pending":
        alert.due = None
        return []
    if alert.state == "firing":
        alert.state = "unknown"
        return [LifecycleStep("firing", "unknown", "no_data", now)]
    return []


def next_due(alert: AlertState, limits: Limits, grace_s: float) -> float | None:
    """When this alert makes its next transition if nothing is measured until then; None for never."""
    if alert.state == "pending":
        if alert.clear_since is not None:
            return alert.clear_since + grace_s
        return alert.due
    if alert.state == "firing" and alert.clear_since is not None:
        return alert.clear_since + limits.keep_s
    return None


def due(alert: AlertState, limits: Limits, grace_s: float) -> LifecycleStep | None:
    """The transition of an alert that has become due."""
    if alert.state == "pending":
        if alert.clear_since is None:
            return _fire(alert, alert.due) if alert.due is not None else None
        alert.state = "ok"
        return LifecycleStep("pending", "ok", "clear", alert.clear_since + grace_s)
    if alert.state == "firing" and alert.clear_since is not None:
        alert.state = "resolved"
        return LifecycleStep("firing", "resolved", "clear", alert.clear_since + limits.keep_s)
    return None


def ended(alert: AlertState, reason: Reason, now: float) -> LifecycleStep:
    """The end of an alert that nothing measures any more: its subject is gone, or its rule was switched off."""
    before = alert.state
    alert.state = "ok" if before == "pending" else "resolved"
    return LifecycleStep(before, alert.state, reason, now)


def _fire(alert: AlertState, at: float) -> LifecycleStep:
    alert.state, alert.due = "firing", None
    return LifecycleStep("pending", "firing", "breach", at)


def _reweigh(alert: AlertState, limits: Limits, severity: Severity, value: float, now: float) -> list[LifecycleStep]:
    """Severity up at once, down only when the higher level has been clear for as long as resolving takes."""
    if severity == alert.severity:
        alert.lower_since = None
        return []
    if severity == "critical":
        reason: Reason = "escalate"
    else:
        if not limits.clear_of(value, alert.severity):
            alert.lower_since = None
            return []
        if alert.lower_since is None:
            alert.lower_since = now
        if now - alert.lower_since < limits.keep_s:
            return []
        reason = "deescalate"
    alert.severity, alert.threshold, alert.lower_since = severity, limits.level(severity), None
    return [LifecycleStep("firing", "firing", reason, now)]
