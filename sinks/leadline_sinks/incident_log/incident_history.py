"""The history of one incident, assembled from the incident log. Pure."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from leadline.model.action import Action
from leadline.model.alert import Severity, Transition, severity_rank
from leadline.model.audit_result import AuditResult
from leadline.model.change_record import ChangeRecord
from leadline.model.delivery import EDITS, Delivery
from leadline.model.incident import Cause, Incident

Origin = Literal["judgement", "delivery", "person"]


@dataclass(frozen=True, slots=True)
class TimelineRow:
    """One event of the whole timeline."""

    at: datetime
    what: str
    origin: Origin


@dataclass(frozen=True, slots=True)
class IncidentTimes:
    """Durations in seconds; None for what has not happened. The view ``incident_times`` has the same."""

    to_detect_s: float
    """From the first breach to the first alert that fired."""
    to_cause_s: float | None
    """From the first breach to the identification of the first-ranked cause."""
    to_notify_s: float | None
    """From detection to the first notification."""
    to_acknowledge_s: float | None
    """From the first notification to the first acknowledgement."""
    to_resolve_s: float | None
    """From the first breach to the end."""


@dataclass(frozen=True, slots=True)
class MergedPart:
    """An incident that was merged into another one."""

    incident_id: str
    title: str
    opened_at: datetime
    merged_at: datetime


@dataclass(frozen=True, slots=True)
class IncidentHistory:
    """The latest record of an incident, and everything else in the incident log about it, oldest first."""

    incident: Incident
    transitions: tuple[Transition, ...] = ()
    """Of its alerts, while it was open."""
    deliveries: tuple[Delivery, ...] = ()
    actions: tuple[Action, ...] = ()
    earlier: tuple[Incident, ...] = ()
    """Its earlier records."""
    parts: tuple[MergedPart, ...] = ()
    """Incidents that were merged into it."""
    audit_before: AuditResult | None = None
    """The last audit of its cluster before its first breach."""
    audit_latest: AuditResult | None = None
    """The newest audit of its cluster."""
    changes_before: tuple[ChangeRecord, ...] = ()
    """Changes of its servers in the week before its first breach that its record does not have, oldest first."""

    @property
    def causes(self) -> tuple[Cause, ...]:
        """The causes in their last order, each as in the record with its highest confidence.

        At the end of an incident the evidence of its causes is gone.
        """
        best: dict[tuple[str, str], Cause] = {}
        for record in (self.incident, *reversed(self.earlier)):
            for cause in record.causes:
                known = best.setdefault((cause.code, cause.subject.id), cause)
                if cause.confidence > known.confidence:
                    best[cause.code, cause.subject.id] = cause
        return tuple(best[each.code, each.subject.id] for each in self.incident.causes)

    @property
    def peak_severity(self) -> Severity:
        """The highest severity of all records."""
        return max((record.severity for record in (self.incident, *self.earlier)), key=severity_rank)

    @property
    def notified_at(self) -> datetime | None:
        """Time of the first notification of any target."""
        return min((each.at for each in self.deliveries if each.outcome in ("sent", "partial")), default=None)

    @property
    def acknowledged(self) -> Action | None:
        """The first acknowledgement."""
        return min(
            (each for each in self.actions if each.kind == "acknowledge"), key=lambda each: each.at, default=None
        )

    @property
    def times(self) -> IncidentTimes:
        """The durations between the steps of the response."""
        incident, acknowledged = self.incident, self.acknowledged
        return IncidentTimes(
            to_detect_s=(incident.detected_at - incident.opened_at).total_seconds(),
            to_cause_s=_between(incident.opened_at, incident.cause_at),
            to_notify_s=_between(incident.detected_at, self.notified_at),
            to_acknowledge_s=_between(self.notified_at, acknowledged.at if acknowledged else None),
            to_resolve_s=_between(incident.opened_at, incident.resolved_at),
        )

    def timeline(self) -> list[TimelineRow]:
        """Judgements, deliveries and actions, oldest first. Of events of one instant, the judgement comes first."""
        rows = sorted(self._rows(), key=lambda row: row.at)  # stable
        return list(dict.fromkeys(rows))

    def _rows(self) -> Iterator[TimelineRow]:
        for entry in self.incident.timeline:
            yield TimelineRow(entry.at, entry.what, "judgement")
        for delivery in self.deliveries:
            if delivery.outcome == "attempted":
                continue  # its outcome follows
            if delivery.outcome == "nothing_new":
                continue  # nothing was sent
            if delivery.occasion in ("updated", "kept_open") and delivery.outcome != "given_up":
                continue  # an edited message repeats the judgements, a repeated page has no content
            if delivery.occasion in EDITS:
                continue  # nobody is notified by that
            yield TimelineRow(delivery.at, _delivery(delivery), "delivery")
        for each in self.incident.recurrences:
            yield TimelineRow(each.at, f"can return: {each.rule} is violated again: {each.summary}", "judgement")
        for action in self.actions:
            yield TimelineRow(action.at, _action(action), "person")


def _between(start: datetime | None, end: datetime | None) -> float | None:
    return (end - start).total_seconds() if start is not None and end is not None else None


def _delivery(delivery: Delivery) -> str:
    target, occasion = delivery.target, delivery.occasion
    match delivery.outcome:
        case "attempted":
            return f"{target} is being notified: {occasion}"
        case "sent":
            return f"{target} was notified: {occasion.replace('_', ' ')}"
        case "nothing_new":
            return f"{target} had everything already: {occasion}"
        case "partial":
            return f"{target} was notified in part: {occasion}"
        case "suppressed":
            return f"{target} was not notified, silenced by {delivery.reason or 'a silence'}: {occasion}"
        case "given_up":
            return f"{target} could not be notified ({delivery.reason or 'no reason given'}): {occasion}"


def _action(action: Action) -> str:
    verb = "acknowledged" if action.kind == "acknowledge" else "noted"
    return f"{action.by} {verb}: {action.text}" if action.text else f"{action.by} {verb}"
