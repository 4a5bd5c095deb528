"""The fold over one cluster's observations: what is true now, and what changed because of this one.

``observe`` and ``tick`` are pure: the same observations and ticks give the same outputs, byte for byte. Cost is in the
links of the node observed, not in the cluster and not in the windows.
"""

from collections.abc import Iterable
from datetime import datetime
from math import isnan

from leadline.clock import moment
from leadline.errors import BadRecord
from leadline.model.alert import Subject, Transition
from leadline.model.ids import AlertId, ClusterName, NodeName, alert_id
from leadline.model.incident import Change, Incident
from leadline.model.lag import LagRollup
from leadline.model.lsn import parse_lsn
from leadline.model.observation import NodeSettings, Sample
from leadline.wire import INVALID
from leadline_streams.causes import CAUSES
from leadline_streams.judge import incident as incidents
from leadline_streams.judge import lifecycle, progress, rollup, subject, topology, verdict
from leadline_streams.judge.cause import Case, LinkCase, diagnose
from leadline_streams.judge.lifecycle import Step
from leadline_streams.judge.lsn_clock import LsnClock
from leadline_streams.judge.memory import AlertState, LinkState, Memory, NodeState, load
from leadline_streams.judge.order import Arrival
from leadline_streams.judge.policy import Limits, Policy, Scope
from leadline_streams.judge.rule import Look, Rule
from leadline_streams.judge.window import Window
from leadline_streams.rules import RULES

Output = Transition | Incident | LagRollup
Plan = list[tuple[Rule, Limits, AlertId]]

CHANGES_KEPT_S = 2 * 3600.0
CHANGES_KEPT = 100
DIAGNOSE_EVERY_S = 1.0
"""While an incident is open its causes are looked for this often, and at every transition."""
CONFLICT_WINDOW_S = 300.0
"""Conflicts and errors are counted over this span."""


class ClusterState:
    """One cluster: its memory, and the policy by which it is judged."""

    def __init__(self, name: str, policy: Policy, memory: Memory | None = None) -> None:
        self.name = ClusterName(name)
        self.policy = policy
        self.memory = memory if memory is not None else Memory(name)
        self.counts = dict.fromkeys(Arrival, 0)
        """Observations by what became of them since this object was made."""
        self._plans: dict[str, Plan] = {}
        self._feeds: dict[str, list[LinkState]] = {}
        """Links by downstream."""
        self._serves: dict[str, list[LinkState]] = {}
        """Links by upstream."""
        self._index()

    def dump(self) -> bytes:
        """The memory as bytes, for ``load``."""
        return self.memory.dump()

    @classmethod
    def load(cls, data: bytes, policy: Policy) -> "ClusterState":
        """The state whose ``dump`` gave these bytes, judged by ``policy`` from here on."""
        memory = load(data)
        return cls(memory.cluster, policy, memory)

    # -- The fold ---------------------------------------------------------------------------------------------------

    def observe(self, seen: Sample | NodeSettings, spooled: bool = False) -> list[Output]:
        """Take one observation. Raises BadRecord, and remembers nothing of it, when it cannot be used."""
        _check(seen)
        arrivals = self.memory.arrivals
        arrival = arrivals.offer(seen, seen.sent_at.timestamp(), spooled, self.policy)
        self.counts[arrival] += 1
        return self._advance() if arrival is Arrival.ACCEPTED else []

    def tick(self, now: datetime) -> list[Output]:
        """Let time pass: silence is judged, what is due happens, stragglers are no longer waited for."""
        self.memory.arrivals.tick(now.timestamp(), self.policy)
        return self._advance()

    def _advance(self) -> list[Output]:
        out: list[Output] = []
        arrivals = self.memory.arrivals
        upto = arrivals.ready(self.policy)
        for time, seen in arrivals.release(upto):
            self._pass_time(time, out)
            arrivals.horizon = time
            if isinstance(seen, Sample):
                self._sample(seen, time, out)
            else:
                self._settings(seen, time, out)
            self._diagnose(time, out)
        if upto > arrivals.horizon:
            self._pass_time(upto, out)
            arrivals.horizon = upto
        return out

    # -- Observations -------------------------------------------------------------------------------------------------

    def _sample(self, sample: Sample, now: float, out: list[Output]) -> None:
        memory = self.memory
        name = sample.node.name
        node = memory.nodes.get(name)
        if node is None:
            node = memory.nodes[name] = NodeState(name, sample.node, now)
            memory.next_due = 0.0
        before = node.sample
        node.seen = now
        node.stale = False
        node.up = sample.up
        if sample.up:
            if node.node != sample.node:
                self._node_changed(node, sample, now)
            node.sample = sample
            node.error = node.down_since = None
            progress.feed_clock(node, sample, now, node.upstream in memory.nodes)
            if sample.conflicts or sample.subscriptions or sample.archiver is not None or node.windows:
                _count_events(node, before, sample, now)
            if before is None or _wires(before) != _wires(sample):
                self._rewire(node, now, out)
        else:
            node.error = sample.error
            if node.down_since is None:
                node.down_since = now
        self._judge_node(node, now, out)
        for link in self._feeds.get(name, ()):
            self._judge_link(link, now, out)
        for link in self._serves.get(name, ()):
            follower = memory.nodes.get(link.downstream)
            if link.agentless or follower is None or not follower.answers or not node.up:
                self._judge_link(link, now, out)

    def _node_changed(self, node: NodeState, sample: Sample, now: float) -> None:
        """Take over the node's description; a changed role, label or address changes what is judged."""
        node.node = sample.node
        self._plans.clear()
        if sample.node.role != "primary":
            node.writable_since = None

    def _rewire(self, node: NodeState, now: float, out: list[Output]) -> None:
        """Look for links anew: this node's description of its neighbours changed."""
        memory = self.memory
        if node.node.role == "primary":
            node.upstream = None
            if node.writable_since is None:
                node.writable_since = now
            for link in self._feeds.get(node.name, []):
                if link.kind == "physical":
                    memory.links.pop(link.id, None)
        topology.discover(memory, node, now)
        for other in memory.nodes.values():
            if other.name != node.name and other.sample is not None:
                topology.discover(memory, other, now)
        self._index()
        self._drop_orphans(now, out)

    def _settings(self, seen: NodeSettings, now: float, out: list[Output]) -> None:
        memory = self.memory
        node = memory.nodes.get(seen.node.name)
        if node is None:
            node = memory.nodes[seen.node.name] = NodeState(seen.node.name, seen.node, now)
            memory.next_due = 0.0
        told = False
        if node.settings:
            for name in sorted(node.settings.keys() | seen.settings.keys()):
                old, new = node.settings.get(name), seen.settings.get(name)
                if (old.value if old is not None else None) != (new.value if new is not None else None):
                    change = Change(
                        node=node.name,
                        setting=name,
                        from_=old.value if old is not None else None,
                        to=new.value if new is not None else None,
                        at=moment(now),
                    )
                    memory.changes.append(change)
                    told = incidents.changed(memory, change, now) or told
        memory.changes = [c for c in memory.changes if c.at.timestamp() > now - CHANGES_KEPT_S][-CHANGES_KEPT:]
        node.settings = dict(seen.settings)
        if told:
            out.append(incidents.record(memory, now))
        self._judge_node(node, now, out)
        for link in (*self._feeds.get(node.name, ()), *self._serves.get(node.name, ())):
            self._judge_link(link, now, out)

    # -- Judgement ----------------------------------------------------------------------------------------------------

    def _judge_node(self, node: NodeState, now: float, out: list[Output]) -> None:
        look = Look(self, now)
        look.node = node
        about = subject.of_node
        self._run(self._plan(node, node.name, about(self.name, node.name)), look, node, None, node.answers, now, out)
        sample = node.sample
        if sample is None:
            return
        answers = node.answers
        for slot in sample.slots:
            look.slot = slot
            plan = self._plan(node, f"slot\0{node.name}\0{slot.name}", subject.of_slot(self.name, node.name, slot.name))
            self._run(plan, look, node, None, answers, now, out)
        look.slot = None
        for subscription in sample.subscriptions:
            look.subscription = subscription
            plan = self._plan(
                node,
                f"subscription\0{node.name}\0{subscription.name}",
                subject.of_subscription(self.name, node.name, subscription.name),
            )
            self._run(plan, look, node, None, answers, now, out)
        look.subscription = None
        if self.memory.alerts and answers:
            self._clear_vanished(node, sample, now, out)
        if node.node.role == "primary":
            complete = not any(other.stale for other in self.memory.nodes.values())
            self._run(self._plan(node, "", subject.of_cluster(self.name)), look, node, None, complete, now, out)

    def _judge_link(self, link: LinkState, now: float, out: list[Output]) -> None:
        memory = self.memory
        up, down = memory.nodes.get(link.upstream), memory.nodes.get(link.downstream)
        clock = self.clock_of(link)
        row = topology.row_of(link, up, down) if up is not None and up.answers else None
        progress.update(link, now, up, down, row, clock)
        judged = verdict.judge(link, now, up, down, row, clock)
        if judged != link.verdict:
            link.verdict, link.verdict_since = judged, now
        link.observers = verdict.observers(up, down)
        owner = down or up
        if owner is None:
            return
        out.extend(rollup.fold(link, now, self.name, owner.node.datacenter))
        look = Look(self, now)
        look.link, look.up = link, up
        look.node = down if down is not None and down.answers else None
        complete = (link.agentless or look.node is not None) and (up is None or up.answers)
        self._run(self._plan(owner, link.id, subject.of_link(link)), look, owner, link, complete, now, out)

    def clock_of(self, link: LinkState) -> LsnClock:
        """The log clock of the primary at the root of a link; the downstream's own where no agent looks upstream."""
        root = topology.root_of(self.memory, link.upstream)
        if root is None or not root.clock.times:
            down = self.memory.nodes.get(link.downstream)
            return down.clock if down is not None else LsnClock()
        return root.clock

    def _run(
        self,
        plan: tuple[Subject, Plan],
        look: Look,
        owner: NodeState,
        link: LinkState | None,
        complete: bool,
        now: float,
        out: list[Output],
    ) -> None:
        """Measure a subject by its rules. ``complete``: all who could testify do, so finding nothing means all is well."""
        about, rules = plan
        alerts = self.memory.alerts
        for rule, limits, ident in rules:
            alert = alerts.get(ident)
            value = rule.measure(look) if complete or rule.outlives_data or link is not None else None
            if alert is None:
                if value is None or isnan(value) or limits.severity(value) is None:
                    continue
                alert = AlertState(ident, rule.name, about, owner.name, "ok", "warning", now, None)
                alert.seq = self.memory.seqs.pop(ident, 0)
                severity = limits.severity(value)
                alert.severity, alert.threshold = severity, limits.level(severity)  # type: ignore[assignment,arg-type]
                alert.value = value
                alerts[ident] = alert
                steps = lifecycle.open_pending(alert, limits, now)
            elif (value is None and not complete and not rule.outlives_data) or (value is not None and isnan(value)):
                steps = lifecycle.lost(alert, now)
            else:
                steps = lifecycle.measured(alert, limits, value, now)
            for step in steps:
                self._emit(alert, rule, step, look, owner, link, out)
            self._schedule(alert, limits)

    def _clear_vanished(self, node: NodeState, sample: Sample, now: float, out: list[Output]) -> None:
        """Alerts about slots and subscriptions that are gone have nothing left to warn of."""
        slots = {slot.name for slot in sample.slots}
        subscriptions = {subscription.name for subscription in sample.subscriptions}
        for alert in list(self.memory.alerts.values()):
            about = alert.subject
            if about.node == node.name and (
                (about.kind == "slot" and about.name not in slots)
                or (about.kind == "subscription" and about.name not in subscriptions)
            ):
                self._supersede(alert, now, out)

    # -- Time ---------------------------------------------------------------------------------------------------------

    def _pass_time(self, upto: float, out: list[Output]) -> None:
        """Everything that becomes due by itself up to a time, each at its own time and in order."""
        memory = self.memory
        while memory.next_due <= upto:
            when, kind, ident = min(self._due(), default=(float("inf"), "", ""))
            memory.next_due = when
            if when > upto:
                return
            memory.arrivals.horizon = max(memory.arrivals.horizon, when)
            if kind == "node":
                self._gone_silent(memory.nodes[ident], when, out)
            elif kind == "alert":
                self._come_due(memory.alerts[ident], out)
            else:
                out.append(incidents.record(memory, when, resolved=True))
                memory.incident = None
            self._diagnose(when, out)

    def _due(self) -> Iterable[tuple[float, str, str]]:
        memory, policy = self.memory, self.policy
        for node in memory.nodes.values():
            source = memory.arrivals.sources.get(node.name)
            if not node.stale and source is not None:
                yield node.seen + source.stale_after_s, "node", node.name
        for alert in memory.alerts.values():
            when = lifecycle.next_due(alert, self._limits(alert), policy.pending_grace_s)
            if when is not None:
                yield when, "alert", alert.id
        incident = memory.incident
        if incident is not None and incident.quiet_since is not None:
            yield incident.quiet_since + policy.quiet_s, "incident", incident.id

    def _gone_silent(self, node: NodeState, when: float, out: list[Output]) -> None:
        node.stale = True
        self._judge_node(node, when, out)
        for link in (*self._feeds.get(node.name, ()), *self._serves.get(node.name, ())):
            self._judge_link(link, when, out)

    def _come_due(self, alert: AlertState, out: list[Output]) -> None:
        memory = self.memory
        limits = self._limits(alert)
        step = lifecycle.due(alert, limits, self.policy.pending_grace_s)
        if step is not None:
            owner = memory.nodes[alert.owner]
            link = memory.links.get(alert.subject.id)
            self._emit(alert, RULES[alert.rule], step, self._look_again(alert, owner, link, step.at), owner, link, out)

    def _look_again(self, alert: AlertState, owner: NodeState, link: LinkState | None, now: float) -> Look:
        """What a rule sees when its alert comes due between samples."""
        look = Look(self, now)
        look.node, look.link = owner, link
        about, sample = alert.subject, owner.sample
        if link is not None:
            look.up, down = self.memory.nodes.get(link.upstream), self.memory.nodes.get(link.downstream)
            look.node = down if down is not None and down.answers else None
        elif sample is not None and about.kind == "slot":
            look.slot = next((slot for slot in sample.slots if slot.name == about.name), None)
        elif sample is not None and about.kind == "subscription":
            look.subscription = next((s for s in sample.subscriptions if s.name == about.name), None)
        return look

    def _schedule(self, alert: AlertState, limits: Limits) -> None:
        when = lifecycle.next_due(alert, limits, self.policy.pending_grace_s)
        if when is not None and when < self.memory.next_due:
            self.memory.next_due = when

    # -- Words --------------------------------------------------------------------------------------------------------

    def _emit(
        self,
        alert: AlertState,
        rule: Rule,
        step: Step,
        look: Look,
        owner: NodeState,
        link: LinkState | None,
        out: list[Output],
    ) -> None:
        memory = self.memory
        alert.seq += 1
        summary, evidence = "", []
        if step.to in ("pending", "firing") and step.reason in ("breach", "escalate", "deescalate"):
            words = rule.describe(look, alert.value if alert.value is not None else 0.0)
            summary, evidence = words.summary, words.evidence
        elif step.to == "unknown":
            summary = f"{rule.name}: no data about {alert.subject.id}"
        else:
            summary = f"{rule.name} {step.reason.replace('_', ' ')}: {alert.subject.id}"
        transition = Transition(
            alert_id=alert.id,
            seq=alert.seq,
            cluster=self.name,
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
            observers=list(link.observers) if link is not None else [owner.name],
            runbook=rule.runbook,
            labels=dict(owner.node.labels),
        )
        out.append(transition)
        if alert.state in ("ok", "resolved"):
            del memory.alerts[alert.id]
            memory.seqs[alert.id] = alert.seq
        if incidents.note(memory, transition, step.at):
            self._diagnose(step.at, out, force=True)

    def _supersede(self, alert: AlertState, now: float, out: list[Output]) -> None:
        step = lifecycle.superseded(alert, now)
        if step is not None:
            owner = self.memory.nodes[alert.owner]
            look = self._look_again(alert, owner, None, now)
            self._emit(alert, RULES[alert.rule], step, look, owner, None, out)

    def _diagnose(self, now: float, out: list[Output], force: bool = False) -> None:
        """Look for causes while an incident is open; write it down when it changed; see whether it is over."""
        memory = self.memory
        incident = memory.incident
        if incident is None or (not force and now - incident.diagnosed_at < DIAGNOSE_EVERY_S):
            return
        incident.diagnosed_at = now
        told = False
        if incidents.is_over(memory):
            if incident.quiet_since is None:
                incident.quiet_since = now
                memory.next_due = min(memory.next_due, now + self.policy.quiet_s)
        else:
            incident.quiet_since = None
            told = incidents.diagnosed(memory, diagnose(self.case(now), CAUSES, incident.causes), now)
        if told or force:
            out.append(incidents.record(memory, now))

    def case(self, now: float) -> Case:
        """The cluster as the causes see it."""
        memory = self.memory
        alerts = list(memory.alerts.values())
        links = []
        for link in memory.links.values():
            about = {link.id, link.upstream, link.downstream}
            rules = frozenset(
                a.rule
                for a in alerts
                if a.subject.id == link.id or a.subject.node in about or a.subject.kind == "cluster"
            )
            if not rules and link.verdict in ("idle", "healthy"):
                continue
            up, down = memory.nodes.get(link.upstream), memory.nodes.get(link.downstream)
            links.append(
                LinkCase(
                    link=link,
                    up=up,
                    down=down,
                    row=topology.row_of(link, up, down) if up is not None and up.answers else None,
                    slot=verdict.slot_of(link, up),
                    subscription=verdict.subscription_of(link, down),
                    clock=self.clock_of(link),
                    rules=rules,
                )
            )
        opened_at = memory.incident.opened_at if memory.incident is not None else now
        return Case(self, now, opened_at, alerts, links, frozenset(a.rule for a in alerts), memory.changes)

    # -- Plans --------------------------------------------------------------------------------------------------------

    def _plan(self, owner: NodeState, key: str, about: Subject) -> tuple[Subject, Plan]:
        """The rules for a subject with their limits; made once and kept until the policy's inputs change."""
        plan = self._plans.get(key)
        if plan is None:
            plan = self._plans[key] = [
                (rule, limits, alert_id(rule.name, self.name, about.id))
                for rule in RULES.values()
                if rule.on == about.kind and (limits := self._limits_for(rule, owner, about)).enabled
            ]
        return about, plan

    def _limits(self, alert: AlertState) -> Limits:
        return self._limits_for(RULES[alert.rule], self.memory.nodes[alert.owner], alert.subject)

    def _limits_for(self, rule: Rule, owner: NodeState, about: Subject) -> Limits:
        ends = tuple(NodeName(end) for end in (about.upstream, about.downstream, about.node) if end is not None)
        scope = Scope(
            cluster=self.name,
            datacenter=owner.node.datacenter,
            nodes=ends or (owner.name,),
            link=about.id if about.kind == "link" else "",
            labels=owner.node.labels,
        )
        return self.policy.limits(rule.name, rule.limits, scope)

    def _index(self) -> None:
        self._feeds, self._serves = {}, {}
        for link in self.memory.links.values():
            self._feeds.setdefault(link.downstream, []).append(link)
            self._serves.setdefault(link.upstream, []).append(link)

    def _drop_orphans(self, now: float, out: list[Output]) -> None:
        """Alerts about links that another link replaced end with them."""
        for alert in list(self.memory.alerts.values()):
            if alert.subject.kind == "link" and alert.subject.id not in self.memory.links:
                self._supersede(alert, now, out)


def _wires(sample: Sample) -> object:
    """What a sample says about its neighbours; when it changes, links are looked for anew."""
    up = sample.upstream
    return (
        sample.node.role,
        (up.host, up.port, up.slot, up.application_name) if up is not None else None,
        [(row.name, row.slot, row.address) for row in sample.downstreams],
        [slot.name for slot in sample.slots],
        [(s.name, s.slot) for s in sample.subscriptions],
    )


def _count_events(node: NodeState, before: Sample | None, sample: Sample, now: float) -> None:
    """Feed the counters that only rise when something goes wrong into their windows."""
    counters: dict[str, int] = {}
    for kinds in sample.conflicts.values():
        for kind, count in kinds.items():
            key = f"recovery_conflict:{kind}"
            counters[key] = counters.get(key, 0) + count
    for subscription in sample.subscriptions:
        counters[f"apply_error:{subscription.name}"] = subscription.apply_errors or 0
        counters[f"sync_error:{subscription.name}"] = subscription.sync_errors or 0
        for kind, count in subscription.conflicts.items():
            counters[f"apply_conflict:{subscription.name}:{kind}"] = count
    if sample.archiver is not None:
        counters["archive_failure"] = sample.archiver.failed
    for key, counter in counters.items():
        window = node.windows.get(key)
        if window is not None:
            window.feed(now, counter)
        elif counter:
            # The first sample of a node only sets the mark: what was counted before it is not news.
            window = node.windows[key] = Window(CONFLICT_WINDOW_S, counter if before is None else 0)
            window.feed(now, counter)


def _check(seen: Sample | NodeSettings) -> None:
    """Refuse log positions that are none, before anything is remembered."""
    if not isinstance(seen, Sample):
        return
    path = "positions"
    try:
        if seen.positions is not None:
            for text in (seen.positions.current_lsn, seen.positions.received_lsn, seen.positions.replayed_lsn):
                if text is not None:
                    parse_lsn(text)
        if seen.upstream is not None and seen.upstream.latest_end_lsn is not None:
            path = "upstream"
            parse_lsn(seen.upstream.latest_end_lsn)
        path = "downstreams"
        for row in seen.downstreams:
            for text in (row.write_lsn, row.flush_lsn, row.replay_lsn):
                if text is not None:
                    parse_lsn(text)
        path = "slots"
        for slot in seen.slots:
            if slot.confirmed_lsn is not None:
                parse_lsn(slot.confirmed_lsn)
        path = "subscriptions"
        for subscription in seen.subscriptions:
            for text in (subscription.received_lsn, subscription.latest_end_lsn):
                if text is not None:
                    parse_lsn(text)
    except ValueError as error:
        raise BadRecord(INVALID, f"{error} - at `$.{path}`") from None
