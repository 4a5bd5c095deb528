"""The parts of an explanation put together. Pure; the judgement and its memory are only read."""

from collections.abc import Sequence

from leadline.clock import moment
from leadline.model.alert import Verdict
from leadline_streams.explain import held_back, rule_states
from leadline_streams.explain.answer import answer, outcome_of
from leadline_streams.explain.explanation import Explanation, IncidentExplained, Look, RuleExplained, VerdictChange
from leadline_streams.explain.held_back import Notified
from leadline_streams.explain.rule_states import SubjectContext
from leadline_streams.explain.subjects import Chosen
from leadline_streams.explain.trace import Looks, Trace
from leadline_streams.explain.verdict_reason import reason
from leadline_streams.judge.alerting import Alerting
from leadline_streams.judge.judgement import Judgement
from leadline_streams.judge.link_state import LinkState
from leadline_streams.judge.problem_state import IncidentState
from leadline_streams.judge.state import Memory
from leadline_streams.judge.status import health_of

RECENT_S = 60.0
"""A node that was looked at within this time before is seen."""
MOST_TIMELINE = 8
SAMPLES_ONLY = "silences, acknowledgements and deliveries: a recording has samples only; -c FILE reads them from Kafka"


def explanation(
    chosen: Chosen, memory: Memory, judgement: Judgement, trace: Trace, notified: Notified | None = None
) -> Explanation:
    """Explain a subject at the time up to which ``memory`` is judged.

    ``trace`` observed the fold that made it. ``notified``: records of the sinks; None where they were not read.
    """
    now, alerting = memory.arrivals.horizon, Alerting(memory, judgement)
    asked = _asked(chosen, memory, alerting, now)
    rules = rule_states.explained(asked, memory, judgement, alerting, trace)
    rules += _of_ends(chosen, memory, judgement, alerting, trace, now)
    rules.sort(key=rule_states.order)
    incidents = _incidents(chosen, memory, rules)
    looks = [_look(name, memory, trace, now) for name in chosen.nodes if name in memory.nodes]
    subjects = frozenset({chosen.ident, *(each.context.subject.id for each in asked)})
    held = [
        *held_back.of_rules(rules, memory),
        *held_back.of_incidents(incidents, subjects),
        *(held_back.of_sinks(notified, moment(now)) if notified is not None else ()),
    ]
    shown = [_incident(each) for each in incidents]
    seen = any(look.age_s is not None and look.age_s <= RECENT_S for look in looks)
    sent = held_back.sent(notified) if notified is not None else None
    outcome = outcome_of(rules, seen)
    link = memory.links.get(chosen.links[0]) if chosen.kind == "link" else None
    return Explanation(
        subject=chosen.ident,
        cluster=memory.cluster,
        at=moment(now),
        read_from=moment(trace.first_at if trace.first_at is not None else now),
        outcome=outcome,
        answer=answer(chosen.name, outcome, rules, shown, held, sent),
        verdict=link.verdict if link is not None else None,
        verdict_since=moment(link.verdict_since) if link is not None else None,
        verdict_why=_verdict_why(link, memory, judgement, now) if link is not None else "",
        verdicts=_verdicts(chosen, trace),
        looks=looks,
        rules=rules,
        incidents=shown,
        held_back=held,
        sent=sent,
        not_seen=[*_not_seen(memory, looks), *([SAMPLES_ONLY] if notified is None else [])],
    )


def _asked(chosen: Chosen, memory: Memory, alerting: Alerting, now: float) -> list[SubjectContext]:
    asked: list[SubjectContext] = []
    for link in chosen.links:
        asked += rule_states.of_link(memory, alerting, link, now)
    if chosen.kind != "link":
        for name in chosen.nodes:
            asked += rule_states.of_node(memory, name, now)
    if chosen.kind == "incident":
        asked += rule_states.of_cluster(memory, now)
    found: dict[str, SubjectContext] = {}
    for each in asked:
        found.setdefault(each.context.subject.id, each)
    return list(found.values())


def _of_ends(
    chosen: Chosen, memory: Memory, judgement: Judgement, alerting: Alerting, trace: Trace, now: float
) -> list[RuleExplained]:
    """Rules about the ends of a link, as far as they have an alert."""
    if chosen.kind != "link":
        return []
    ends = [each for name in chosen.nodes if name in memory.nodes for each in rule_states.of_node(memory, name, now)]
    nodes = [each for each in ends if each.context.kind == "node"]
    return [
        rule for rule in rule_states.explained(nodes, memory, judgement, alerting, trace) if rule.severity is not None
    ]


def _incidents(chosen: Chosen, memory: Memory, rules: Sequence[RuleExplained]) -> list[IncidentState]:
    names = {rule.incident for rule in rules if rule.incident is not None} | {chosen.ident}
    about = {rule.subject for rule in rules}
    found = [each for each in memory.incidents if each.id in names]
    ended = [each for each in memory.ended if each.id in names or about & {subject.id for subject in each.subjects}]
    return [*found, *reversed(ended)]


def _incident(state: IncidentState) -> IncidentExplained:
    first = state.causes[0] if state.causes else None
    lines = [f"{entry.at:%H:%M:%S}  {entry.what}" for entry in state.timeline[-MOST_TIMELINE:]]
    return IncidentExplained(
        incident_id=state.id,
        state="resolved" if state.ended_at else "open",
        severity=state.severity,
        title=state.title,
        opened_at=moment(state.opened_at),
        cause=f"{first.code} at {first.subject.id}" if first is not None else "",
        confidence=first.confidence if first is not None else 0.0,
        timeline=lines,
    )


def _verdicts(chosen: Chosen, trace: Trace) -> list[VerdictChange]:
    kept = trace.verdicts.get(chosen.links[0], ()) if chosen.kind == "link" else ()
    return [VerdictChange(at=moment(each.at), verdict=each.verdict, why=each.why) for each in kept]


def _verdict_why(link: LinkState, memory: Memory, judgement: Judgement, now: float) -> str:
    up, down = memory.nodes.get(link.upstream), memory.nodes.get(link.downstream)
    owner = down or up
    if owner is None:
        return "no agent reads either end"
    reading = judgement.engine_of(owner).read_link(link, up, down, now)
    verdict: Verdict = link.verdict
    return reason(verdict, link, reading, now)


def _look(name: str, memory: Memory, trace: Trace, now: float) -> Look:
    node, seen = memory.nodes[name], trace.looks.get((memory.cluster, name), Looks())
    silent = "its agent does not report" if node.stale else ""
    return Look(
        node=name,
        role=node.node.role,
        health=health_of(node),
        last_at=moment(node.seen),
        age_s=round(max(0.0, now - node.seen), 3),
        looks=seen.count,
        longest_gap_s=round(seen.longest_gap_s, 3),
        note=silent or node.error or node.blind or "",
    )


def _not_seen(memory: Memory, looks: Sequence[Look]) -> list[str]:
    missing = []
    for look in looks:
        sample = memory.nodes[look.node].sample
        if sample is not None and sample.not_permitted:
            missing.append(f"{look.node} does not permit reading {', '.join(sample.not_permitted)}")
        if sample is not None and sample.not_read:
            missing.append(f"{look.node}: {', '.join(sample.not_read)} could not be read in time")
    return missing
