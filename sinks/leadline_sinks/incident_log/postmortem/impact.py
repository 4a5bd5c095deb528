"""The effects of an incident on links, nodes and data, from the transitions of its alerts. Pure."""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime

from leadline.model.alert import Severity, Subject, Transition, severity_rank


@dataclass(frozen=True, slots=True)
class Breach:
    """One alert over its whole life."""

    rule: str
    subject: Subject
    severity: Severity
    """The worst."""
    worst: float | None
    """The value that was furthest beyond the limit, of those at the alert's transitions, its end included."""
    unit: str
    limit: float | None
    verdicts: tuple[str, ...]
    """Of the link, in the order they were seen."""
    since: datetime
    fired: datetime
    """Time at which it fired first."""
    until: datetime | None
    low_is_bad: bool = False
    """Whether it was worse the smaller its value was, as that of a forecast is."""


def breaches(transitions: Iterable[Transition]) -> list[Breach]:
    """One for each alert that fired, those that began first in front."""
    found: dict[str, Breach] = {}
    fired: set[str] = set()
    for step in sorted(transitions, key=lambda each: (each.event_time, each.alert_id, each.seq)):
        before = found.get(step.alert_id)
        if before is not None and before.until is not None and step.alert_id not in fired:
            before = None  # what ended before it fired is no part of what fired later
        found[step.alert_id] = _joined(before, step) if before else _begun(step)
        if step.to == "firing" and step.alert_id not in fired:
            fired.add(step.alert_id)
            found[step.alert_id] = replace(found[step.alert_id], fired=step.event_time)
    return sorted((found[ident] for ident in fired), key=lambda each: (each.since, each.rule, each.subject.id))


def _begun(step: Transition) -> Breach:
    return Breach(
        rule=step.rule,
        subject=step.subject,
        severity=step.severity,
        worst=step.value,
        unit=step.unit,
        limit=step.threshold,
        verdicts=(step.verdict,) if step.verdict else (),
        since=step.started_at,
        fired=step.event_time,
        until=None,
        low_is_bad=_is_low(step),
    )


def _joined(so_far: Breach, step: Transition) -> Breach:
    verdicts = (*so_far.verdicts, step.verdict) if step.verdict else so_far.verdicts
    if step.to in ("ok", "resolved"):
        # Its value is the last that breached: of a duration, the largest.
        worst = _worst(so_far, step)
        return replace(so_far, until=step.event_time, worst=worst, verdicts=tuple(dict.fromkeys(verdicts)))
    worse = severity_rank(step.severity) > severity_rank(so_far.severity)
    return replace(
        so_far,
        severity=step.severity if worse else so_far.severity,
        worst=_worst(so_far, step),
        limit=step.threshold if worse or so_far.limit is None else so_far.limit,
        verdicts=tuple(dict.fromkeys(verdicts)),
        until=None,
        low_is_bad=so_far.low_is_bad or _is_low(step),
    )


def _is_low(step: Transition) -> bool:
    """Whether a step shows that small values breach: its value is below the limit that it breaches."""
    breaches_ = step.reason in ("breach", "escalate") and step.value is not None and step.threshold is not None
    return breaches_ and (step.value or 0.0) < (step.threshold or 0.0)


def _worst(so_far: Breach, step: Transition) -> float | None:
    """A forecast is worse the smaller it is: its limit is above what breaches it."""
    if step.value is None or so_far.worst is None:
        return so_far.worst if step.value is None else step.value
    low = so_far.low_is_bad or _is_low(step)
    return min(so_far.worst, step.value) if low else max(so_far.worst, step.value)
