"""Measurements and reported findings to alerts, alerts to transitions, transitions to incidents."""

from collections.abc import Callable, Sequence
from math import inf

from leadline.clock import moment
from leadline.model.alert import Cause, Evidence, Severity, Subject, Transition
from leadline.model.audit_result import AuditResult
from leadline.model.change_record import ChangeRecord
from leadline.model.finding import Finding
from leadline.model.ids import NodeName, alert_id
from leadline.model.incident import Incident
from leadline.model.lag import LagRollup
from leadline.model.status import LinkStatus, NodeStatus
from leadline_streams.judge import lifecycle
from leadline_streams.judge import limits as limit
from leadline_streams.judge.effective_rules import EffectiveRules
from leadline_streams.judge.judgement import Judgement
from leadline_streams.judge.lifecycle import LifecycleStep
from leadline_streams.judge.link_state import LinkState
from leadline_streams.judge.lookup import first
from leadline_streams.judge.node_state import NodeState
from leadline_streams.judge.policy import Limits
from leadline_streams.judge.problem_state import AlertState
from leadline_streams.judge.problems import Problems
from leadline_streams.judge.rule import (
    ClusterContext,
    LinkContext,
    NodeContext,
    RuleBase,
    SlotContext,
    SubscriptionContext,
    UnknownRule,
    Words,
)
from leadline_streams.judge.state import Memory
from leadline_streams.judge.status import Forgotten
from leadline_streams.judge.subject import of_link
from leadline_streams.judge.view import View

Output = Transition | Incident | LinkStatus | NodeStatus | Forgotten | LagRollup | AuditResult | ChangeRecord

MOST_CAUSES = 3
"""So many causes are reported with a notice."""


class Alerting:
    """The alerts and the incidents of one cluster."""

    __slots__ = ("_judgement", "_memory", "_on", "effective", "problems", "weighed")

    def __init__(self, memory: Memory, judgement: Judgement) -> None:
        self._memory = memory
        self._judgement = judgement
        self.effective = EffectiveRules(memory.cluster, judgement)
        self.problems = Problems(memory, judgement)
        self.weighed: list[str] = []
        """The places of alerts that were weighed; whoever looks at them empties it."""
        self._on: dict[NodeName, dict[str, AlertState]] = {}
        """Alerts about slots and subscriptions, by their node."""
        for place, alert in memory.alerts.items():
            self._on.setdefault(_home(alert.subject), {})[place] = alert

    def run(
        self, context: ClusterContext, owner: NodeState, complete: bool, out: list[Output], standing: bool = False
    ) -> None:
        """Measure the rules of a subject. ``complete``: every witness answers, so finding nothing means all is well.

        ``standing``: only those that the catalogue calls so.
        """
        alerts = self._memory.alerts
        about = context.subject if alerts else None
        always = context.kind == "link"
        plan = self.effective.standing(context, owner) if standing else self.effective.of(context, owner)
        for measure, rule, limits in plan:
            value = measure(context) if complete or rule.outlives_data or always else None
            if about is None or key(rule.name, about.id) not in alerts:
                if value is None or value != value or limits.severity(value) is None:
                    continue
                about = about or context.subject
            known = (value is None and (complete or rule.outlives_data)) or (value is not None and value == value)
            measured = value if known else None

            def describe(of: float, rule: RuleBase = rule) -> Words:
                return rule.words(context, of)

            self._weigh(rule, limits, about, owner.name, measured, known, context.now, describe, out)

    def report(self, rule: RuleBase, finding: Finding, owner: NodeName | None, now: float, out: list[Output]) -> None:
        """Take a finding that no sample measured into the same lifecycle; a value within limits clears its alert."""
        limits = self.limits(rule, finding.subject, owner)
        if limits.enabled:
            words = Words(finding.summary, finding.evidence)
            self._weigh(rule, limits, finding.subject, owner, finding.value, True, now, lambda _: words, out)

    def clear(self, alert: AlertState, known: bool, now: float, out: list[Output]) -> None:
        """A reported alert whose finding is no longer there, or whose source is silent (``known`` false)."""
        rule = self._judgement.rule(alert.rule)
        limits = self.limits_of(alert)
        self._weigh(rule, limits, alert.subject, alert.owner, None, known, now, _no_words, out)

    def due(self, alert: AlertState, view: View, out: list[Output]) -> None:
        """Take the step of an alert whose time has come, in a cluster of which nothing else has changed since ``view``
        was made."""
        step = lifecycle.due(alert, self.limits_of(alert), self._judgement.policy.pending_grace_s)
        if step is not None:
            rule, context = self._judgement.rule(alert.rule), self._context_of(alert, view, step.at)
            self._emit(alert, rule, step, self._describer(rule, alert, context), out)

    def lose(self, alert: AlertState, now: float, out: list[Output]) -> None:
        """An alert whose subject is not seen any more, and may be there."""
        for step in lifecycle.lost(alert, now):
            self._emit(alert, self._judgement.rule(alert.rule), step, _no_words, out)
        self.weighed.append(key(alert.rule, alert.subject.id))

    def supersede(self, alert: AlertState, now: float, out: list[Output]) -> None:
        """End an alert whose subject is gone."""
        step = lifecycle.ended(alert, "superseded", now)
        self._emit(alert, self._judgement.rule(alert.rule), step, _no_words, out)

    def retire(self, alert: AlertState, why: str, now: float, out: list[Output]) -> None:
        """End an alert about a node that is forgotten."""
        about = name_of(alert.subject)
        step, words = lifecycle.ended(alert, "retired", now), Words(f"{alert.rule} on {about} is over: {why}", [])
        self._emit(alert, self._judgement.rule(alert.rule), step, lambda _: words, out)

    def drop_disabled(self, now: float, out: list[Output]) -> None:
        """End the alerts whose rule the settings have switched off for their subject."""
        for alert in list(self._memory.alerts.values()):
            if self._judgement.has_rule(alert.rule) and not self.limits_of(alert).enabled:
                step = lifecycle.ended(alert, "rule_changed", now)
                self._emit(alert, self._judgement.rule(alert.rule), step, _no_words, out)

    def drop_unknown(self, now: float, out: list[Output]) -> None:
        """End the alerts of rules that do not exist: another version stored them, and nothing here measures them."""
        for alert in list(self._memory.alerts.values()):
            if not self._judgement.has_rule(alert.rule):
                rule = UnknownRule(name=alert.rule, limits=Limits())
                self._emit(alert, rule, lifecycle.ended(alert, "rule_changed", now), _no_words, out)

    def limits_of(self, alert: AlertState) -> Limits:
        """The limits an alert is judged by."""
        return self.limits(self._judgement.rule(alert.rule), alert.subject, alert.owner)

    def limits(self, rule: RuleBase, about: Subject, owner: NodeName | None) -> Limits:
        """The limits of a rule for a subject."""
        return self.effective.limits(rule, self._memory.nodes.get(owner or ""), about)

    def follow_up(self, now: float, out: list[Output]) -> None:
        """Find the causes of open alerts when that is due, and publish what changed."""
        if now < self._memory.diagnose_at:
            return
        records, notices = self.problems.follow_up(now)
        out += records
        view = View(self._memory)
        for alert, causes in notices:
            rule, context = self._judgement.rule(alert.rule), self._context_of(alert, view, now)
            step = LifecycleStep("firing", "firing", "diagnosed", now)
            self._emit(alert, rule, step, self._describer(rule, alert, context), out, causes)

    def link_context(self, link: LinkState, now: float) -> LinkContext:
        """A link as the rules see it."""
        nodes = self._memory.nodes
        up, down = nodes.get(link.upstream), nodes.get(link.downstream)
        owner = down or up
        return LinkContext(
            self._memory,
            now,
            link,
            up,
            down if down is not None and down.answers else None,
            self._judgement.engine_of(owner),
            lambda rule: self.effective.limits(rule, owner, of_link(link)),
        )

    def on_node(self, name: NodeName) -> list[AlertState]:
        """The alerts about slots and subscriptions of a node."""
        alerts = self._memory.alerts
        return [alert for place, alert in self._on.get(name, {}).items() if alerts.get(place) is alert]

    def _describer(self, rule: RuleBase, alert: AlertState, context: ClusterContext | None) -> Callable[[float], Words]:
        """The words of an alert later than its measurement: those of its finding, where it was reported."""
        if rule.name not in self._judgement.reported:
            return lambda value: rule.words(context, value)
        found = (
            finding
            for report in self._memory.reports.values()
            for finding in report.findings
            if finding.rule == rule.name and finding.subject.id == alert.subject.id
        )
        words = next((Words(each.summary, each.evidence) for each in found), Words(alert.summary, []))
        return lambda _: words

    def _weigh(
        self,
        rule: RuleBase,
        limits: Limits,
        about: Subject,
        owner: NodeName | None,
        value: float | None,
        known: bool,
        now: float,
        describe: Callable[[float], Words],
        out: list[Output],
    ) -> None:
        """Let a value act on the alert of a rule and a subject; one is opened when the value breaches."""
        alerts = self._memory.alerts
        alert = alerts.get(key(rule.name, about.id))
        if alert is None:
            severity = limits.severity(value) if value is not None else None
            if severity is None or value is None:
                return
            if len(alerts) >= limit.MOST_ALERTS:
                limit.note(self._memory, "alerts", f"{rule.name} on {name_of(about)}")
                return
            alert = self._open(rule, about, owner, severity, now)
            alert.value, alert.threshold = value, limits.level(severity)
            steps = lifecycle.open_pending(alert, limits, now)
        elif not known:
            steps = lifecycle.lost(alert, now)
        else:
            steps = lifecycle.measured(alert, limits, value, now)
        for step in steps:
            self._emit(alert, rule, step, describe, out)
        self.weighed.append(key(rule.name, about.id))
        when = lifecycle.next_due(alert, limits, self._judgement.policy.pending_grace_s) or inf
        self._memory.next_due = min(self._memory.next_due, when)

    def _open(
        self, rule: RuleBase, about: Subject, owner: NodeName | None, severity: Severity, now: float
    ) -> AlertState:
        memory = self._memory
        ident = alert_id(rule.name, memory.cluster, about.id)
        alert = AlertState(ident, rule.name, about, owner, "ok", severity, now, None)
        place = key(rule.name, about.id)
        alert.seq = memory.seqs.pop(place, memory.seq_floor)
        memory.alerts[place] = self._on.setdefault(_home(about), {})[place] = alert
        return alert

    def _emit(
        self,
        alert: AlertState,
        rule: RuleBase,
        step: LifecycleStep,
        describe: Callable[[float], Words],
        out: list[Output],
        causes: Sequence[Cause] = (),
    ) -> None:
        memory = self._memory
        alert.seq += 1
        words = _words(alert, rule, step, describe)
        if step.to == "firing":
            alert.summary = words.summary
        owner = memory.nodes.get(alert.owner or "")
        link = memory.links.get(alert.subject.id) if step.reason != "superseded" else None
        transition = Transition(
            alert_id=alert.id,
            seq=alert.seq,
            cluster=memory.cluster,
            datacenter=owner.node.datacenter if owner is not None else "",
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
            unit=rule.entry.unit,
            window_s=rule.window_s,
            verdict=link.verdict if link is not None else None,
            summary=words.summary,
            evidence=words.evidence,
            observers=self._observers(alert),
            runbook=rule.entry.runbook,
            labels=dict(owner.node.labels) if owner is not None else {},
            causes=list(causes[:MOST_CAUSES]),
        )
        out.append(transition)
        if step.to in ("ok", "resolved"):
            place = key(alert.rule, alert.subject.id)
            del memory.alerts[place]
            self._on.get(_home(alert.subject), {}).pop(place, None)
            memory.seqs[place] = alert.seq
        self.problems.note(alert, transition, step.at)

    def _observers(self, alert: AlertState) -> list[NodeName]:
        """The nodes whose agents testify: both ends of a link, else the node whose samples decide the alert."""
        nodes, about = self._memory.nodes, alert.subject
        names = (about.upstream, about.downstream) if about.kind == "link" else (alert.owner,)
        return [name for name in names if name is not None and name in nodes and not nodes[name].stale]

    def _context_of(self, alert: AlertState, view: View, now: float) -> ClusterContext | None:
        """The subject of an alert that comes due between samples; None when its node no longer shows it."""
        memory, about = self._memory, alert.subject
        if about.kind == "cluster":
            return ClusterContext(view, now)
        link = memory.links.get(about.id)
        if link is not None:
            return self.link_context(link, now)
        node = memory.nodes.get(alert.owner or "")
        if node is None or about.kind == "node":
            return NodeContext(view, now, node) if node is not None else None
        sample = node.sample
        if sample is not None and about.kind == "slot":
            slot = first(sample.slots, "name", about.name)
            return SlotContext(view, now, node, slot) if slot is not None else None
        if sample is not None and about.kind == "subscription":
            subscription = first(sample.subscriptions, "name", about.name)
            return SubscriptionContext(view, now, node, subscription) if subscription is not None else None
        return None


def key(rule: str, about: str) -> str:
    """The place in the memory of a rule's alert about a subject."""
    return f"{rule} {about}"


def _home(about: Subject) -> NodeName:
    """The node that a slot or a subscription is on; none for other subjects."""
    return NodeName(about.node or "") if about.kind in ("slot", "subscription") else NodeName("")


def name_of(about: Subject) -> str:
    """A subject as people name it: ``pg-1 -> pg-2``, ``slot s2 on pg-1``, ``pg-1``."""
    if about.kind == "link":
        return f"{about.upstream} -> {about.downstream}"
    if about.kind == "cluster":
        return about.id
    return f"{about.kind} {about.name} on {about.node}" if about.name is not None else str(about.node or about.id)


def _no_words(_: float) -> Words:
    return Words("", [])


def _words(alert: AlertState, rule: RuleBase, step: LifecycleStep, describe: Callable[[float], Words]) -> Words:
    about = name_of(alert.subject)
    if step.reason == "rule_changed":
        why = "this version has no such rule" if isinstance(rule, UnknownRule) else "the settings switch it off"
        return Words(f"{rule.name} on {about} is no longer judged: {why}", [])
    if step.to == "unknown":
        return Words(f"{rule.name} on {about} cannot be judged: no data", [])
    if step.reason == "retired":
        return describe(0.0)
    if step.reason == "superseded":
        return Words(f"{about} is no longer there", [])
    if step.to in ("ok", "resolved"):
        return Words(rule.entry.ended(alert.subject), [])
    if step.reason == "data_back":
        return Words(f"data about {about} is back", [])
    words = describe(alert.value if alert.value is not None else 0.0)
    evidence: list[Evidence] = words.evidence
    return Words(words.summary or f"{rule.name} on {about}", evidence)
