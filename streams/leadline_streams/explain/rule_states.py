"""Each rule about a subject at one time: its value, the limits in force, and when its alert takes its next step."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from leadline.clock import moment
from leadline.model.alert import Subject, severity_rank
from leadline.words import amount, duration
from leadline_streams.explain.explanation import LimitOrigin, RuleExplained
from leadline_streams.explain.trace import Measured, Trace
from leadline_streams.judge import lifecycle
from leadline_streams.judge.alerting import Alerting, key, name_of
from leadline_streams.judge.judgement import Judgement
from leadline_streams.judge.lookup import first
from leadline_streams.judge.node_state import NodeState
from leadline_streams.judge.policy import Limits
from leadline_streams.judge.problem_state import AlertState
from leadline_streams.judge.rule import AnyRule, ClusterContext, NodeContext, SlotContext, SubscriptionContext
from leadline_streams.judge.state import Memory
from leadline_streams.judge.view import View

LIMITS = ("warning", "critical", "for_s", "keep_s")


@dataclass(frozen=True, slots=True)
class SubjectContext:
    """A subject whose rules are explained. ``complete``: every witness answers, so that nothing found is all well."""

    context: ClusterContext
    owner: NodeState
    complete: bool


def of_link(memory: Memory, alerting: Alerting, ident: str, now: float) -> Iterator[SubjectContext]:
    """A link, with its slot and its subscription where its ends show them."""
    link, nodes = memory.links[ident], memory.nodes
    up, down = nodes.get(link.upstream), nodes.get(link.downstream)
    owner, context, view = down or up, alerting.link_context(link, now), View(memory)
    if owner is not None:
        complete = (link.agentless or context.down is not None) and (up is None or up.answers)
        yield SubjectContext(context, owner, complete)
    slot = first(up.sample.slots, "name", link.slot) if up is not None and up.sample is not None and link.slot else None
    if up is not None and slot is not None:
        yield SubjectContext(SlotContext(view, now, up, slot), up, up.answers)
    if down is not None and down.sample is not None and link.name:
        subscription = first(down.sample.subscriptions, "name", link.name)
        if subscription is not None:
            yield SubjectContext(SubscriptionContext(view, now, down, subscription), down, down.answers)


def of_node(memory: Memory, name: str, now: float) -> Iterator[SubjectContext]:
    """A node, with its slots and subscriptions."""
    node, view = memory.nodes[name], View(memory)
    yield SubjectContext(NodeContext(view, now, node), node, node.answers)
    if node.sample is not None:
        for slot in node.sample.slots:
            yield SubjectContext(SlotContext(view, now, node, slot), node, node.answers)
        for subscription in node.sample.subscriptions:
            yield SubjectContext(SubscriptionContext(view, now, node, subscription), node, node.answers)


def of_cluster(memory: Memory, now: float) -> Iterator[SubjectContext]:
    """The cluster as a whole, by its primary."""
    for node in memory.nodes.values():
        if node.node.role == "primary":
            complete = node.answers and not any(other.stale for other in memory.nodes.values())
            yield SubjectContext(ClusterContext(View(memory), now), node, complete)
            return


def explained(
    asked: Sequence[SubjectContext], memory: Memory, judgement: Judgement, alerting: Alerting, trace: Trace
) -> list[RuleExplained]:
    """Every rule about these subjects: those that fire first, then those that are near it."""
    found = [
        _explained(rule, each, memory, judgement, alerting, trace)
        for each in asked
        for rule in judgement.rules.values()
        if rule.on.kind == each.context.kind
    ]
    return sorted(found, key=order)


def shown(value: float | None, unit: str) -> str:
    """A value in its unit as people write it."""
    return duration(value) if unit == "s" else amount(value, unit)


def _explained(
    rule: AnyRule, asked: SubjectContext, memory: Memory, judgement: Judgement, alerting: Alerting, trace: Trace
) -> RuleExplained:
    about, now = asked.context.subject, asked.context.now
    limits = alerting.effective.limits(rule, asked.owner, about)
    alert = memory.alerts.get(key(rule.name, about.id))
    asks = limits.enabled and (asked.complete or rule.outlives_data or about.kind == "link")
    value = rule.measure(asked.context) if asks else None
    known = asks and (
        (value is None and (asked.complete or rule.outlives_data)) or (value is not None and value == value)
    )
    value = value if known else None
    seen = trace.rules.get((rule.name, about.id), Measured())
    due = lifecycle.next_due(alert, limits, judgement.policy.pending_grace_s) if alert is not None else None
    rest_s = max(0.0, due - now) if due is not None else None
    state = "off" if not limits.enabled else alert.state if alert is not None else "ok" if known else "not_measured"
    fires = alert is not None and alert.state == "pending" and alert.clear_since is None
    return RuleExplained(
        rule=rule.name,
        subject=about.id,
        about=name_of(about),
        unit=rule.entry.unit,
        state=state,
        severity=alert.severity if alert is not None else None,
        value=value,
        known=known,
        limits=_origins(
            rule, limits, judgement.policy.origins(rule.name, alerting.effective.scope(asked.owner, about))
        ),
        breaching_since=moment(alert.since) if alert is not None else None,
        fires_in_s=rest_s if fires else None,
        resolves_in_s=rest_s if alert is not None and alert.state == "firing" else None,
        peak=seen.peak,
        peak_at=moment(seen.peak_at) if seen.peak is not None else None,
        longest_breach_s=round(seen.longest_s, 3),
        why=_why(rule, limits, alert, value, known, seen, rest_s, asked.owner, about),
        incident=alert.incident if alert is not None else None,
    )


def _origins(rule: AnyRule, limits: Limits, given: dict[str, str]) -> list[LimitOrigin]:
    names = [name for name in LIMITS if getattr(limits, name) is not None]
    names += [name for name in ("clear_ratio", "enabled") if name in given]
    return [LimitOrigin(name=name, value=getattr(limits, name), origin=given.get(name, "default")) for name in names]


def _why(
    rule: AnyRule,
    limits: Limits,
    alert: AlertState | None,
    value: float | None,
    known: bool,
    seen: Measured,
    rest_s: float | None,
    owner: NodeState,
    about: Subject,
) -> str:
    unit = rule.entry.unit
    if not limits.enabled:
        return "the settings switch it off"
    if alert is not None and alert.state == "unknown":
        return "it fired, and cannot be measured now: missing data never clears an alert"
    if alert is not None and alert.state == "firing":
        if rest_s is not None:
            return f"it is clear, and resolves in {duration(rest_s)} if it stays so"
        return f"{shown(value, unit)} {_beyond(limits, alert.threshold, unit)}" if value is not None else "it breaches"
    if alert is not None and alert.clear_since is not None:
        return "the breach is over before it had lasted long enough to fire"
    if alert is not None:
        return f"it fires in {duration(rest_s)} if the breach lasts" if rest_s is not None else "it waits for data"
    if not known:
        return _unmeasured(owner)
    if value is None and seen.longest_s <= 0.0:
        return "nothing is wrong, or it does not apply here"
    within = f"{shown(value, unit)} is within its limits" if value is not None else "nothing is wrong now"
    if seen.longest_s > 0.0:
        within += f"; a breach lasted {duration(seen.longest_s)}, and {duration(limits.for_s)} make an alert"
    return within


def _beyond(limits: Limits, threshold: float, unit: str) -> str:
    return f"is {'at or below' if limits.low_is_bad else 'at or above'} the limit of {shown(threshold, unit)}"


def _unmeasured(owner: NodeState) -> str:
    if owner.stale:
        return f"the agent of {owner.name} does not report"
    if not owner.answers:
        return f"{owner.name} does not answer: {owner.error or 'no reason given'}"
    return f"{owner.name} does not show what it needs" + (f": {owner.blind}" if owner.blind else "")


_ORDER = {"firing": 0, "unknown": 1, "pending": 2}


def order(rule: RuleExplained) -> tuple[float | str, ...]:
    """Those that fire first, the most severe and oldest before the others; then those that are near it."""
    nearness = 3 if rule.longest_breach_s > 0.0 else 4 if rule.value is not None else 5 if rule.known else 6
    severity = -severity_rank(rule.severity) if rule.severity is not None else 0
    when = rule.breaching_since.timestamp() if rule.breaching_since is not None else 0.0
    soon = rule.fires_in_s if rule.fires_in_s is not None else when
    return _ORDER.get(rule.state, nearness), severity, soon, rule.rule, rule.subject
