"""Incidents: one open period of related alerts on a cluster, with ranked causes."""

from typing import Literal

from msgspec import field

from leadline.model import Int64, Time, Value
from leadline.model.alert import Evidence, Severity, Subject
from leadline.model.ids import AlertId, ClusterName, IncidentId, NodeName

Risk = Literal["look", "safe", "careful", "destructive"]
"""The risk of a step. ``look`` changes nothing; ``safe`` can be undone and loses nothing; ``careful``
interrupts somebody's work or needs thought; ``destructive`` discards something that cannot be brought back."""


class Step(Value, frozen=True, kw_only=True):
    """One thing to do about a cause: a statement, or an instruction in words. Exactly one of the two is there."""

    risk: Risk
    node: NodeName | None = None
    """The server on which the statement is run, or which the instruction is about."""
    database: str | None = None
    """The database to run the statement in; None if any will do."""
    sql: str | None = None
    text: str | None = None


class Cause(Value, frozen=True, kw_only=True):
    """A ranked explanation, with the evidence for and against it and the fix."""

    code: str
    confidence: float
    subject: Subject
    summary: str
    fix: str
    """``steps`` in one line of text."""
    evidence_for: list[Evidence]
    evidence_against: list[Evidence]
    steps: list[Step] = []
    not_seen: list[Evidence] = []
    """Facts that were not visible, each with a note on what would show it."""


class Change(Value, frozen=True, kw_only=True):
    """A setting that changed on a node; ``role`` stands for its role. ``at``: when the agent saw the change."""

    node: NodeName
    setting: str
    from_: str | None = field(name="from")
    to: str | None
    at: Time


class TimelineEntry(Value, frozen=True, kw_only=True):
    """One line of an incident's timeline."""

    at: Time
    what: str


class Affected(Value, frozen=True, kw_only=True, omit_defaults=False):
    """Subjects of an incident, by id."""

    links: list[str] = []
    nodes: list[NodeName] = []


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
