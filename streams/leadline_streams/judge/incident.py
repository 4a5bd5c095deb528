"""The incident of a cluster: alerts in, one record with its causes out.

A cluster has at most one open incident. It opens with the first firing alert and resolves when none has been pending,
firing or unknown for ``quiet_s``. A record is written when alerts, the severity, the causes or their order, the
settings or the state change, and when the first cause becomes surer or gets a better fix; not when a number does.
"""

from leadline.clock import moment
from leadline.model.alert import Transition
from leadline.model.ids import ClusterName, incident_id
from leadline.model.incident import Cause, Change, Incident, Step, TimelineEntry
from leadline.steps import fix_of
from leadline_streams.judge.diagnosis import late_evidence
from leadline_streams.judge.diagnosis.ranking import Diagnosis, name_of
from leadline_streams.judge.state import IncidentState, Memory
from leadline_streams.judge.subject import of_cluster

CHANGES_BEFORE_S = 3600.0
"""Configuration changes this long before an incident are shown with it."""
_LOOK = [
    Step(risk="look", text="Read the evidence of the alerts, and the server logs around the time of the first breach.")
]
_MAX_TIMELINE = 200
_MAX_CHANGES = 100


def note(memory: Memory, transition: Transition, at: float) -> bool:
    """Fold a transition into the incident; True when a new record is due."""
    incident = memory.incident
    if incident is None:
        if transition.to != "firing":
            return False
        opened_at = transition.started_at
        changes = [c for c in memory.changes if c.at.timestamp() >= opened_at.timestamp() - CHANGES_BEFORE_S]
        incident = memory.incident = IncidentState(
            incident_id(memory.cluster, opened_at), opened_at.timestamp(), at, changes=changes
        )
        incident.timeline.extend(_changed(change) for change in changes)
    ident = transition.alert_id
    if transition.to in ("firing", "unknown"):
        incident.quiet_since = None
        if ident not in incident.alerts:
            incident.alerts.append(ident)
        if transition.rule not in incident.rules:
            incident.rules.append(transition.rule)
    if transition.from_ == "firing" and transition.to == "firing":
        _append(incident, at, f"{transition.rule} is {transition.severity} now: {transition.summary}")
    elif transition.to == "firing":
        _append(incident, at, f"{transition.rule} fires: {transition.summary}")
    elif transition.to == "unknown":
        _append(incident, at, f"{transition.rule} is unknown: no data about {transition.subject.id}")
    elif transition.to == "resolved":
        _append(incident, at, f"{transition.rule} resolved: {transition.subject.id}")
    else:
        return False
    return True


def changed(memory: Memory, change: Change, at: float) -> bool:
    """Fold a configuration change into the incident, if one is open."""
    incident = memory.incident
    if incident is None:
        return False
    incident.changes = [*incident.changes, change][-_MAX_CHANGES:]
    entry = _changed(change)
    _append(incident, at, entry.what)
    return True


def diagnosed(memory: Memory, diagnosis: Diagnosis, at: float) -> bool:
    """Replace the causes; True when their codes, subjects or order changed, or the first one has better evidence."""
    incident = memory.incident
    if incident is None:
        return False
    before = [(c.code, c.subject.id) for c in incident.causes]
    after = [(c.code, c.subject.id) for c in diagnosis.causes]
    incident.causes = diagnosis.causes
    incident.titles.update(diagnosis.titles)
    for cause in diagnosis.causes:
        incident.named_at.setdefault(name_of(cause), at)
    if after:
        incident.title = incident.titles.get(name_of(diagnosis.causes[0]), incident.title)
    if not after:
        return False
    if before == after:
        reported = incident.reported
        due = reported is not None and at - incident.reported_at >= late_evidence.EVERY_S
        return due and reported is not None and late_evidence.is_better(reported, diagnosis.causes[0])
    if not before or before[0] != after[0]:
        first = diagnosis.causes[0]
        incident.cause_at = incident.named_at[name_of(first)]
        _append(incident, at, f"cause: {first.code}: {first.summary}")
    return True


def record(memory: Memory, now: float, *, resolved: bool = False) -> Incident:
    """The incident as it is now, with the next ``seq``."""
    incident = memory.incident
    assert incident is not None
    incident.seq += 1
    incident.reported, incident.reported_at = next(iter(incident.causes), None), now
    severities = [a.severity for a in memory.alerts.values() if a.state in ("firing", "unknown")]
    if severities:
        incident.severity = "critical" if "critical" in severities else "warning"
    nodes = [node.node for node in memory.nodes.values()]
    labels: dict[str, str] = {}
    for node in nodes:
        labels.update(node.labels)
    if resolved:
        _append(incident, now, "resolved")
    return Incident(
        incident_id=incident.id,
        seq=incident.seq,
        cluster=ClusterName(memory.cluster),
        datacenters=sorted({node.datacenter for node in nodes if node.datacenter}),
        state="resolved" if resolved else "open",
        severity=incident.severity,
        title=f"{memory.cluster}: {incident.title or 'replication is not healthy'}",
        opened_at=moment(incident.opened_at),
        detected_at=moment(incident.detected_at),
        cause_at=moment(incident.cause_at) if incident.cause_at is not None else None,
        resolved_at=moment(now) if resolved else None,
        causes=incident.causes or [_unknown(memory)],
        alerts=list(incident.alerts),
        rules=list(incident.rules),
        changes=list(incident.changes),
        timeline=list(incident.timeline),
        labels=labels,
    )


def _unknown(memory: Memory) -> Cause:
    alerts = sorted(memory.alerts.values(), key=lambda a: (a.severity != "critical", a.since, a.id))
    about = alerts[0].subject if alerts else None
    return Cause(
        code="unknown",
        confidence=0.0,
        subject=about or of_cluster(ClusterName(memory.cluster)),
        summary="no known signature fits the samples",
        fix=fix_of(_LOOK),
        steps=_LOOK,
        evidence_for=[],
        evidence_against=[],
    )


def _changed(change: Change) -> TimelineEntry:
    before = change.from_ if change.from_ is not None else "(unset)"
    return TimelineEntry(at=change.at, what=f"{change.setting} on {change.node} changed from {before} to {change.to}")


def _append(incident: IncidentState, at: float, what: str) -> None:
    if len(incident.timeline) >= _MAX_TIMELINE:
        # The beginning and the end say more than the middle.
        del incident.timeline[_MAX_TIMELINE // 2]
    incident.timeline.append(TimelineEntry(at=moment(at), what=what))
