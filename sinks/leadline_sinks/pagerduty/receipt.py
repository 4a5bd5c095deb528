"""The state of an incident at PagerDuty, and the events that are due. Pure."""

import hashlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from itertools import groupby
from typing import Literal, Self

from leadline.model.incident import Change, Incident
from leadline.wire import timestamp
from leadline_sinks.notify.sink import Notification
from leadline_sinks.pagerduty.event import dedup_key

EventAction = Literal["trigger", "acknowledge", "resolve"]
CHANGE_EVENTS = 10
"""Most change events for one notification, the newest first: more would delay other incidents. The others are sent with
the next notification."""
_AFTER: dict[EventAction, str] = {"trigger": "triggered", "acknowledge": "acknowledged", "resolve": "resolved"}


@dataclass(frozen=True, slots=True)
class Receipt:
    """The receipt of the last delivery, decoded."""

    state: str = ""
    """``triggered``, ``acknowledged`` or ``resolved``; empty before the first event."""
    content: str = ""
    """Fingerprint of the content of the last trigger."""
    changes: frozenset[str] = frozenset()
    """Fingerprints of the configuration changes that PagerDuty has."""

    @classmethod
    def read(cls, receipt: Mapping[str, str]) -> Self:
        """Decode a receipt; an empty one is that of an incident without a delivery."""
        changes = frozenset(receipt.get("changes", "").split())
        return cls(receipt.get("state", ""), receipt.get("said", ""), changes)

    def encode(self, incident: Incident) -> dict[str, str]:
        """Encode the receipt, without changes that the incident no longer lists."""
        if not self.state:
            return {}
        still = self.changes & {fingerprint(change) for change in incident.changes}
        return {
            "dedup_key": dedup_key(incident.incident_id),
            "state": self.state,
            "said": self.content,
            "changes": " ".join(sorted(still)),
        }

    def after(self, action: EventAction, incident: Incident) -> Self:
        """The receipt after PagerDuty has accepted an event."""
        if action == "trigger":
            state = "acknowledged" if self.state == "acknowledged" else "triggered"
            return replace(self, state=state, content=_content(incident))
        return replace(self, state=_AFTER[action], content="" if action == "resolve" else self.content)

    def with_changes(self, changes: list[Change]) -> Self:
        """The receipt after these change events were accepted or rejected."""
        return replace(self, changes=self.changes | {fingerprint(change) for change in changes})


def events_due(notification: Notification, receipt: Receipt) -> Iterator[EventAction]:
    """The events to send, in this order.

    A resolution is sent even when no event is on record: an earlier one may have arrived, and PagerDuty ignores the
    resolution of an alert that it does not have.
    """
    incident = notification.incident
    if incident.state == "resolved":
        if receipt.state != "resolved":
            yield "resolve"
        return
    if receipt.state not in ("triggered", "acknowledged") or receipt.content != _content(incident):
        yield "trigger"
    acknowledged = any(action.kind == "acknowledge" for action in notification.actions)
    if (acknowledged or incident.acknowledged_by is not None) and receipt.state != "acknowledged":
        yield "acknowledge"


def changes_due(incident: Incident, receipt: Receipt) -> list[list[Change]]:
    """Configuration changes that PagerDuty does not have, oldest first, grouped by node and time."""
    fresh = [change for change in incident.changes if fingerprint(change) not in receipt.changes]
    fresh.sort(key=lambda change: (change.at, change.node))
    groups = [list(group) for _, group in groupby(fresh, key=lambda change: (change.at, change.node))]
    return groups[-CHANGE_EVENTS:]


def fingerprint(change: Change) -> str:
    """Identifies a change within its incident."""
    return _hash(change.node, change.setting, change.from_ or "", change.to or "", timestamp(change.at))


def _content(incident: Incident) -> str:
    first = incident.causes[0] if incident.causes else None
    about = (first.code, first.subject.id) if first else ()
    return _hash(incident.severity, incident.title, *about)


def _hash(*parts: str) -> str:
    return hashlib.sha256("\0".join(parts).encode("utf-8", "surrogatepass")).hexdigest()[:12]
