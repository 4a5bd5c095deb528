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
    """The value that was furthest beyond the limit, of those at the alert's transitions."""
    unit: str
    limit: float | None
    verdicts: tuple[str, ...]
    """Of the link, in the order they were seen."""
    since: datetime
    until: datetime | None
    runbook: str


def breaches(transitions: Iterable[Transition]) -> list[Breach]:
    """One for each alert that fired, those that began first in front."""
    found: dict[str, Breach] = {}
    fired: set[str] = set()
    for step in sorted(transitions, key=lambda each: (each.event_time, each.alert_id, each.seq)):
        before = found.get(step.alert_id)
        found[step.alert_id] = _joined(before, step) if before else _begun(step)
        if step.to == "firing":
            fired.add(step.alert_id)
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
        until=None,
        runbook=step.runbook,
    )


def _joined(so_far: Breach, step: Transition) -> Breach:
    verdicts = (*so_far.verdicts, step.verdict) if step.verdict else so_far.verdicts
    if step.to in ("ok", "resolved"):
        return replace(so_far, until=step.event_time, verdicts=tuple(dict.fromkeys(verdicts)))
    worse = severity_rank(step.severity) > severity_rank(so_far.severity)
    return replace(
        so_far,
        severity=step.severity if worse else so_far.severity,
        worst=_worst(so_far, step),
        limit=step.threshold if worse or so_far.limit is None else so_far.limit,
        verdicts=tuple(dict.fromkeys(verdicts)),
        until=None,
    )


def _worst(so_far: Breach, step: Transition) -> float | None:
    """A forecast is worse the smaller it is: its limit is above what breaches it."""
    if step.value is None or so_far.worst is None:
        return so_far.worst if step.value is None else step.value
    smaller = step.reason in ("breach", "escalate") and step.threshold is not None and step.value < step.threshold
    return min(so_far.worst, step.value) if smaller else max(so_far.worst, step.value)
