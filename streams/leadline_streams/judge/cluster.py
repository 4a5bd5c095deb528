"""The fold over one cluster's observations: its present state, and the outputs that each observation causes.

``observe`` and ``tick`` are pure: the same observations and ticks give the same outputs, byte for byte, however many
are enqueued before they are evaluated. Cost is in the links of the node observed, not in the windows.
"""

from collections.abc import Callable
from datetime import datetime
from heapq import heappop
from typing import TypeVar, cast

from leadline.errors import BadRecord
from leadline.model.finding import EngineVitals, FindingReport
from leadline.model.ids import ClusterName
from leadline.model.observation import Node, NodeSettings, Sample
from leadline.model.retirement import Retirement
from leadline.model.vitals import Vitals
from leadline.wire import INVALID
from leadline_streams.judge import (
    reports,
    retiring,
    rollup,
    same_address,
    setting_changes,
    status,
)
from leadline_streams.judge.alerting import Alerting, Output
from leadline_streams.judge.engine import Engine
from leadline_streams.judge.judgement import Judgement
from leadline_streams.judge.judging import Judging
from leadline_streams.judge.links import Links
from leadline_streams.judge.state import LinkState, Memory, NodeState, load
from leadline_streams.judge.timers import Timers
from leadline_streams.judge.watermark import DUPLICATE, LATE, WaitingVitals
from leadline_streams.judge.wiring import Wiring

SERVER_LOG_KEPT_S = 120.0
"""It is read again in less than this while something is wrong."""
TABLES_KEPT_S = 120.0
"""They are large, and sent again while they are needed."""
WITHOUT_BASE_S = 45.0
"""Vitals without their base show that an agent works, for longer than it sends none but these. After that nothing of
its node was judged for too long, whatever the reason: it counts as silent."""
Observed = Sample | NodeSettings | FindingReport | Retirement | EngineVitals
"""An observation of a cluster."""
Seen = TypeVar("Seen", Sample, EngineVitals)


class ClusterState:
    """One cluster: its memory, and what it is judged by."""

    __slots__ = (
        *("_alerting", "_engines", "_judgement", "_judging", "_links", "_outputs", "_status_every_s", "_timers"),
        *("_wiring", "duplicates", "late", "memory", "name", "without_base"),
    )

    def __init__(self, name: str, judgement: Judgement, memory: Memory | None = None) -> None:
        self.name = ClusterName(name)
        self.memory = memory if memory is not None else Memory(self.name)
        self.late = 0
        """Observations too late to be judged, since this object was made."""
        self.duplicates = 0
        self.without_base = 0
        """Vitals whose whole sample is not known: they are not judged."""
        self._links = cast(Links[LinkState], self.memory.links)
        self._judgement = judgement
        self._engines = judgement.engines
        self._status_every_s = judgement.policy.status_every_s
        self._alerting = Alerting(self.memory, judgement)
        self._wiring = Wiring(self.memory, judgement, self._alerting)
        self._judging = Judging(self.memory, judgement, self._alerting, self._wiring)
        self._timers = Timers(self.memory, self._alerting, judgement.policy)
        self._outputs: list[Output] = []
        """Outputs of evaluated observations that are still to be returned."""

    def dump(self) -> bytes:
        """The memory as bytes, for ``load``."""
        return self.memory.dump()

    @classmethod
    def load(cls, data: bytes, judgement: Judgement) -> "ClusterState":
        """The state whose ``dump`` gave these bytes, judged by ``judgement`` from here on.

        Alerts of rules that ``judgement`` does not have or switches off end; ``evaluate`` returns their last
        transitions.
        """
        memory = load(data)
        state = cls(memory.cluster, judgement, memory)
        state._alerting.drop_unknown(memory.arrivals.horizon, state._outputs)
        state._alerting.drop_disabled(memory.arrivals.horizon, state._outputs)
        state._alerting.follow_up(memory.arrivals.horizon, state._outputs)
        return state

    # -- The fold ---------------------------------------------------------------------------------------------------

    def observe(self, seen: Observed, spooled: bool = False) -> list[Output]:
        """Enqueue one observation, and evaluate what can be judged by now. Raises BadRecord like ``enqueue``."""
        self.enqueue(seen, spooled)
        return self.evaluate()

    def tick(self, now: datetime) -> list[Output]:
        """Let time pass: silence is judged, what is due happens, stragglers are no longer waited for."""
        self._advance()
        memory, time = self.memory, now.timestamp()
        horizon = memory.arrivals.horizon
        memory.arrivals.tick(time, self._judgement.policy)
        if memory.arrivals.horizon < horizon:
            self._wiring.time_went_back(memory.arrivals.horizon)
        self._advance()
        if time >= memory.sweep_at:
            retiring.sweep(memory, self._judgement, self._alerting, self._wiring, time, self._outputs)
            self._judging.measure_standing(memory.arrivals.horizon, self._outputs)
        return self.evaluate()

    def enqueue(self, seen: Observed, spooled: bool = False) -> None:
        """Take one observation; judging it may wait until ``evaluate``, for others that are enqueued together.

        Raises BadRecord, and remembers nothing of it, when it cannot be used.
        """
        arrivals, policy = self.memory.arrivals, self._judgement.policy
        if isinstance(seen, Sample):
            engine = self._engines.get(seen.node.engine)
            if engine is None:
                raise _no_engine(seen.node)
            engine.validate(seen)
            if arrivals.follow(seen, policy):
                return
        elif isinstance(seen, Vitals):
            if not arrivals.follow_vitals(seen, policy):
                self._enqueue_vitals(seen, spooled)
            return
        elif isinstance(seen, FindingReport):
            reports.validate(seen, self._judgement)
            self._advance()
            arrivals.enqueue(seen)
            return
        elif isinstance(seen, Retirement):
            self._advance()
            self._retire(seen)
            return
        elif seen.node.engine not in self._engines:
            raise _no_engine(seen.node)
        self._offer(seen, spooled)

    def _enqueue_vitals(self, vitals: EngineVitals, spooled: bool) -> None:
        """Take vitals that are not simply the next of their node."""
        source = self.memory.arrivals.sources.get(vitals.node)
        if source is None:
            self.without_base += 1
            return
        base = source.base
        if base is None or base.seq != vitals.base or base.node.boot != vitals.boot:
            self._offer(vitals, spooled)  # the base is judged before them, or is not known
            return
        if not self._fits(vitals, base):
            raise BadRecord(INVALID, f"these vitals have other rows than the sample {vitals.base} that they stand on")
        try:
            self.enqueue(vitals.whole(base), spooled)
        finally:
            source.base = base

    def _fits(self, vitals: EngineVitals, base: Sample) -> bool:
        return self._engines[base.node.engine].vitals is type(vitals) and vitals.fits(base)

    def _offer(self, seen: Sample | NodeSettings | EngineVitals, spooled: bool) -> None:
        self._advance()
        arrivals = self.memory.arrivals
        node = self.memory.nodes.get(seen.node if isinstance(seen, Vitals) else seen.node.name)
        before_s = arrivals.sources[node.name].stale_after_s if node is not None else 0.0
        arrival = arrivals.offer(seen, spooled, self._judgement.policy)
        if node is not None and arrivals.sources[node.name].stale_after_s < before_s:
            self._watch(node)
        if arrival is LATE:
            self.late += 1
        elif arrival is DUPLICATE:
            self.duplicates += 1

    def evaluate(self) -> list[Output]:
        """Judge what can be judged by now; returns the outputs of everything that was enqueued."""
        self._advance()
        outputs, self._outputs = self._outputs, []
        return outputs

    def _advance(self) -> None:
        out, memory, arrivals = self._outputs, self.memory, self.memory.arrivals
        upto, waiting = arrivals.ready(), arrivals.waiting
        while waiting and waiting[0][0] <= upto:
            time, _, _, _, seen = heappop(waiting)
            if memory.next_due <= time:
                self._pass_time(time, out)
            if isinstance(seen, WaitingVitals):
                self._vitals(seen.vitals, time, out)
            elif isinstance(seen, Sample):
                self._sample(seen, time, out)
            elif isinstance(seen, NodeSettings):
                self._settings(seen, time, out)
            else:
                reports.take(seen, time, memory, self._alerting, self._judgement, out)
            if memory.diagnose_at <= time:
                self._alerting.follow_up(time, out)
        if memory.next_due <= upto:
            self._pass_time(upto, out)
        arrivals.horizon = upto

    # -- Observations -------------------------------------------------------------------------------------------------

    def _sample(self, sample: Sample, now: float, out: list[Output]) -> None:
        memory, nodes, name = self.memory, self.memory.nodes, sample.node.name
        node = nodes.get(name)
        if node is None:
            if name in memory.retired and not sample.up:
                memory.retired[name] = now
                return
            node = self._new_node(sample, now)
        engine = self._engines[sample.node.engine]
        if node.host_ahead_s or now <= memory.arrivals.corrected_until:
            self._note_clock(node, sample, now)
        thorough = self._wiring.rivals or memory.is_failing
        fast = not thorough and node.is_healthy and engine.take_fast(node, sample, now, node.upstream in nodes)
        if not fast:
            thorough = self._take(engine, node, sample, now, out) or thorough
            self._judging.judge_node(engine, node, now, out, thorough)
            self._judging.publish_node(engine, node, now, out)
            for link in self._links.below(name):
                link.streams = False
        elif now - node.status_at >= self._status_every_s:
            self._judging.publish_node(engine, node, now, out)
        if sample.up:
            node.base = sample.seq
        if node.alive_since:
            node.alive_since = 0.0
        self._judge_links(node, sample, engine.judge_fast if fast else None, now, out, thorough)

    def _vitals(self, vitals: EngineVitals, now: float, out: list[Output]) -> None:
        """Judge vitals: as they are while all is well, otherwise the sample that they make."""
        memory, nodes = self.memory, self.memory.nodes
        node = nodes.get(vitals.node)
        base = node.kept if node is not None else None
        if node is None or base is None or node.base != vitals.base or base.node.boot != vitals.boot:
            self._not_judged(node, now)
            return
        engine = self._engines[base.node.engine]
        if not self._fits(vitals, base):
            self._not_judged(node, now)
        elif (
            not node.is_healthy
            or memory.is_failing
            or self._wiring.rivals
            or node.host_ahead_s
            or now <= memory.arrivals.corrected_until
            or not engine.take_vitals(node, vitals, now, node.upstream in nodes)
        ):
            self._sample(vitals.whole(base), now, out)
            node.base = vitals.base
        else:
            if now - node.status_at >= self._status_every_s:
                self._judging.publish_node(engine, node, now, out)
            if node.alive_since:
                node.alive_since = 0.0
            self._judge_links(node, vitals, engine.judge_vitals, now, out, False)

    def _not_judged(self, node: NodeState | None, now: float) -> None:
        """Count vitals whose base is not known: they show that the agent works, and nothing of its server."""
        self.without_base += 1
        if node is None or node.stale:
            return
        node.alive_since = node.alive_since or node.seen
        if now - node.alive_since <= WITHOUT_BASE_S:
            node.seen = now

    def _judge_links(
        self,
        node: NodeState,
        seen: Seen,
        judge_fast: Callable[[LinkState, NodeState | None, Seen, float], bool] | None,
        now: float,
        out: list[Output],
        thorough: bool,
    ) -> None:
        """Judge the links that end at a node of which something was seen; ``judge_fast`` where it was taken fast."""
        nodes, name = self.memory.nodes, node.name
        for link in self._links.above(name):
            if now >= link.brief.until:
                out += rollup.turn(link, now, self.name, node.node.datacenter)
                if status.link_is_due_with_rollup(link, now, self._status_every_s):
                    self._judging.publish_link(link, nodes.get(link.upstream), node, now, out)
            if judge_fast is None or not link.streams or not judge_fast(link, nodes.get(link.upstream), seen, now):
                self._judging.judge_link(link, now, out, thorough)
        for link in self._links.below(name):
            # A downstream that its agent reads is judged at its own samples, once; a link just found at once.
            down = nodes.get(link.downstream)
            found = not link.brief.until
            if found or link.agentless or not node.up or down is None or not (down.is_healthy or down.answers):
                self._judging.judge_link(link, now, out, thorough)

    def _take(self, engine: Engine, node: NodeState, sample: Sample, now: float, out: list[Output]) -> bool:
        """Remember a sample; True when so much changed that every rule is to be measured."""
        nodes = self.memory.nodes
        node.seen = now
        if node.stale:
            node.stale = False
            self._watch(node)
        node.up = sample.up
        if sample.disk is not None:
            node.disk = sample.disk
        if sample.tables is not None:
            node.tables, node.tables_at = sample.tables, now
        elif node.tables is not None and not self.memory.incidents and now - node.tables_at > TABLES_KEPT_S:
            node.tables = None
        if sample.server_log is not None:
            node.server_log, node.server_log_at = sample.server_log, now
        elif node.server_log is not None and now - node.server_log_at > SERVER_LOG_KEPT_S:
            node.server_log = None
        if not sample.up:
            node.error, node.error_code = sample.error, sample.error_code
            node.reach = engine.reach(node.error or "", node.error_code)
            node.stopped = node.stopped or sample.stopped
            if node.down_since is None:
                node.down_since, node.stopping = now, node.reach == "not_ready"
            return True
        before = node.sample
        if before is not None and same_address.is_another(before, sample):
            before = None
            same_address.begin_again(self.memory, node, sample, now)
        node.sample = sample
        node.error = node.error_code = node.down_since = None
        node.stopping = node.stopped = False
        thorough = before is None
        was, node.node = node.node, sample.node
        wrote, node.takes_writes = node.takes_writes, engine.takes_writes(sample)
        node.lineage = engine.lineage(sample)
        node.blind = engine.blindness(sample)
        if was.role != node.node.role or was.labels != node.node.labels or was.datacenter != node.node.datacenter:
            self._alerting.effective.clear()
            self._alerting.drop_disabled(now, out)
            thorough = True
        if before is not None and was.role != node.node.role:
            setting_changes.role_changed(self.memory, node, was.role, now)
            node.promoted_at = now if was.role == "standby" and node.takes_writes else None
        engine.take(node, before, sample, now, node.upstream in nodes)
        if (
            was.role != node.node.role
            or wrote != node.takes_writes
            or not before
            or not engine.same_neighbours(before, sample)
        ):
            self._wiring.neighbours_changed(node, now, out)
            thorough = True
        return thorough

    def _note_clock(self, node: NodeState, sample: Sample, now: float) -> None:
        """Note by how much the time of a sample was corrected: its host's clock is wrong."""
        ahead_s = sample.sent_at.timestamp() - now
        if abs(ahead_s) <= self._judgement.policy.clock_tolerance_s:
            node.host_ahead_s = node.host_ahead_since = 0.0
            return
        if not node.host_ahead_s:
            node.host_ahead_since, node.is_healthy = now, False
        node.host_ahead_s = ahead_s

    def _settings(self, seen: NodeSettings, now: float, out: list[Output]) -> None:
        memory = self.memory
        node = memory.nodes.get(seen.node.name) or self._new_node(seen, now)
        node.without_identity = seen.without_identity
        found = setting_changes.take(memory, node, seen.settings, now)
        if found and memory.incidents:
            out += self._alerting.problems.changed(now)
        self._judging.judge_around(node, now, out)

    def _watch(self, node: NodeState) -> None:
        """Note when a node counts as silent if nothing more comes from it."""
        self._timers.watch(node.name)
        self.memory.next_due = min(self.memory.next_due, self._timers.next()[0])

    def _new_node(self, seen: Sample | NodeSettings, now: float) -> NodeState:
        name = seen.node.name
        node = self.memory.nodes[name] = NodeState(name, seen.node, now, first_at=now)
        self.memory.retired.pop(name, None)
        self._watch(node)
        return node

    def _retire(self, seen: Retirement) -> None:
        """Forget a node because a person says so; not one that answers."""
        node = self.memory.nodes.get(seen.node)
        if node is not None and not node.answers:
            why = f"{node.name} was retired by {seen.by}"
            retiring.retire(self.memory, self._alerting, self._wiring, node.name, "command", why, self._outputs)
            self._wiring.discover(self.memory.arrivals.horizon, self._outputs)

    # -- Time ---------------------------------------------------------------------------------------------------------

    def _pass_time(self, upto: float, out: list[Output]) -> None:
        """Everything that becomes due by itself up to a time, each at its own time and in order."""
        memory = self.memory
        while True:
            when, kind, ident = self._timers.next()
            memory.next_due = when
            if when > upto:
                return
            memory.arrivals.horizon = max(memory.arrivals.horizon, when)
            if kind == "node":
                node = memory.nodes[ident]
                node.stale = True
                self._judging.judge_around(node, when, out)
            elif kind == "links":
                self._wiring.discover(when, out)
            elif kind == "report":
                reports.expire(ident, memory, self._alerting, when, out)
            elif kind == "alert":
                self._alerting.due(memory.alerts[ident], out)
            elif kind == "incident":
                out += self._alerting.problems.end(ident, when)
            self._alerting.follow_up(when, out)


def _no_engine(node: Node) -> BadRecord:
    return BadRecord(INVALID, f"no engine {node.engine!r:.100} can be judged - at `$.node.engine`")
