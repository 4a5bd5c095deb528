"""Reasons for which an alert opens no incident, or an incident is not sent."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from leadline.catalogue import RULES
from leadline.clock import moment
from leadline.model.action import Action
from leadline.model.delivery import Delivery
from leadline.model.silence import Silence
from leadline_streams.explain.explanation import HeldBack, RuleExplained, TargetNotified
from leadline_streams.judge.diagnosis.ranking import name_of
from leadline_streams.judge.problem_state import IncidentState
from leadline_streams.judge.state import Memory

UNSENT = ("suppressed", "given_up")


@dataclass(frozen=True, slots=True)
class Notified:
    """The records of the sinks about the incidents of a subject."""

    deliveries: Sequence[Delivery] = ()
    actions: Sequence[Action] = ()
    silences: Sequence[Silence] = field(default=())
    """Those that match one of the incidents, or may match the subject."""


def of_rules(rules: Iterable[RuleExplained], memory: Memory) -> Iterator[HeldBack]:
    """Reasons that keep alerts from opening an incident of their own."""
    opened_by = {each.id: each.alerts[0] for each in memory.incidents if each.alerts}
    alerts = {(alert.rule, alert.subject.id): alert for alert in memory.alerts.values()}
    for rule in rules:
        if rule.state == "off":
            origin = next((each.origin for each in rule.limits if each.name == "enabled"), "default")
            yield HeldBack(kind="rule_off", what=f"{rule.rule} is switched off by {origin}")
        alert = alerts.get((rule.rule, rule.subject))
        if alert is None or alert.state not in ("firing", "unknown"):
            continue
        since, entry = moment(alert.since), RULES[rule.rule]
        if alert.state == "unknown":
            yield HeldBack(kind="no_data", what=f"{rule.rule} fired and cannot be measured now", since=since)
        if alert.incident is None and not entry.pages(alert.severity):
            what = f"{rule.rule} is of class {entry.class_} at severity {alert.severity}: it opens no incident"
            yield HeldBack(kind="standing" if entry.standing else "notice", what=what, since=since)
        elif alert.incident is not None and opened_by.get(alert.incident) != alert.id:
            what = f"{rule.rule} on {rule.about} is part of {alert.incident}, and opens none of its own"
            yield HeldBack(kind="joined", what=what, since=since)


def of_incidents(incidents: Iterable[IncidentState], subjects: frozenset[str]) -> Iterator[HeldBack]:
    """Roots elsewhere that explain what is seen here."""
    for incident in incidents:
        first = incident.causes[0] if incident.causes else None
        if first is None or first.subject.id in subjects:
            continue
        what = f"{incident.id} has its root at {first.subject.id}: {name_of(first)}"
        yield HeldBack(kind="root", what=what, since=moment(incident.cause_at) if incident.cause_at else None)


def of_sinks(notified: Notified, now: datetime) -> Iterator[HeldBack]:
    """Silences and acknowledgements, and what a lost datacenter hides."""
    for silence in notified.silences:
        if silence.starts_at <= now < silence.ends_at:
            comment = f": {silence.comment}" if silence.comment else ""
            what = f"silence {silence.silence_id} of {silence.created_by}{comment}"
            yield HeldBack(kind="silence", what=what, since=silence.starts_at, until=silence.ends_at)
    for action in notified.actions:
        if action.kind == "acknowledge" and action.at <= now:
            of = f", generation {action.generation}" if action.generation is not None else ""
            yield HeldBack(
                kind="acknowledged", what=f"{action.by} has acknowledged {action.incident_id}{of}", since=action.at
            )
    silences = {each.silence_id for each in notified.silences}
    for delivery in notified.deliveries:
        if delivery.outcome == "suppressed" and delivery.reason and delivery.reason not in silences:
            yield HeldBack(
                kind="datacenter", what=f"{delivery.target}: held back by {delivery.reason}", since=delivery.at
            )


def sent(notified: Notified) -> list[TargetNotified]:
    """The last delivery of each incident to each target, oldest first."""
    return [
        TargetNotified(target=each.target, outcome=each.outcome, at=each.at, why=each.reason or each.occasion)
        for each in sorted(notified.deliveries, key=lambda each: (each.at, each.target))
    ]
