"""Incidents that a process of Leadline opens about its own work: of a cause that it has met, and without alerts."""

from collections.abc import Mapping
from datetime import datetime

import msgspec

from leadline.model.alert import Evidence, Severity, Step, Subject
from leadline.model.ids import ClusterName, IncidentId
from leadline.model.incident import Cause, Incident, TimelineEntry
from leadline.steps import fix_of


def known_cause(code: str, subject: Subject, summary: str, step: Step, sign: Evidence) -> Cause:
    """A cause that the process has met itself."""
    return Cause(
        code=code,
        confidence=1.0,
        subject=subject,
        summary=summary,
        fix=fix_of([step]),
        steps=[step],
        evidence_for=[sign],
        evidence_against=[],
    )


def opened(
    cause: Cause,
    *,
    rule: str,
    incident_id: IncidentId,
    cluster: ClusterName,
    title: str,
    severity: Severity,
    since: datetime,
    at: datetime,
    labels: Mapping[str, str] | None = None,
) -> Incident:
    """The first record, written at ``at``, of what has gone wrong since ``since``."""
    return Incident(
        incident_id=incident_id,
        seq=1,
        cluster=cluster,
        datacenters=[],
        state="open",
        severity=severity,
        title=f"{cluster}: {title}",
        opened_at=since,
        detected_at=at,
        cause_at=at,
        resolved_at=None,
        causes=[cause],
        alerts=[],
        changes=[],
        timeline=[_fires(rule, cause, at)],
        labels=dict(labels or {}),
        rules=[rule],
    )


def with_cause(incident: Incident, cause: Cause, severity: Severity, at: datetime) -> Incident:
    """The next record, with a further cause. A higher severity ends an acknowledgement, as everywhere."""
    rises = severity == "critical" != incident.severity
    return msgspec.structs.replace(
        incident,
        seq=incident.seq + 1,
        generation=incident.generation + rises,
        severity="critical" if rises else incident.severity,
        causes=[*incident.causes, cause],
        timeline=[*incident.timeline, _fires(incident.rules[0], cause, at)],
    )


def resolved(incident: Incident, what: str, at: datetime) -> Incident:
    """The last record."""
    entry = TimelineEntry(at=at, what=f"resolved: {what}")
    return msgspec.structs.replace(
        incident, seq=incident.seq + 1, state="resolved", resolved_at=at, timeline=[*incident.timeline, entry]
    )


def _fires(rule: str, cause: Cause, at: datetime) -> TimelineEntry:
    return TimelineEntry(at=at, what=f"{rule} fires: {cause.summary}")
