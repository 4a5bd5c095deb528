"""The state of an incident at PagerDuty, and the events that are due. Pure."""

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import groupby
from typing import Literal, Self

from leadline.model.incident import Change, Incident
from leadline.steps import discarding
from leadline.wire import timestamp
from leadline_sinks.notify.sink import Notification
from leadline_sinks.pagerduty.event import dedup_key

EventAction = Literal["trigger", "acknowledge", "resolve"]
CHANGE_EVENTS = 10
"""Most change events for one notification, the newest first: more would delay other incidents. The others are sent with
the next notification."""


@dataclass(frozen=True, slots=True)
class Receipt:
    """The receipt of the last delivery, decoded."""

    state: str = ""
    """Of the present alert: ``triggered``, ``acknowledged`` or ``resolved``; empty before its first event."""
    content: str = ""
    """Fingerprint of the content of the last trigger."""
    changes: frozenset[str] = frozenset()
    """Fingerprints of the configuration changes that PagerDuty has."""
    generation: int = 1
    """The generation of the present alert."""
    ended: frozenset[int] = frozenset()
    """The generations of alerts that are resolved."""

    @classmethod
    def read(cls, receipt: Mapping[str, str], rang: Sequence[int] = (1,)) -> Self:
        """Decode a receipt; an empty one is that of an incident without a delivery.

        ``rang`` are the generations that have an alert, the present one last. Where it has none yet, nothing is known
        of it.
        """
        changes = frozenset(receipt.get("changes", "").split())
        state, content = receipt.get("state", ""), receipt.get("said", "")
        generation = next(iter(_numbers(receipt.get("generation", ""))), 1)
        ended = _numbers(receipt.get("ended", ""))
        if state == "resolved" and "ended" not in receipt:
            ended = frozenset({generation})
        if generation != rang[-1]:
            state = content = ""
        return cls(state, content, changes, rang[-1], ended & frozenset(rang))

    def encode(self, incident: Incident) -> dict[str, str]:
        """Encode the receipt, without changes that the incident no longer lists."""
        if not self.state:
            return {}
        still = self.changes & {fingerprint(change) for change in incident.changes}
        return {
            "dedup_key": dedup_key(incident.incident_id, self.generation),
            "generation": str(self.generation),
            "state": self.state,
            "said": self.content,
            "changes": " ".join(sorted(still)),
            "ended": " ".join(map(str, sorted(self.ended))),
        }

    def after(self, action: EventAction, generation: int, incident: Incident) -> Self:
        """The receipt after PagerDuty has accepted an event for the alert of a generation."""
        if action == "trigger":
            state = "acknowledged" if self.state == "acknowledged" else "triggered"
            return replace(self, state=state, content=_content(incident), ended=self.ended - {generation})
        if action == "acknowledge":
            return replace(self, state="acknowledged")
        present = generation == self.generation
        return replace(
            self,
            state="resolved" if present else self.state or "triggered",
            content="" if present else self.content,
            ended=self.ended | {generation},
        )

    def with_changes(self, changes: list[Change]) -> Self:
        """The receipt after these change events were accepted or rejected."""
        return replace(self, changes=self.changes | {fingerprint(change) for change in changes})


def events_due(notification: Notification, receipt: Receipt) -> Iterator[tuple[EventAction, int]]:
    """The events to send, in this order, each with the generation of its alert.

    A resolution is sent even when no event is on record: an earlier one may have arrived, and PagerDuty ignores the
    resolution of an alert that it does not have.

    An alert that was acknowledged before its incident got worse stays as it is until the incident ends, and another
    alert is opened, which notifies people. Resolving it would report that the problem is over, to everybody who follows
    that alert, and PagerDuty cannot open a resolved one again.
    """
    incident = notification.incident
    if notification.occasion == "recurrence":
        return  # it is over: a change event says so
    if incident.state == "resolved":
        yield from (("resolve", each) for each in notification.rang if each not in receipt.ended)
        return
    present = receipt.generation
    known = receipt.state in ("triggered", "acknowledged") and receipt.content == _content(incident)
    if not known or notification.occasion == "kept_open":
        yield "trigger", present
    if incident.acknowledged_by is not None and receipt.state != "acknowledged":
        yield "acknowledge", present


def changes_due(incident: Incident, receipt: Receipt) -> list[list[Change]]:
    """Configuration changes that PagerDuty does not have, oldest first, grouped by node and time."""
    fresh = [change for change in incident.changes if fingerprint(change) not in receipt.changes]
    fresh.sort(key=lambda change: (change.at, change.node))
    groups = [list(group) for _, group in groupby(fresh, key=lambda change: (change.at, change.node))]
    return groups[-CHANGE_EVENTS:]


def fingerprint(change: Change) -> str:
    """Identifies a change within its incident."""
    return _hash(change.node, change.setting, change.from_ or "", change.to or "", timestamp(change.at))


def _numbers(text: str) -> frozenset[int]:
    """The numbers in a text. Anything else in it is ignored."""
    return frozenset(int(word) for word in text.split() if word.isascii() and word.isdecimal() and len(word) < 10)


def _content(incident: Incident) -> str:
    first = incident.causes[0] if incident.causes else None
    about = (first.code, first.subject.id) if first else ()
    return _hash(incident.severity, incident.title, *about, *discarding(incident))


def _hash(*parts: str) -> str:
    return hashlib.sha256("\0".join(parts).encode("utf-8", "surrogatepass")).hexdigest()[:12]
