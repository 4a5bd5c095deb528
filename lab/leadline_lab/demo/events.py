"""The lines of the demo's report as it happens: what was done, observed, diagnosed and sent."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Final

from leadline.model.alert import Transition
from leadline.model.delivery import Delivery
from leadline.model.incident import Incident
from leadline_lab.demo.observed import VendorEvent


class EventKind(StrEnum):
    """The kind of an event, as ``--format json`` gives it."""

    SETUP = "setup"
    STEP = "step"
    ACTION = "did"
    OBSERVED = "saw"
    MISSED = "missed"
    ALERT = "alert"
    INCIDENT = "incident"
    CAUSE = "cause"
    SENT = "told"


VENDORS: Final = {"slack": "Slack", "pagerduty": "PagerDuty"}
VENDOR_KINDS: Final = {
    "post": "a message",
    "update": "an edit of its message",
    "trigger": "a page",
    "change": "a change event",
    "acknowledge": "an acknowledgement",
    "resolve": "the end of the page",
}
"""The kinds of a vendor's events in plain words."""
FINAL_OUTCOMES: Final = frozenset({"sent", "suppressed", "given_up"})
"""Outcomes after which nothing more follows for the same notification."""
REPORTED_OCCASIONS: Final = frozenset({"opened", "escalated", "resolved"})
"""Notifications to a real target that get a line."""


@dataclass(frozen=True, slots=True)
class DemoEvent:
    """One line. ``since_s`` counts from the injection; None before it."""

    kind: EventKind
    text: str
    at: datetime
    since_s: float | None = None


class EventReporter:
    """Turns values of topics and vendors' events into lines, of each value only what is new in it."""

    def __init__(self) -> None:
        self._incidents: dict[str, tuple[object, ...]] = {}
        self._headlines: dict[tuple[str, str], str] = {}

    def lines(self, value: object) -> Iterator[tuple[EventKind, str]]:
        """The lines for a value of a topic, or for an event that a vendor accepted."""
        if isinstance(value, Transition):
            if value.to == "firing" and value.from_ in ("pending", "ok"):
                yield EventKind.ALERT, f"{value.rule} fires: {value.summary}"
            elif value.to == "resolved":
                yield EventKind.ALERT, f"{value.rule} resolved: {value.summary}"
        elif isinstance(value, Incident):
            if value.class_ == "page":
                yield from self._incident(value)
        elif isinstance(value, VendorEvent):
            yield from self._vendor_event(value)
        elif isinstance(value, Delivery) and value.outcome in FINAL_OUTCOMES and value.occasion in REPORTED_OCCASIONS:
            yield EventKind.SENT, f"{value.target}: {value.outcome}, {value.occasion}"

    def _incident(self, incident: Incident) -> Iterator[tuple[EventKind, str]]:
        first = incident.causes[0] if incident.causes else None
        before = self._incidents.get(incident.incident_id, (None, None, None))
        now = (incident.state, incident.severity, first.code if first is not None else None)
        self._incidents[incident.incident_id] = now
        if now[:2] != before[:2]:
            yield EventKind.INCIDENT, f"incident {incident.state}, {incident.severity}: {incident.title}"
        if incident.state == "open" and first is not None and now[2] != before[2]:
            yield EventKind.CAUSE, f"{first.code} ({first.confidence:.2f}): {first.summary}"

    def _vendor_event(self, event: VendorEvent) -> Iterator[tuple[EventKind, str]]:
        """An edit gets a line when it changes the headline. A reply comes with an edit and gets none."""
        if event.kind == "reply":
            return
        name, thread = VENDOR_KINDS.get(event.kind, event.kind), (event.vendor, event.key)
        before = self._headlines.get(thread)
        if event.kind != "change":
            self._headlines[thread] = event.headline
        if event.kind == "update" and before == event.headline:
            return
        if event.kind == "trigger" and before is not None:
            name = "an update of the page"
        text = f": {event.headline}" if event.headline else ""
        yield EventKind.SENT, f"{VENDORS.get(event.vendor, event.vendor)} received {name}{text}"
