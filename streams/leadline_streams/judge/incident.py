"""One incident: its timeline, its causes, its severity, and its record.

A record is written when alerts, the severity, the causes or their order, the settings or the state change, when the
first cause becomes surer or gets a better fix, and when the largest lag has doubled; not when another number changes.
"""

from bisect import insort
from collections.abc import Collection, Iterable, Mapping, Sequence

from leadline.clock import moment
from leadline.model.alert import Severity, severity_rank
from leadline.model.ids import ClusterName, IncidentId, NodeName, incident_id
from leadline.model.incident import Affected, Cause, Change, Incident, Step, TimelineEntry
from leadline.model.node import Node
from leadline.setting_words import in_words
from leadline.steps import fix_of
from leadline_streams.judge import reported_causes
from leadline_streams.judge.diagnosis import late_evidence
from leadline_streams.judge.diagnosis.ranking import CERTAIN, CauseKey, key_of, name_of
from leadline_streams.judge.problem_state import AlertState, IncidentState
from leadline_streams.judge.state import Memory
from leadline_streams.judge.subject import of_cluster
from leadline_streams.judge.topology import Topology

CHANGES_BEFORE_S = 3600.0
"""Configuration changes this long before an incident are shown with it."""
_LOOK = [
    Step(risk="look", text="Read the evidence of the alerts, and the server logs around the time of the first breach.")
]
SMALL_LAG_S = 10.0
"""No record is due for a lag below this alone."""
CROWD = 40
"""An incident with so many alerts takes what else fires of its rules."""
MOST_ALERTS = 500
"""So many alerts are shown with an incident."""
_MAX_TIMELINE = 100
_MAX_CHANGES = 100
_MAX_CAUSES = 20


def begin(cluster: ClusterName, alert: AlertState, at: float) -> IncidentState:
    """A new incident of one alert, which fires since ``at``."""
    ident = incident_id(cluster, moment(alert.since), alert.id)
    incident = IncidentState(ident, alert.since, at, began_at=at)
    join(incident, alert)
    return incident


def fires(alerts: Sequence[AlertState]) -> str:
    """The begin of alerts that are alike, in words."""
    first = alerts[0]
    if len(alerts) == 1:
        return f"{first.rule} fires: {first.summary}"
    shown = f"; {MOST_ALERTS} of them are shown here" if len(alerts) > MOST_ALERTS else ""
    return f"{first.rule} fires {len(alerts)} times at once, first: {first.summary}{shown}"


def apart(cluster: ClusterName, alert: AlertState, at: float, before: IncidentId) -> IncidentState:
    """A new incident of an alert that was a part of another one, ``before``, until ``at``."""
    ident = incident_id(cluster, moment(at), alert.id)
    return IncidentState(ident, alert.since, at, began_at=at, parted_from=before)


def join(incident: IncidentState, alert: AlertState) -> None:
    """Make an alert a part of an incident, which it keeps open."""
    alert.incident = incident.id
    incident.quiet_since = None
    add(incident, alert)


def is_crowd(incident: IncidentState, rule: str) -> bool:
    """Whether an incident has so many alerts that one more of its rules is nothing new."""
    return len(incident.alerts) >= CROWD and rule in incident.rules


def add(incident: IncidentState, alert: AlertState) -> None:
    """Show an alert with an incident; of very many, the first ones."""
    incident.changed = True
    if len(incident.alerts) >= MOST_ALERTS:
        return
    if alert.id not in incident.alerts:
        incident.alerts.append(alert.id)
    if alert.rule not in incident.rules:
        incident.rules.append(alert.rule)
    if alert.subject not in incident.subjects:
        incident.subjects.append(alert.subject)


def absorb(older: IncidentState, younger: IncidentState, alerts: Iterable[AlertState]) -> None:
    """Make everything of the younger incident a part of the older one. ``alerts``: those that are open."""
    for alert in alerts:
        if alert.incident == younger.id:
            join(older, alert)
    older.changed = True
    older.alerts += [each for each in younger.alerts if each not in older.alerts]
    older.rules += [each for each in younger.rules if each not in older.rules]
    older.subjects += [each for each in younger.subjects if each not in older.subjects]
    older.titles = {**younger.titles, **older.titles}
    older.best = {**younger.best, **older.best}
    older.gone_at = {**younger.gone_at, **older.gone_at}
    for link, lag_s in younger.lags_s.items():
        older.lags_s[link] = max(lag_s, older.lags_s.get(link, 0.0))
    older.named_at = {**younger.named_at, **older.named_at}
    for entry in younger.timeline:
        if entry not in older.timeline:
            _insert(older, entry)
    older.opened_at = min(older.opened_at, younger.opened_at)
    older.worst_lag_s = max((lag for lag in (older.worst_lag_s, younger.worst_lag_s) if lag is not None), default=None)


def fit_changes(incident: IncidentState, changes: Iterable[Change], nodes: Collection[str]) -> None:
    """Show the configuration changes of the nodes that an incident is about."""
    since = incident.opened_at - CHANGES_BEFORE_S
    for change in changes:
        if change.node in nodes and change.at.timestamp() >= since and change not in incident.changes:
            insort(incident.changes, change, key=lambda each: each.at)
            del incident.changes[:-_MAX_CHANGES]
            _insert(incident, TimelineEntry(at=change.at, what=in_words(change)))
            incident.changed = True


def diagnosed(
    incident: IncidentState, causes: Sequence[Cause], titles: Mapping[str, str], at: float, together_s: float
) -> None:
    """Replace the causes, and note when others are ranked first, or the order has changed, or a step that would discard
    something is not proposed any more."""
    if not causes:
        return
    before, after = [key_of(cause) for cause in incident.causes], [key_of(cause) for cause in causes]
    withdrawn = _discards(incident.causes) - _discards(causes[:_MAX_CAUSES])
    incident.causes = list(causes[:_MAX_CAUSES])
    reported_causes.note_signs(incident, at)
    for cause in incident.causes:
        name = name_of(cause)
        incident.named_at.setdefault(name, at)
        if name in titles:
            incident.titles[name] = titles[name]
    first = causes[0]
    incident.title = incident.titles.get(name_of(first), incident.title)
    late = incident.reported is not None and at - incident.reported_at >= late_evidence.EVERY_S
    better = late and incident.reported is not None and late_evidence.is_better(incident.reported, first)
    if before != after[:_MAX_CAUSES] or better or withdrawn:
        incident.changed = True
    if before[:1] != after[:1]:
        incident.cause_at = incident.named_at[name_of(first)]
        say(incident, at, f"cause: {first.code}: {first.summary}")
    if first.confidence >= CERTAIN and key_of(first) != incident.root:
        # While the alerts of one problem still arrive, a better explanation is not another problem.
        if incident.root is not None and at - incident.began_at > together_s:
            incident.generation += 1
        incident.root = key_of(first)


def _discards(causes: Iterable[Cause]) -> set[tuple[CauseKey, str]]:
    """The steps that discard something."""
    return {
        (key_of(cause), step.sql or step.text or "")
        for cause in causes
        for step in cause.steps
        if step.risk == "destructive"
    }


def weigh(incident: IncidentState, alerts: Iterable[AlertState]) -> None:
    """Take the severity of the alerts that keep an incident open."""
    severities = [alert.severity for alert in alerts]
    if not severities:
        return
    severity: Severity = max(severities, key=severity_rank)
    # An alert of the lowest severity opens no incident of that severity.
    incident.severity = "critical" if severity == "critical" else "warning"
    if severity_rank(incident.severity) > severity_rank(incident.peak):
        if incident.seq and incident.peak != "info":
            incident.generation += 1
        incident.peak = incident.severity


def reopen(incident: IncidentState, at: float) -> None:
    """Open an incident again whose problem returned."""
    incident.reopened.append(at)
    incident.generation += 1
    incident.began_at, incident.ended_at, incident.quiet_since = at, 0.0, None
    incident.peak = "info"
    incident.causes, incident.best, incident.gone_at = [], {}, {}
    incident.changed = True
    say(incident, at, "reopened: the problem returned")


def record(
    memory: Memory, incident: IncidentState, topology: Topology, now: float, into: IncidentId | None = None
) -> Incident:
    """The incident as it is now, with the next ``seq``. ``into``: the older incident that it is merged into."""
    incident.seq += 1
    incident.changed = False
    incident.reported, incident.reported_at = next(iter(incident.causes), None), now
    incident.reported_lag_s = incident.worst_lag_s or 0.0
    resolved = bool(incident.ended_at)
    scope = nodes_of(memory, incident, topology)
    nodes = [node.node for node in memory.nodes.values() if node.name in scope]
    labels: dict[str, str] = {}
    for node in nodes:
        labels.update(node.labels)
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
        resolved_at=moment(incident.ended_at) if resolved else None,
        causes=reported_causes.reported(incident) or [_unknown(memory, incident)],
        alerts=list(incident.alerts),
        rules=list(incident.rules),
        changes=list(incident.changes),
        timeline=list(incident.timeline),
        labels=labels,
        merged_into=into,
        parted_from=incident.parted_from,
        reopened=[moment(at) for at in incident.reopened],
        generation=incident.generation,
        worst_lag_s=incident.worst_lag_s,
        affected=_affected(incident, topology),
        silent_datacenters=[] if resolved else _silent(memory, nodes),
    )


def nodes_of(memory: Memory, incident: IncidentState, topology: Topology) -> set[str]:
    """The nodes that an incident is about: of its alerts and of its first cause, and all where they name none."""
    subjects = [*incident.subjects, *(cause.subject for cause in incident.causes[:1])]
    if any(about.kind == "cluster" for about in subjects):
        return set(memory.nodes)
    return {node for about in subjects for node in topology.nodes_of(about)} or set(memory.nodes)


def links_of(incident: IncidentState, topology: Topology) -> list[str]:
    """The links that an incident's alerts are about, by identity; those that are gone too."""
    links: dict[str, None] = {}
    for about in incident.subjects:
        link = topology.link_of(about)
        if link is not None:
            links[link.id] = None
        elif about.kind == "link":
            links[about.id] = None
    return list(links)


def lagged(incident: IncidentState, link: str, lag_s: float) -> None:
    """Take the lag of one of its links. A record is due when the largest has doubled since the last one."""
    incident.lags_s[link] = max(lag_s, incident.lags_s.get(link, 0.0))
    incident.worst_lag_s = max(lag_s, incident.worst_lag_s or 0.0)
    if incident.worst_lag_s >= max(SMALL_LAG_S, 2 * incident.reported_lag_s):
        incident.changed = True


def say(incident: IncidentState, at: float, what: str) -> None:
    """Add a line to the timeline."""
    _insert(incident, TimelineEntry(at=moment(at), what=what))


def _affected(incident: IncidentState, topology: Topology) -> Affected:
    nodes: dict[NodeName, None] = {about.node: None for about in incident.subjects if about.node is not None}
    links = links_of(incident, topology)
    lags_s = {link: round(incident.lags_s[link], 3) for link in links if incident.lags_s.get(link)}
    return Affected(links=links, nodes=list(nodes), lags_s=lags_s)


def _silent(memory: Memory, nodes: Iterable[Node]) -> list[str]:
    """The datacenters of some nodes of which no node of the cluster answers."""
    answering = {node.node.datacenter for node in memory.nodes.values() if node.answers}
    return sorted({node.datacenter for node in nodes if node.datacenter} - answering)


def _unknown(memory: Memory, incident: IncidentState) -> Cause:
    alerts = [alert for alert in memory.alerts.values() if alert.incident == incident.id]
    worst = min(alerts, key=lambda alert: (alert.severity != "critical", alert.since, alert.id), default=None)
    about = worst.subject if worst is not None else next(iter(incident.subjects), None)
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


def _insert(incident: IncidentState, entry: TimelineEntry) -> None:
    if len(incident.timeline) >= _MAX_TIMELINE:
        # The beginning and the end say more than the middle.
        del incident.timeline[_MAX_TIMELINE // 2]
    insort(incident.timeline, entry, key=lambda each: each.at)
