"""Judges the nodes and links of a cluster: verdicts, rules and statuses, each where something may have changed."""

from collections.abc import Iterator

from leadline.model.observation import Sample
from leadline_streams.judge import link_progress, rollup, status, verdict
from leadline_streams.judge.alerting import Alerting, Output
from leadline_streams.judge.chain import clock_of
from leadline_streams.judge.engine import Engine
from leadline_streams.judge.judgement import Judgement
from leadline_streams.judge.link_state import LinkState
from leadline_streams.judge.lookup import has
from leadline_streams.judge.node_state import NodeState
from leadline_streams.judge.rule import ClusterContext, NodeContext, SlotContext, SubscriptionContext
from leadline_streams.judge.state import LARGE, Memory
from leadline_streams.judge.view import View
from leadline_streams.judge.wiring import Wiring

WHOLE_EVERY_S = 1.0
"""The rules of a large cluster as a whole are measured this often."""
STANDING_EVERY_S = 10.0
"""Standing rules are measured at most this often."""
BACKUP_OVER_S = 10.0
"""A backup program that is gone for so long has ended."""


STEP = 128
"""So many rows or links are judged at once."""


def drain(turns: Iterator[None]) -> None:
    """Judge all of it at once."""
    for _ in turns:
        pass


class Judging:
    """The judgement of one cluster, in its memory."""

    __slots__ = ("_alerting", "_engines", "_judgement", "_memory", "_name", "_status_every_s", "_tracer", "_wiring")

    def __init__(self, memory: Memory, judgement: Judgement, alerting: Alerting, wiring: Wiring) -> None:
        self._memory = memory
        self._name = memory.cluster
        self._judgement = judgement
        self._engines = judgement.engines
        self._tracer = judgement.tracer
        self._status_every_s = judgement.policy.status_every_s
        self._alerting = alerting
        self._wiring = wiring

    def judge_node(
        self, engine: Engine, node: NodeState, now: float, out: list[Output], thorough: bool
    ) -> Iterator[None]:
        """Measure the rules of a node and of what is on it; only of what is not healthy, unless ``thorough``.

        After each ``STEP`` rows others may have a turn.
        """
        memory, sample, run = self._memory, node.sample, self._alerting.run
        answers, view = node.answers, View(self._memory)
        if thorough or not engine.node_is_healthy(node):
            run(NodeContext(view, now, node), node, answers, out)
        if sample is None:
            return
        for number, slot in enumerate(sample.slots, 1):
            if thorough or not engine.slot_is_healthy(slot):
                run(SlotContext(view, now, node, slot), node, answers, out)
            if not number % STEP:
                yield
        for number, subscription in enumerate(sample.subscriptions, 1):
            if not number % STEP:
                yield
            run(SubscriptionContext(view, now, node, subscription), node, answers, out)
        if thorough and node.node.role == "primary" and self._judges_whole(now):
            complete = answers and not any(other.stale for other in memory.nodes.values())
            run(ClusterContext(view, now), node, complete, out)
        if memory.alerts and answers:
            self._clear_vanished(node, sample, now, out)
        node.is_healthy = engine.may_skip_node(node)

    def measure_standing(self, now: float, out: list[Output]) -> None:
        """Measure the standing rules of every node, and note when next."""
        memory, view = self._memory, View(self._memory)
        memory.standing_at = now + STANDING_EVERY_S
        for node in memory.nodes.values():
            self._alerting.run(NodeContext(view, now, node), node, node.answers, out, standing=True)

    def _judges_whole(self, now: float) -> bool:
        """Whether the rules of the cluster as a whole are due: those of a large one look at all its nodes."""
        memory = self._memory
        if len(memory.nodes) > LARGE and now - memory.whole_at < WHOLE_EVERY_S:
            return False
        memory.whole_at = now
        return True

    def judge_link(self, link: LinkState, now: float, out: list[Output], thorough: bool) -> None:
        """Judge a link from what is known of its ends, and measure its rules; see ``judge_node``."""
        memory = self._memory
        up, down = memory.nodes.get(link.upstream), memory.nodes.get(link.downstream)
        owner = down or up
        if owner is None:
            return
        if now >= link.brief.until:
            out += rollup.turn(link, now, self._name, owner.node.datacenter)
            if status.link_is_due_with_rollup(link, now, self._status_every_s):
                self.publish_link(link, up, down, now, out)
        engine = self._engines[owner.node.engine]
        clock = clock_of(memory, link)
        link.kind = engine.kind_of(link, down)
        traits, reading = engine.traits(link.kind), engine.read_link(link, up, down, now)
        link_progress.update(link, now, reading, traits, clock)
        if up is not None and up.went_back is not None and link_progress.follow_loss(up.went_back, link, down):
            up.went_back = None
        if up is not None and (link.lead_units or up.is_outrun):
            was, up.is_outrun = up.is_outrun, any(other.lead_units for other in memory.below(up.name))
            if up.is_outrun and not was:
                drain(self.judge_node(engine, up, now, out, thorough))
        judged = verdict.judge(link, now, up, down, reading, traits, clock)
        if self._tracer is not None:
            self._tracer.judged(link, judged, reading, now)
        if judged != link.verdict:
            link.verdict, link.verdict_since = judged, now
        link.streams = engine.may_skip_link(link)
        rollup.count(link)
        if status.link_is_due(link, now, self._status_every_s):
            self.publish_link(link, up, down, now, out)
        if (thorough or memory.is_failing or not engine.link_is_healthy(link, down)) and link.is_settled(now):
            context = self._alerting.link_context(link, now)
            complete = (link.agentless or context.down is not None) and (up is None or up.answers)
            self._alerting.run(context, owner, complete, out)
        forget_s = BACKUP_OVER_S if link.kind == "backup" else self._judgement.policy.forget_s
        if link.agentless and link.cut_since is not None and now - link.cut_since > forget_s:
            self._wiring.forget(link.id, now, out)

    def publish_link(
        self, link: LinkState, up: NodeState | None, down: NodeState | None, now: float, out: list[Output]
    ) -> None:
        """Put out the status of a link."""
        out.append(status.publish_link(link, up, down, self._name, now, self._status_every_s))

    def publish_node(self, engine: Engine, node: NodeState, now: float, out: list[Output]) -> None:
        """Put out the status of a node when it is due."""
        if status.node_is_due(node, now, self._status_every_s):
            out.append(status.publish_node(node, self._name, engine, now, self._status_every_s))

    def judge_around(self, node: NodeState, now: float, out: list[Output]) -> None:
        """Judge a node and every link that ends at it."""
        engine = self._engines[node.node.engine]
        drain(self.judge_node(engine, node, now, out, thorough=True))
        self.publish_node(engine, node, now, out)
        for link in self._memory.around(node.name):
            self.judge_link(link, now, out, thorough=True)

    def _clear_vanished(self, node: NodeState, sample: Sample, now: float, out: list[Output]) -> None:
        """Alerts about slots and subscriptions that are gone have nothing left to warn of."""
        present = {
            "slot": {slot.name for slot in sample.slots},
            "subscription": {subscription.name for subscription in sample.subscriptions},
        }
        for alert in self._alerting.on_node(node.name):
            about = alert.subject
            group = f"{about.kind}s"
            if any(has(hidden, group) for hidden in (sample.not_permitted, sample.not_supported, sample.not_read)):
                continue  # not seen is not gone
            if about.name in present[about.kind]:
                continue
            if group in sample.left_out:
                self._alerting.lose(alert, now, out)
            else:
                self._alerting.supersede(alert, now, out)
