"""The fold over one cluster's observations: what is true now, and what changed because of this one.

``observe`` and ``tick`` are pure: the same observations and ticks give the same outputs, byte for byte, however many
are heard before they are settled. Cost is in the links of the node observed, not in the windows.
"""

from datetime import datetime
from heapq import heappop
from math import inf

from leadline.model.ids import ClusterName, NodeName
from leadline.model.observation import NodeSettings, Sample
from leadline_streams.engines.postgresql import calm, counters, fast_path, topology
from leadline_streams.engines.postgresql.retention import follow
from leadline_streams.engines.postgresql.validation import check_positions
from leadline_streams.judge import alerting, link_progress, rollup, setting_changes, verdict
from leadline_streams.judge import incident as incidents
from leadline_streams.judge.alerting import Output
from leadline_streams.judge.effective_rules import Plans
from leadline_streams.judge.lsn_clock import LsnClock
from leadline_streams.judge.policy import Policy
from leadline_streams.judge.rule import Look
from leadline_streams.judge.state import LinkState, Memory, NodeState, load
from leadline_streams.judge.timers import upcoming
from leadline_streams.judge.watermark import DUPLICATE, LATE

TABLES_KEPT_S = 120.0
"""They are large, and told again while they are needed."""


class ClusterState:
    """One cluster: its memory, and the policy by which it is judged."""

    __slots__ = ("_feeds", "_rivals", "_said", "_serves", "duplicates", "late", "memory", "name", "plans", "policy")

    def __init__(self, name: str, policy: Policy, memory: Memory | None = None) -> None:
        self.name = ClusterName(name)
        self.policy = policy
        self.memory = memory if memory is not None else Memory(name)
        self.plans = Plans(self.name, policy)
        self.late = 0
        """Observations too late to be judged, since this object was made."""
        self.duplicates = 0
        self._feeds: dict[NodeName, list[LinkState]] = {}
        """Links by downstream."""
        self._serves: dict[NodeName, list[LinkState]] = {}
        """Links by upstream."""
        self._said: list[Output] = []
        """What came of observations and is still to be returned."""
        self._rivals = False
        """Whether several nodes of one system were last seen to take writes: then the cluster is never calm."""
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
        """Take one observation, and judge what can be judged by now. Raises BadRecord like ``hear``."""
        self.hear(seen, spooled)
        return self.settle()

    def tick(self, now: datetime) -> list[Output]:
        """Let time pass: silence is judged, what is due happens, stragglers are no longer waited for."""
        self._advance()
        self.memory.arrivals.tick(now.timestamp(), self.policy)
        return self.settle()

    def hear(self, seen: Sample | NodeSettings, spooled: bool = False) -> None:
        """Take one observation; judging it may wait until ``settle``, for others that are heard at once.

        Raises BadRecord, and remembers nothing of it, when it cannot be used.
        """
        if isinstance(seen, Sample):
            check_positions(seen)
        arrivals = self.memory.arrivals
        if arrivals.follow(seen, self.policy):
            return
        self._advance()
        arrival = arrivals.offer(seen, spooled, self.policy)
        if arrival is LATE:
            self.late += 1
        elif arrival is DUPLICATE:
            self.duplicates += 1

    def settle(self) -> list[Output]:
        """Judge what can be judged by now; returns all that came of what was heard."""
        self._advance()
        said, self._said = self._said, []
        return said

    def _advance(self) -> None:
        out, memory, arrivals = self._said, self.memory, self.memory.arrivals
        upto, waiting = arrivals.ready(), arrivals.waiting
        while waiting and waiting[0][0] <= upto:
            time, _, _, _, seen = heappop(waiting)
            if memory.next_due <= time:
                self._pass_time(time, out)
            if isinstance(seen, Sample):
                self._sample(seen, time, out)
            else:
                self._settings(seen, time, out)
            if memory.incident is not None:
                alerting.follow_up(self, time, out)
        if memory.next_due <= upto:
            self._pass_time(upto, out)
        arrivals.horizon = upto

    # -- Observations -------------------------------------------------------------------------------------------------

    def _sample(self, sample: Sample, now: float, out: list[Output]) -> None:
        memory, nodes, name = self.memory, self.memory.nodes, sample.node.name
        node = nodes.get(name) or self._new_node(sample, now)
        thorough = self._rivals or bool(memory.alerts)
        glanced = not thorough and node.well and fast_path.at_node(node, sample, now, node.upstream in nodes)
        if not glanced:
            thorough = self._take(node, sample, now, out) or thorough
            self._judge_node(node, now, out, thorough)
            for link in self._serves.get(name, ()):
                link.streams = False
        for link in self._feeds.get(name, ()):
            if now >= link.brief.until:
                rollup.turn(link, now, self.name, node.node.datacenter, out)
            if not glanced or not link.streams or not fast_path.at_link(link, now, nodes.get(link.upstream), sample):
                self._judge_link(link, now, out, thorough)
        for link in self._serves.get(name, ()):
            # A downstream that is looked at is judged at its own samples, once; a link just found at once.
            down = nodes.get(link.downstream)
            found = not link.brief.until
            if found or link.agentless or not node.up or down is None or not (down.well or down.answers):
                self._judge_link(link, now, out, thorough)

    def _take(self, node: NodeState, sample: Sample, now: float, out: list[Output]) -> bool:
        """Remember what an agent said; True when so much changed that every rule is to be asked."""
        node.seen = now
        node.stale = False
        node.up = sample.up
        if sample.disk is not None:
            node.disk = sample.disk
        if sample.tables is not None:
            node.tables, node.tables_at = sample.tables, now
        elif node.tables is not None and self.memory.incident is None and now - node.tables_at > TABLES_KEPT_S:
            node.tables = None
        if not sample.up:
            node.error = sample.error
            if node.down_since is None:
                node.down_since = now
            return True
        before = node.sample
        node.sample = sample
        node.error = node.down_since = None
        thorough = before is None
        was, node.node = node.node, sample.node
        if was.role != node.node.role or was.labels != node.node.labels or was.datacenter != node.node.datacenter:
            self.plans.clear()
            thorough = True
        link_progress.feed_clock(node, sample, now, node.upstream in self.memory.nodes)
        if before is None or counters.rose(before, sample):
            counters.count(node, before, sample, now)
        if sample.archiver is not None and sample.archiver.ready is not None:
            node.unarchived = sample.archiver.ready
        if node.held or not all(map(calm.slot_is_calm, sample.slots)):
            slots = before.slots if before is not None else sample.slots
            node.held = follow(node.held, slots, sample.slots, sample.activity, now)
        if before is None or was.role != node.node.role or not topology.same_neighbours(before, sample):
            self._rewire(node, now, out)
            thorough = True
        return thorough

    def _settings(self, seen: NodeSettings, now: float, out: list[Output]) -> None:
        memory = self.memory
        node = memory.nodes.get(seen.node.name) or self._new_node(seen, now)
        node.without_identity = seen.without_identity
        told = [incidents.changed(memory, it, now) for it in setting_changes.take(memory, node, seen.settings, now)]
        if any(told):
            out.append(incidents.record(memory, now))
        self._judge_around(node, now, out)

    def _new_node(self, seen: Sample | NodeSettings, now: float) -> NodeState:
        node = self.memory.nodes[seen.node.name] = NodeState(seen.node.name, seen.node, now)
        self.memory.next_due = 0.0
        return node

    def _rewire(self, node: NodeState, now: float, out: list[Output]) -> None:
        """Look for links anew: this node's description of its neighbours changed."""
        memory = self.memory
        if node.node.role == "primary":
            node.upstream = None
            if node.writable_since is None:
                node.writable_since = now
            for link in self._feeds.get(node.name, ()):
                if link.kind == "physical":
                    memory.links.pop(link.id, None)
        else:
            node.writable_since = None
        for other in memory.nodes.values():
            topology.discover(memory, other, now)
        self._links_changed(now, out)

    def _links_changed(self, now: float, out: list[Output]) -> None:
        """Links came or went: alerts about those that went end with them."""
        self._index()
        for alert in list(self.memory.alerts.values()):
            if alert.subject.kind == "link" and alert.subject.id not in self.memory.links:
                alerting.supersede(self, alert, now, out)

    # -- Judgement ----------------------------------------------------------------------------------------------------

    def _judge_node(self, node: NodeState, now: float, out: list[Output], thorough: bool) -> None:
        """Ask the rules about a node and what lives on it; only about what is not calm, unless ``thorough``."""
        sample = node.sample
        look = Look(self, now)
        look.node = node
        answers = node.answers
        if thorough or not calm.node_is_calm(node):
            alerting.run(self, look, node, answers, out)
        if sample is None:
            return
        for slot in sample.slots:
            if thorough or not calm.slot_is_calm(slot):
                look.slot = slot
                alerting.run(self, look, node, answers, out)
        look.slot = None
        for subscription in sample.subscriptions:
            look.subscription = subscription
            alerting.run(self, look, node, answers, out)
        look.subscription = None
        if thorough and node.node.role == "primary":
            complete = answers and not any(other.stale for other in self.memory.nodes.values())
            alerting.run(self, Look(self, now), node, complete, out)
        if self.memory.alerts and answers:
            self._clear_vanished(node, sample, now, out)
        node.well = fast_path.is_well(node)

    def _judge_link(self, link: LinkState, now: float, out: list[Output], thorough: bool) -> None:
        up, down = self.memory.nodes.get(link.upstream), self.memory.nodes.get(link.downstream)
        owner = down or up
        if owner is None:
            return
        if now >= link.brief.until:
            rollup.turn(link, now, self.name, owner.node.datacenter, out)
        clock = self.clock_of(link)
        up_answers = up is not None and up.answers
        row = topology.row_of(link, up, down) if up_answers else None
        link_progress.update(link, now, up, down, row, clock)
        judged = verdict.judge(link, now, up, down, row, clock)
        if judged != link.verdict:
            link.verdict, link.verdict_since = judged, now
        link.streams = fast_path.streams(link)
        rollup.count(link)
        if (thorough or self.memory.alerts or not calm.link_is_calm(link, down)) and link.is_settled(now):
            look = self.look_at(link, now)
            complete = (link.agentless or look.node is not None) and (up is None or up_answers)
            alerting.run(self, look, owner, complete, out)
        if link.agentless and link.cut_since is not None and now - link.cut_since > self.policy.forget_s:
            del self.memory.links[link.id]
            self._links_changed(now, out)

    def look_at(self, link: LinkState, now: float) -> Look:
        """What a rule sees of a link."""
        look = Look(self, now)
        look.link = link
        look.up = self.memory.nodes.get(link.upstream)
        down = self.memory.nodes.get(link.downstream)
        look.node = down if down is not None and down.answers else None
        return look

    def clock_of(self, link: LinkState) -> LsnClock:
        """The log clock of the primary at the root of a link; the downstream's own where no agent looks upstream."""
        root = topology.root_of(self.memory, link.upstream)
        if root is None or not root.clock.times:
            down = self.memory.nodes.get(link.downstream)
            return down.clock if down is not None else LsnClock()
        return root.clock

    def _judge_around(self, node: NodeState, now: float, out: list[Output]) -> None:
        """Judge a node and every link that ends at it."""
        self._judge_node(node, now, out, thorough=True)
        for link in (*self._feeds.get(node.name, ()), *self._serves.get(node.name, ())):
            self._judge_link(link, now, out, thorough=True)

    def _clear_vanished(self, node: NodeState, sample: Sample, now: float, out: list[Output]) -> None:
        """Alerts about slots and subscriptions that are gone have nothing left to warn of."""
        for alert in list(self.memory.alerts.values()):
            about = alert.subject
            if about.node != node.name or about.kind not in ("slot", "subscription"):
                continue
            present = sample.slots if about.kind == "slot" else sample.subscriptions
            if all(thing.name != about.name for thing in present):
                alerting.supersede(self, alert, now, out)

    # -- Time ---------------------------------------------------------------------------------------------------------

    def _pass_time(self, upto: float, out: list[Output]) -> None:
        """Everything that becomes due by itself up to a time, each at its own time and in order."""
        memory = self.memory
        while memory.next_due <= upto:
            when, kind, ident = min(upcoming(self), default=(inf, "", ""))
            memory.next_due = when
            if when > upto:
                return
            memory.arrivals.horizon = max(memory.arrivals.horizon, when)
            if kind == "node":
                node = memory.nodes[ident]
                node.stale = True
                self._judge_around(node, when, out)
            elif kind == "alert":
                alerting.due(self, memory.alerts[ident], out)
            else:
                out.append(incidents.record(memory, when, resolved=True))
                memory.incident = None
            alerting.follow_up(self, when, out)

    def _index(self) -> None:
        self._feeds, self._serves = {}, {}
        for link in self.memory.links.values():
            self._feeds.setdefault(link.downstream, []).append(link)
            self._serves.setdefault(link.upstream, []).append(link)
        systems = [node.node.system_id for node in self.memory.nodes.values() if node.node.role == "primary"]
        self._rivals = len(systems) > len(set(systems))
