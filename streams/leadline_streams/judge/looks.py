"""Samples and vitals of nodes: what they change in a cluster's memory, and the judging of the node and its links."""

from collections.abc import Callable, Iterator
from typing import TypeVar, cast

from leadline import interned_decode
from leadline.model.finding import EngineVitals
from leadline.model.observation import NodeSettings, Sample
from leadline_streams.judge import rollup, same_address, setting_changes, shared_names, status
from leadline_streams.judge.alerting import Alerting, Output
from leadline_streams.judge.engine import Engine
from leadline_streams.judge.judgement import Judgement
from leadline_streams.judge.judging import STEP, Judging, drain
from leadline_streams.judge.link_state import LinkState
from leadline_streams.judge.links import Links
from leadline_streams.judge.node_state import NodeState
from leadline_streams.judge.nodes import Nodes
from leadline_streams.judge.packed_sample import PackedSample
from leadline_streams.judge.state import Memory
from leadline_streams.judge.timers import Timers
from leadline_streams.judge.wiring import Wiring

SERVER_LOG_KEPT_S = 120.0
"""It is read again in less than this while something is wrong."""
TABLES_KEPT_S = 120.0
"""They are large, and sent again while they are needed."""
WITHOUT_BASE_S = 45.0
"""Vitals without their base show that an agent works, for longer than it sends none but these. After that nothing of
its node was judged for too long, whatever the reason: it counts as silent."""
Seen = TypeVar("Seen", Sample, EngineVitals)


class Looks:
    """The looks of agents at the servers of one cluster."""

    __slots__ = (
        *("_alerting", "_engines", "_judging", "_links", "_memory", "_policy", "_status_every_s", "_timers"),
        *("_wiring", "without_base"),
    )

    def __init__(
        self,
        memory: Memory,
        judgement: Judgement,
        alerting: Alerting,
        wiring: Wiring,
        judging: Judging,
        timers: Timers,
    ) -> None:
        self.without_base = 0
        """Vitals whose whole sample is not known: they are not judged."""
        self._memory = memory
        self._links = cast(Links[LinkState], memory.links)
        self._engines = judgement.engines
        self._policy = judgement.policy
        self._status_every_s = judgement.policy.status_every_s
        self._alerting = alerting
        self._wiring = wiring
        self._judging = judging
        self._timers = timers

    def sample(self, sample: Sample, now: float, out: list[Output], base: int | None = None) -> Iterator[None] | None:
        """Judge a sample; of one that has very many rows or links, what is left is judged as the caller iterates.

        ``base``: the ``seq`` of the whole sample that it stands on, where it was made of vitals.
        """
        memory, nodes, name = self._memory, self._memory.nodes, sample.node.name
        node = nodes.get(name)
        if node is None:
            if name in memory.retired and not sample.up:
                memory.retired[name] = now
                return None
            node = self.new_node(sample, now)
        engine = self._engines[sample.node.engine]
        if node.host_ahead_s or now <= memory.arrivals.corrected_until:
            self._note_clock(node, sample, now)
        thorough = self._wiring.rivals or bool(memory.alerts and memory.is_failing)
        fast = not thorough and node.is_healthy and engine.take_fast(node, sample, now, node.upstream in nodes)
        if sample.up:
            node.base = sample.seq if base is None else base
        if node.alive_since:
            node.alive_since = 0.0
        if fast:
            self._judge_fast(engine, node, sample, engine.judge_fast, now, out)
            return None
        thorough = self._take(engine, node, sample, now, out) or thorough
        rest = self._judge_whole(engine, node, sample, now, out, thorough)
        rows = len(sample.slots) + len(sample.subscriptions)
        if rows + sum(map(len, self._links.at.get(name) or self._links.find(name))) > STEP:
            return rest
        drain(rest)
        return None

    def _judge_whole(
        self, engine: Engine, node: NodeState, sample: Sample, now: float, out: list[Output], thorough: bool
    ) -> Iterator[None]:
        """Judge a node, and the links that end at it, by a sample of which the fast path took nothing."""
        yield from self._judging.judge_node(engine, node, now, out, thorough)
        self._judging.publish_node(engine, node, now, out)
        above, below = self._links.at.get(node.name) or self._links.find(node.name)
        for link in below:
            link.streams = False
        for number, link in enumerate(above, 1):
            self._judging.judge_link(link, now, out, thorough)
            if not number % STEP or number == len(above):
                yield
        for number, link in enumerate(below, 1):
            if not node.up or self._is_judged_here(link):
                self._judging.judge_link(link, now, out, thorough)
            if not number % STEP or number == len(below):
                yield

    def vitals(self, vitals: EngineVitals, packed: bytes, now: float, out: list[Output]) -> Iterator[None] | None:
        """Judge vitals: as they are while all is well, otherwise the sample that they make; see ``sample``."""
        memory, nodes = self._memory, self._memory.nodes
        node = nodes.get(vitals.node)
        base = node.kept if node is not None else None
        if node is None or base is None or node.base != vitals.base or base.node.boot != vitals.boot:
            self._not_judged(node, now)
            return None
        engine = self._engines[base.node.engine]
        shape = base.shape if isinstance(base, PackedSample) else vitals.shape_of(base)
        if engine.vitals is not type(vitals) or vitals.shape != shape:
            self._not_judged(node, now)
        elif (
            not node.is_healthy
            or (memory.alerts and memory.is_failing)
            or self._wiring.rivals
            or node.host_ahead_s
            or now <= memory.arrivals.corrected_until
            or not engine.take_vitals(node, vitals, now, node.upstream in nodes)
        ):
            if isinstance(base, PackedSample):
                base = base.unpack()
            elif node.vitals is None and base.seq == vitals.base:  # its texts are those of all that follow
                interned_decode.share_texts(base)
            return self.sample(vitals.whole(base), now, out, vitals.base)
        else:
            if not isinstance(base, PackedSample):
                node.kept = PackedSample.of(base)
            node.vitals = packed
            if node.alive_since:
                node.alive_since = 0.0
            self._judge_fast(engine, node, vitals, engine.judge_vitals, now, out)
        return None

    def _not_judged(self, node: NodeState | None, now: float) -> None:
        """Count vitals whose base is not known: they show that the agent works, and nothing of its server."""
        self.without_base += 1
        if node is None or node.stale:
            return
        node.alive_since = node.alive_since or node.seen
        if now - node.alive_since <= WITHOUT_BASE_S:
            node.seen = now

    def _judge_fast(
        self,
        engine: Engine,
        node: NodeState,
        seen: Seen,
        judge: Callable[[LinkState, NodeState | None, Seen, float], bool],
        now: float,
        out: list[Output],
    ) -> None:
        """Judge the links that end at a node of which the fast path took what was seen; in full where it takes none."""
        nodes, every_s = self._memory.nodes, self._status_every_s
        if now - node.status_at >= every_s:
            self._judging.publish_node(engine, node, now, out)
        above, below = self._links.at.get(node.name) or self._links.find(node.name)
        for link in above:
            up = nodes.get(link.upstream)
            if now >= link.brief.until:
                out += rollup.turn(link, now, self._memory.cluster, node.node.datacenter)
                if status.link_is_due_with_rollup(link, now, every_s):
                    self._judging.publish_link(link, up, node, now, out)
            if not link.streams or not judge(link, up, seen, now):
                self._judging.judge_link(link, now, out, thorough=False)
        for link in below:
            if self._is_judged_here(link):
                self._judging.judge_link(link, now, out, thorough=False)

    def _is_judged_here(self, link: LinkState) -> bool:
        """Whether a link is judged at a sample of its upstream, too.

        A downstream that its agent reads is judged at its own samples, once; a link just found at once.
        """
        down = self._memory.nodes.get(link.downstream)
        return down is None or not (down.is_healthy or down.answers) or link.agentless or not link.brief.until

    def _take(self, engine: Engine, node: NodeState, sample: Sample, now: float, out: list[Output]) -> bool:
        """Remember a sample; True when so much changed that every rule is to be measured."""
        nodes, seen_before = self._memory.nodes, node.seen
        shared_names.follow(node, sample, now)
        node.seen = now
        if node.stale:
            node.stale = False
            self.watch(node)
        node.up = sample.up
        if sample.disk is not None:
            node.disk = sample.disk
        if sample.tables is not None:
            node.tables, node.tables_at = sample.tables, now
        elif node.tables is not None and not self._memory.incidents and now - node.tables_at > TABLES_KEPT_S:
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
            out += same_address.begin_again(self._memory, node, sample, now)
        node.sample = sample
        node.error = node.error_code = node.down_since = None
        node.stopping = node.stopped = False
        thorough = before is None
        was, node.node = node.node, sample.node
        wrote, node.takes_writes = node.takes_writes, engine.takes_writes(sample)
        cast(Nodes[NodeState], nodes).note(node.name)
        node.lineage = engine.lineage(sample)
        node.blind = engine.blindness(sample)
        if was.role != node.node.role or was.labels != node.node.labels or was.datacenter != node.node.datacenter:
            self._alerting.effective.clear()
            self._alerting.drop_disabled(now, out)
            thorough = True
        if before is not None and was.role != node.node.role:
            out += setting_changes.role_changed(self._memory, node, was.role, seen_before, now)
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
        if abs(ahead_s) <= self._policy.clock_tolerance_s:
            node.host_ahead_s = node.host_ahead_since = 0.0
            return
        if not node.host_ahead_s:
            node.host_ahead_since, node.is_healthy = now, False
        node.host_ahead_s = ahead_s

    def fits(self, vitals: EngineVitals, base: Sample) -> bool:
        """Whether vitals have the rows of the sample that they stand on."""
        return self._engines[base.node.engine].vitals is type(vitals) and vitals.fits(base)

    def watch(self, node: NodeState) -> None:
        """Note when a node counts as silent if nothing more comes from it."""
        self._timers.watch(node.name)
        self._memory.next_due = min(self._memory.next_due, self._timers.next()[0])

    def new_node(self, seen: Sample | NodeSettings, now: float) -> NodeState:
        """A node of which nothing was seen before."""
        name = seen.node.name
        node = self._memory.nodes[name] = NodeState(name, seen.node, now, first_at=now)
        self._memory.retired.pop(name, None)
        self.watch(node)
        return node
