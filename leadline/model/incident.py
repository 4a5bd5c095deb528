"""Incidents: the open period of related alerts on a cluster, with ranked causes."""

from typing import Literal

from msgspec import field

from leadline.model import Int64, Time, Value
from leadline.model.alert import Evidence, Severity, Subject
from leadline.model.ids import AlertId, ClusterName, IncidentId, NodeName


class Cause(Value, frozen=True, kw_only=True):
    """A ranked explanation, with what speaks for and against it and the fix."""

    code: str
    confidence: float
    subject: Subject
    summary: str
    fix: str
    evidence_for: list[Evidence]
    evidence_against: list[Evidence]


class Change(Value, frozen=True, kw_only=True):
    """A setting that changed on a node. ``at`` is when the agent saw it."""

    node: NodeName
    setting: str
    from_: str | None = field(name="from")
    to: str | None
    at: Time


class TimelineEntry(Value, frozen=True, kw_only=True):
    """One line of the story."""

    at: Time
    what: str


class Incident(Value, frozen=True, kw_only=True, omit_defaults=False):
    """The whole incident as of ``seq``; the latest record replaces the earlier ones."""

    incident_id: IncidentId
    seq: Int64
    cluster: ClusterName
    datacenters: list[str]
    state: Literal["open", "resolved"]
    severity: Severity
    title: str
    opened_at: Time
    """When the first breach began."""
    detected_at: Time
    """When the first alert fired."""
    cause_at: Time | None
    """When the cause that is ranked first was first named."""
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
    """Names of the rules of its alerts, in the order of firing."""
