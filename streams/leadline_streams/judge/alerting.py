"""Measurements to alerts, alerts to transitions, transitions to the incident: the cluster's bookkeeping of trouble."""

from math import inf
from typing import TYPE_CHECKING

from leadline.clock import moment
from leadline.model.alert import Evidence, Severity, Subject, Transition
from leadline.model.ids import NodeName, alert_id
from leadline.model.incident import Incident
from leadline.model.lag import LagRollup
from leadline_streams.causes import CAUSES
from leadline_streams.judge import incident as incidents
from leadline_streams.judge import lifecycle, subject
from leadline_streams.judge.diagnosis.context import open_case
from leadline_streams.judge.diagnosis.ranking import diagnose
from leadline_streams.judge.lifecycle import Step
from leadline_streams.judge.policy import Limits
from leadline_streams.judge.rule import Look, Rule
from leadline_streams.judge.state import AlertState, NodeState
from leadline_streams.rules import RULES

if TYPE_CHECKING:
    from leadline_streams.judge.cluster import ClusterState

Output = Transition | Incident | LagRollup

DIAGNOSE_EVERY_S = 1.0
"""While an incident is open its causes are looked for this often, and at every transition."""


def run(state: "ClusterState", look: Look, owner: NodeState, complete: bool, out: list[Output]) -> None:
    """Ask the rules about a subject. ``complete``: all who could testify do, so finding nothing means all is well."""
    alerts = state.memory.alerts
    about = subject.of_look(look) if alerts else None
    for measure, rule, limits in state.plans.of(look, owner):
        value = measure(look) if complete or rule.outlives_data or look.link is not None else None
        alert = alerts.get(key(rule.name, about.id)) if about is not None else None
        if alert is None:
            severity = limits.severity(value) if value is not None and value == value else None
            if severity is None or value is None:
                continue
            about = about or subject.of_look(look)
            alert = _open(state, rule, about, owner, severity, look.now)
            alert.value, alert.threshold = value, limits.level(severity)
            steps = lifecycle.open_pending(alert, limits, look.now)
        elif (value is None and not complete and not rule.outlives_data) or (value is not None and value != value):
            steps = lifecycle.lost(alert, look.now)
        else:
            steps = lifecycle.measured(alert, limits, value, look.now)
        for step in steps:
            _emit(state, alert, rule, step, look, owner, out)
        _schedule(state, alert, limits)


def key(rule: str, about: str) -> str:
    """Where the memory keeps the alert of a rule about a subject."""
    return f"{rule} {about}"


def _open(
    state: "ClusterState", rule: Rule, about: Subject, owner: NodeState, severity: Severity, now: float
) -> AlertState:
    ident = alert_id(rule.name, state.name, about.id)
    alert = AlertState(ident, rule.name, about, owner.name, "ok", severity, now, None)
    place = key(rule.name, about.id)
    alert.seq = state.memory.seqs.pop(place, 0)
    state.memory.alerts[place] = alert
    return alert


def due(state: "ClusterState", alert: AlertState, out: list[Output]) -> None:
    """What becomes of an alert whose time has come."""
    memory = state.memory
    owner = memory.nodes[alert.owner]
    rule = RULES[alert.rule]
    step = lifecycle.due(alert, limits_of(state, alert), state.policy.pending_grace_s)
    if step is not None:
        _emit(state, alert, rule, step, _look_again(state, alert, step.at), owner, out)


def supersede(state: "ClusterState", alert: AlertState, now: float, out: list[Output]) -> None:
    """End an alert whose subject is gone."""
    step = lifecycle.superseded(alert, now)
    _emit(state, alert, RULES[alert.rule], step, Look(state, now), state.memory.nodes[alert.owner], out)


def limits_of(state: "ClusterState", alert: AlertState) -> Limits:
    """The limits an alert is judged by."""
    return state.plans.limits(RULES[alert.rule], state.memory.nodes[alert.owner], alert.subject)


def follow_up(state: "ClusterState", now: float, out: list[Output], *, news: bool = False) -> None:
    """Look for causes while an incident is open; write it down when it changed; see whether it is over."""
    memory = state.memory
    incident = memory.incident
    if incident is None or (not news and now - incident.diagnosed_at < DIAGNOSE_EVERY_S):
        return
    incident.diagnosed_at = now
    if not memory.alerts:
        if incident.quiet_since is None:
            incident.quiet_since = now
            memory.next_due = min(memory.next_due, now + state.policy.quiet_s)
    else:
        incident.quiet_since = None
        diagnosis = diagnose(open_case(state, now), CAUSES, incident.causes)
        news = incidents.diagnosed(memory, diagnosis, now) or news
    if news:
        out.append(incidents.record(memory, now))


def _emit(
    state: "ClusterState", alert: AlertState, rule: Rule, step: Step, look: Look, owner: NodeState, out: list[Output]
) -> None:
    memory = state.memory
    alert.seq += 1
    summary, evidence = _words(alert, rule, step, look)
    link = look.link
    transition = Transition(
        alert_id=alert.id,
        seq=alert.seq,
        cluster=state.name,
        datacenter=owner.node.datacenter,
        rule=rule.name,
        subject=alert.subject,
        from_=step.from_,
        to=step.to,
        reason=step.reason,
        severity=alert.severity,
        event_time=moment(step.at),
        started_at=moment(alert.since),
        value=alert.value,
        threshold=alert.threshold,
        unit=rule.unit,
        window_s=rule.window_s,
        verdict=link.verdict if link is not None else None,
        summary=summary,
        evidence=evidence,
        observers=_observers(state, alert),
        runbook=rule.runbook,
        labels=dict(owner.node.labels),
    )
    out.append(transition)
    if step.to in ("ok", "resolved"):
        place = key(alert.rule, alert.subject.id)
        del memory.alerts[place]
        memory.seqs[place] = alert.seq
    if incidents.note(memory, transition, step.at):
        follow_up(state, step.at, out, news=True)


def _observers(state: "ClusterState", alert: AlertState) -> list[NodeName]:
    """The nodes whose agents testify: both ends of a link, else the node whose samples decide the alert."""
    nodes, about = state.memory.nodes, alert.subject
    names = (about.upstream, about.downstream) if about.kind == "link" else (alert.owner,)
    return [name for name in names if name is not None and name in nodes and not nodes[name].stale]


def _words(alert: AlertState, rule: Rule, step: Step, look: Look) -> tuple[str, list[Evidence]]:
    about = _name(alert.subject)
    if step.to == "unknown":
        return f"{rule.name} on {about} cannot be judged: no data", []
    if step.to in ("ok", "resolved"):
        return f"{rule.name} on {about} is over", []
    if step.reason == "data_back":
        return f"{rule.name} on {about}: data is back", []
    words = rule.describe(look, alert.value if alert.value is not None else 0.0)
    return words.summary, words.evidence


def _name(about: Subject) -> str:
    if about.kind == "link":
        return f"{about.upstream} -> {about.downstream}"
    if about.kind == "cluster":
        return about.id
    return f"{about.name} on {about.node}" if about.name is not None else str(about.node)


def _look_again(state: "ClusterState", alert: AlertState, now: float) -> Look:
    """What a rule sees when its alert comes due between samples."""
    nodes, about = state.memory.nodes, alert.subject
    link = state.memory.links.get(about.id)
    if link is not None:
        return state.look_at(link, now)
    look = Look(state, now)
    look.node = nodes[alert.owner]
    sample = look.node.sample
    if sample is not None and about.kind == "slot":
        look.slot = next((slot for slot in sample.slots if slot.name == about.name), None)
    elif sample is not None and about.kind == "subscription":
        look.subscription = next((s for s in sample.subscriptions if s.name == about.name), None)
    return look


def _schedule(state: "ClusterState", alert: AlertState, limits: Limits) -> None:
    when = lifecycle.next_due(alert, limits, state.policy.pending_grace_s) or inf
    state.memory.next_due = min(state.memory.next_due, when)
