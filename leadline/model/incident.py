"""Incidents: one problem each, with the alerts that share its root and its ranked causes."""

from typing import Final, Literal

from msgspec import field

from leadline.model import Count, Int64, Time, Value
from leadline.model.alert import Cause, Risk, Severity, Step
from leadline.model.announcement import Announcement
from leadline.model.ids import AlertId, ClusterName, IncidentId, NodeName

__all__ = ["SIGNS", "Affected", "Cause", "Change", "Incident", "Recurrence", "Risk", "Step", "TimelineEntry"]


SIGNS: Final = "signs"
"""Name of the evidence that says since when the signs of a cause are gone: in ``not_seen`` while the incident is open,
and among the evidence for the cause once the incident has ended."""


class Change(Value, frozen=True, kw_only=True):
    """A setting that changed on a node; ``role`` stands for its role. ``at``: when the agent saw the change."""

    node: NodeName
    setting: str
    from_: str | None = field(name="from")
    to: str | None
    at: Time
    after: Time | None = None
    """The last look that showed it unchanged; None where that is not known."""
    source: str = ""
    """The source of the new value, as in ``pg_settings.source``."""
    file: str | None = None
    """The configuration file that sets it; None where none does, or it may not be shown."""
    line: Count | None = None
    pending_restart: bool = False
    """The files have a value that only a restart puts into effect: ``from`` and ``to`` are the one that holds until
    then."""


class TimelineEntry(Value, frozen=True, kw_only=True):
    """One line of an incident's timeline."""

    at: Time
    what: str


class Affected(Value, frozen=True, kw_only=True, omit_defaults=False):
    """Subjects of an incident, by id."""

    links: list[str] = []
    nodes: list[NodeName] = []
    lags_s: dict[str, float] = {}
    """The largest lag of each of the links while the incident was open, where one was known."""


class Recurrence(Value, frozen=True, kw_only=True):
    """A measure against an incident that no longer holds: an audit rule that watches it is violated again."""

    rule: str
    """``PG-WAL-002``."""
    title: str
    """The rule in words."""
    subject: str
    """The identity of what violates it."""
    summary: str
    measure: str
    """The measure of the post-mortem that the rule watches."""
    at: Time
    """The audit that found it first; the rule held for this subject at the audit before."""


class Incident(Value, frozen=True, kw_only=True, omit_defaults=False):
    """The whole incident as of ``seq``. A later record replaces it."""

    incident_id: IncidentId
    seq: Int64
    cluster: ClusterName
    datacenters: list[str]
    state: Literal["open", "resolved"]
    severity: Severity
    title: str
    opened_at: Time
    """Beginning of the first breach."""
    detected_at: Time
    """Time at which the first alert fired."""
    cause_at: Time | None
    """Time at which the cause that is ranked first was first identified."""
    resolved_at: Time | None
    causes: list[Cause]
    alerts: list[AlertId]
    changes: list[Change]
    timeline: list[TimelineEntry]
    labels: dict[str, str]
    acknowledged_by: str | None = None
    silenced_by: str | None = None
    parent: IncidentId | None = None
    rules: list[str] = []
    """The rules of its alerts, in the order of firing."""
    merged_into: IncidentId | None = None
    """The older incident that it turned out to be a part of; then its state is ``resolved``."""
    reopened: list[Time] = []
    """Times at which the problem returned after its end."""
    generation: Int64 = 1
    """Rises when the severity rises, when another cause is ranked first, and when it is reopened. An acknowledgement
    covers the generation at which it was given."""
    worst_lag_s: float | None = None
    """The largest lag of its links while it was open."""
    affected: Affected = Affected()
    """Links and nodes that its alerts are about."""
    parted_from: IncidentId | None = None
    """The incident that its first alerts were a part of until it turned out that they have another root."""
    class_: Literal["page", "notice", "advice"] = field(default="page", name="class")
    """``notice``: what an audit found by one rule, which nobody need act on now. ``advice``: a digest of the rest."""
    silent_datacenters: list[str] = []
    """Datacenters of its nodes of which no server of the cluster answers, whether it is down or its agent is silent."""
    recurrences: list[Recurrence] = []
    """Measures against it that were undone after its end. The incident log adds them, in a record after the last one of
    the judgement."""
    announcement: Announcement | None = None
    """Of silences, which such a record is about in place of a problem: ``class`` is ``notice``, it has no alert and no
    cause, and it is open while the silences hold."""
