"""What is known of one incident, put together. Pure."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from leadline.model.action import Action
from leadline.model.alert import Severity, Transition, severity_rank
from leadline.model.delivery import Delivery
from leadline.model.incident import Cause, Incident

By = Literal["judgement", "delivery", "person"]


@dataclass(frozen=True, slots=True)
class Happened:
    """One line of the whole timeline."""

    at: datetime
    what: str
    by: By


@dataclass(frozen=True, slots=True)
class Times:
    """How long it took, in seconds; None while it has not happened. The view ``incident_times`` has the same."""

    to_detect_s: float
    """From the first breach to the first alert that fired."""
    to_cause_s: float | None
    """From the first breach to the naming of the cause that is ranked first."""
    to_notify_s: float | None
    """From detection to the first word that a target had."""
    to_acknowledge_s: float | None
    """From the first word to the first acknowledgement."""
    to_resolve_s: float | None
    """From the first breach to the end."""


@dataclass(frozen=True, slots=True)
class Story:
    """The latest record of an incident, and all that the log has about it, oldest first."""

    incident: Incident
    transitions: tuple[Transition, ...] = ()
    """Of its alerts, while it was open."""
    deliveries: tuple[Delivery, ...] = ()
    actions: tuple[Action, ...] = ()
    earlier: tuple[Incident, ...] = ()
    """Its records before."""

    @property
    def causes(self) -> tuple[Cause, ...]:
        """As they were ranked last, each as it was when it was surest: when all is well again, its signs are gone."""
        surest: dict[tuple[str, str], Cause] = {}
        for record in (self.incident, *reversed(self.earlier)):
            for cause in record.causes:
                known = surest.setdefault((cause.code, cause.subject.id), cause)
                if cause.confidence > known.confidence:
                    surest[cause.code, cause.subject.id] = cause
        return tuple(surest[each.code, each.subject.id] for each in self.incident.causes)

    @property
    def peak_severity(self) -> Severity:
        """The highest it had."""
        return max((record.severity for record in (self.incident, *self.earlier)), key=severity_rank)

    @property
    def notified_at(self) -> datetime | None:
        """When the first target had the first word."""
        return min((each.at for each in self.deliveries if each.outcome in ("sent", "partial")), default=None)

    @property
    def acknowledged(self) -> Action | None:
        """The first acknowledgement."""
        return min(
            (each for each in self.actions if each.kind == "acknowledge"), key=lambda each: each.at, default=None
        )

    @property
    def times(self) -> Times:
        """How long it took."""
        incident, taken = self.incident, self.acknowledged
        return Times(
            to_detect_s=(incident.detected_at - incident.opened_at).total_seconds(),
            to_cause_s=_between(incident.opened_at, incident.cause_at),
            to_notify_s=_between(incident.detected_at, self.notified_at),
            to_acknowledge_s=_between(self.notified_at, taken.at if taken else None),
            to_resolve_s=_between(incident.opened_at, incident.resolved_at),
        )

    def timeline(self) -> list[Happened]:
        """What was judged, who was told and what people did, oldest first."""
        found = sorted(self._happened(), key=lambda each: each.at)  # stable: of one instant, the judgement comes first
        return list(dict.fromkeys(found))

    def _happened(self) -> Iterator[Happened]:
        for entry in self.incident.timeline:
            yield Happened(entry.at, entry.what, "judgement")
        for delivery in self.deliveries:
            if delivery.outcome == "attempted":
                continue  # what became of it follows
            if delivery.occasion == "updated" and delivery.outcome != "given_up":
                continue  # a message that is kept current tells what the judgement's own lines tell
            yield Happened(delivery.at, _told(delivery), "delivery")
        for action in self.actions:
            yield Happened(action.at, _did(action), "person")


def _between(start: datetime | None, end: datetime | None) -> float | None:
    return (end - start).total_seconds() if start is not None and end is not None else None


def _told(delivery: Delivery) -> str:
    match delivery.outcome:
        case "attempted":
            return f"{delivery.target} is being told: {delivery.occasion}"
        case "sent":
            return f"{delivery.target} was told: {delivery.occasion}"
        case "partial":
            return f"{delivery.target} was told in part: {delivery.occasion}"
        case "suppressed":
            return f"{delivery.target} was not told, silenced by {delivery.reason or 'a silence'}: {delivery.occasion}"
        case "given_up":
            return f"{delivery.target} could not be told ({delivery.reason or 'no reason given'}): {delivery.occasion}"


def _did(action: Action) -> str:
    said = f": {action.text}" if action.text else ""
    return f"{action.by} acknowledged{said}" if action.kind == "acknowledge" else f"{action.by} noted{said}"
