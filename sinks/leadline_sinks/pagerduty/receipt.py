"""What PagerDuty knows of an incident, and what it is to be told next. Pure."""

import hashlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from itertools import groupby
from typing import Literal, Self

from leadline.model.incident import Change, Incident
from leadline.wire import timestamp
from leadline_sinks.notify.sink import Notice
from leadline_sinks.pagerduty.event import dedup_key

Step = Literal["trigger", "acknowledge", "resolve"]
CHANGE_EVENTS = 10
"""At most this many at once, the newest: more would hold up other incidents. The rest goes with the next word."""
_AFTER: dict[Step, str] = {"trigger": "triggered", "acknowledge": "acknowledged", "resolve": "resolved"}


@dataclass(frozen=True, slots=True)
class Told:
    """The receipt, read."""

    state: str = ""
    """``triggered``, ``acknowledged``, ``resolved``; empty when nothing is known."""
    said: str = ""
    """Fingerprint of what the last trigger said."""
    changes: frozenset[str] = frozenset()
    """Fingerprints of the configuration changes that PagerDuty has."""

    @classmethod
    def read(cls, receipt: Mapping[str, str]) -> Self:
        """From a receipt; an empty one is that of an incident never told."""
        changes = frozenset(receipt.get("changes", "").split())
        return cls(receipt.get("state", ""), receipt.get("said", ""), changes)

    def receipt(self, incident: Incident) -> dict[str, str]:
        """To a receipt; changes that the incident has forgotten are forgotten here."""
        if not self.state:
            return {}
        still = self.changes & {fingerprint(change) for change in incident.changes}
        return {
            "dedup_key": dedup_key(incident.incident_id),
            "state": self.state,
            "said": self.said,
            "changes": " ".join(sorted(still)),
        }

    def after(self, step: Step, incident: Incident) -> Self:
        """PagerDuty took a step."""
        if step == "trigger":
            state = "acknowledged" if self.state == "acknowledged" else "triggered"
            return replace(self, state=state, said=_said(incident))
        return replace(self, state=_AFTER[step], said="" if step == "resolve" else self.said)

    def with_changes(self, changes: list[Change]) -> Self:
        """PagerDuty has these, or will never have them."""
        return replace(self, changes=self.changes | {fingerprint(change) for change in changes})


def due(notice: Notice, told: Told) -> Iterator[Step]:
    """What PagerDuty has to be told, in this order.

    The end is told also when nothing is known: who gives us the notice knows that something may have arrived, and
    PagerDuty drops the end of what it does not have.
    """
    incident = notice.incident
    if incident.state == "resolved":
        if told.state != "resolved":
            yield "resolve"
        return
    if told.state not in ("triggered", "acknowledged") or told.said != _said(incident):
        yield "trigger"
    taken = incident.acknowledged_by is not None or any(action.kind == "acknowledge" for action in notice.actions)
    if taken and told.state != "acknowledged":
        yield "acknowledge"


def untold(incident: Incident, told: Told) -> list[list[Change]]:
    """Configuration changes that PagerDuty does not have, oldest first: one group for each look at a node."""
    fresh = [change for change in incident.changes if fingerprint(change) not in told.changes]
    fresh.sort(key=lambda change: (change.at, change.node))
    groups = [list(group) for _, group in groupby(fresh, key=lambda change: (change.at, change.node))]
    return groups[-CHANGE_EVENTS:]


def fingerprint(change: Change) -> str:
    """Names a change within its incident."""
    return _hash(change.node, change.setting, change.from_ or "", change.to or "", timestamp(change.at))


def _said(incident: Incident) -> str:
    first = incident.causes[0] if incident.causes else None
    about = (first.code, first.subject.id) if first else ()
    return _hash(incident.severity, incident.title, *about)


def _hash(*parts: str) -> str:
    return hashlib.sha256("\0".join(parts).encode("utf-8", "surrogatepass")).hexdigest()[:12]
