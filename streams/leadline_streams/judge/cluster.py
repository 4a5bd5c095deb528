"""The fold over one cluster's observations: its present state, and the outputs that each observation causes.

``observe`` and ``tick`` are pure: the same observations and ticks give the same outputs, byte for byte, however many
are enqueued before they are evaluated. Cost is in the links of the node observed, not in the windows.
"""

from collections.abc import Iterator
from datetime import datetime
from heapq import heappop
from math import inf

from leadline.errors import BadRecord
from leadline.model.audit_look import AuditLook
from leadline.model.finding import EngineVitals, FindingReport
from leadline.model.ids import ClusterName
from leadline.model.node import Node
from leadline.model.observation import NodeSettings, Sample
from leadline.model.retirement import Retirement
from leadline.model.vitals import Vitals
from leadline.wire import INVALID
from leadline_streams.judge import audits, limits, reports, retiring, setting_changes
from leadline_streams.judge.alerting import Alerting, Output
from leadline_streams.judge.judgement import Judgement
from leadline_streams.judge.judging import STEP, Judging
from leadline_streams.judge.look_changes import look_changes
from leadline_streams.judge.looks import Looks
from leadline_streams.judge.packed_vitals import MOST_BYTES, pack
from leadline_streams.judge.sources import DUPLICATE, LATE, WaitingVitals
from leadline_streams.judge.state import LARGE, Memory, load
from leadline_streams.judge.timers import Timers
from leadline_streams.judge.view import View
from leadline_streams.judge.watermark import MOST_WAITING
from leadline_streams.judge.wiring import Wiring

TURN = 512
"""So many rows, links and timers of a cluster are judged at once where others are to have a turn: some 20 ms."""
Observed = Sample | NodeSettings | FindingReport | Retirement | AuditLook | EngineVitals
"""An observation of a cluster."""


class ClusterState:
    """One cluster: its memory, and what it is judged by."""

    __slots__ = (
        *("_alerting", "_engines", "_judgement", "_judging", "_outputs", "_timers", "_wiring"),
        *("_rest", "duplicates", "in_turns", "late", "looks", "memory", "name", "spent", "unfinished"),
    )

    def __init__(self, name: str, judgement: Judgement, memory: Memory | None = None) -> None:
        self.name = ClusterName(name)
        self.memory = memory if memory is not None else Memory(self.name)
        self.late = 0
        """Observations too late to be judged, since this object was made."""
        self.duplicates = 0
        self.in_turns = False
        """Whether ``evaluate`` and ``tick`` may return before all is judged, after ``TURN`` of it."""
        self.unfinished = False
        """Whether they did: ``evaluate`` goes on. Nothing may be enqueued until then."""
        self.spent = 0
        """Rows, links and timers that were judged since whoever looks at it set it to 0."""
        self._rest: tuple[Iterator[None], float] | None = None
        """The part of judging a large sample that is left, and its time."""
        self._judgement = judgement
        self._engines = judgement.engines
        self._alerting = Alerting(self.memory, judgement)
        self._wiring = Wiring(self.memory, judgement, self._alerting)
        self._judging = Judging(self.memory, judgement, self._alerting, self._wiring)
        self._timers = Timers(self.memory, self._alerting, judgement.policy)
        self.looks = Looks(self.memory, judgement, self._alerting, self._wiring, self._judging, self._timers)
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

    @property
    def beyond(self) -> str:
        """The limits that it has reached, in words; empty when it has reached none."""
        return limits.reached(self.memory) if self.memory.beyond else ""

    @property
    def is_large(self) -> bool:
        """Whether one call may take long: beyond this size, all of some things are compared with all of others."""
        memory = self.memory
        return len(memory.arrivals.sources) + len(memory.links) + len(memory.alerts) > LARGE

    @property
    def is_empty(self) -> bool:
        """Whether nothing is left of it: its nodes were forgotten, and so is that they were."""
        memory = self.memory
        if memory.nodes or memory.retired or memory.links or memory.alerts or memory.incidents or memory.reports:
            return False
        if memory.audit.findings or memory.audit.notices:
            return False
        arrivals, reopen_s = memory.arrivals, self._judgement.policy.reopen_s
        if not memory.sweep_at or arrivals.waiting or arrivals.sources or self.unfinished:
            return False
        return all(memory.sweep_at - incident.ended_at > reopen_s for incident in memory.ended)

    # -- The fold ---------------------------------------------------------------------------------------------------

    def observe(self, seen: Observed, spooled: bool = False, packed: bytes = b"") -> list[Output]:
        """Enqueue one observation, and evaluate what can be judged by now. Raises BadRecord like ``enqueue``."""
        self.enqueue(seen, spooled, packed)
        return self.evaluate()

    def tick(self, now: datetime) -> list[Output]:
        """Let time pass: silence is judged, what is due happens, stragglers are no longer waited for."""
        self._advance(inf)
        memory, time = self.memory, now.timestamp()
        horizon = memory.arrivals.horizon
        memory.arrivals.tick(time, self._judgement.policy)
        if memory.arrivals.horizon < horizon:
            self._wiring.time_went_back(memory.arrivals.horizon)
        self._advance(TURN if self.in_turns else inf)
        if not self.unfinished:
            audits.step(memory, self._judgement, self._alerting, time, self._outputs)
        if time >= memory.sweep_at and not self.unfinished:
            retiring.sweep(memory, self._judgement, self._alerting, self._wiring, time, self._outputs)
            audits.follow_shape(memory, self._judgement, time)
            return self.evaluate()
        return self._take_outputs()

    def enqueue(self, seen: Observed, spooled: bool = False, packed: bytes = b"") -> None:
        """Take one observation; judging it may wait until ``evaluate``, for others that are enqueued together.

        ``packed``: the value of its record, which is kept of vitals; they are written anew where it is empty, or long.
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
            if not 0 < len(packed) <= MOST_BYTES:
                packed = pack(seen)
            if not arrivals.follow_vitals(seen, packed, policy):
                self._enqueue_vitals(seen, spooled, packed)
            return
        elif isinstance(seen, FindingReport):
            reports.validate(seen, self._judgement)
            self._advance(inf)
            arrivals.enqueue(seen)
            return
        elif isinstance(seen, Retirement):
            self._advance(inf)
            self._retire(seen)
            return
        elif isinstance(seen, AuditLook):
            self._advance(inf)
            self._outputs += look_changes(self.memory, seen, self.memory.arrivals.horizon)
            audits.take(seen, self.memory, self._judgement, self.memory.arrivals.horizon)
            return
        elif seen.node.engine not in self._engines:
            raise _no_engine(seen.node)
        self._offer(seen, spooled)

    def _enqueue_vitals(self, vitals: EngineVitals, spooled: bool, packed: bytes) -> None:
        """Take vitals that are not simply the next of their node."""
        source = self.memory.arrivals.sources.get(vitals.node)
        if source is None:
            self.looks.without_base += 1
            return
        base = source.base
        if base is None or base.seq != vitals.base or base.node.boot != vitals.boot:
            self._offer(vitals, spooled, packed)  # the base is judged before them, or is not known
            return
        if not self.looks.fits(vitals, base):
            raise BadRecord(INVALID, f"these vitals have other rows than the sample {vitals.base} that they stand on")
        try:
            self.enqueue(vitals.whole(base), spooled)
        finally:
            source.base = base

    def _offer(self, seen: Sample | NodeSettings | EngineVitals, spooled: bool, packed: bytes = b"") -> None:
        self._advance(inf)
        arrivals, name = self.memory.arrivals, seen.node if isinstance(seen, Vitals) else seen.node.name
        if name not in arrivals.sources and len(arrivals.sources) >= limits.MOST_NODES:
            limits.note(self.memory, "nodes", name)
            return
        node = self.memory.nodes.get(name)
        before_s = arrivals.sources[node.name].stale_after_s if node is not None else 0.0
        arrival = arrivals.offer(seen, spooled, self._judgement.policy, packed)
        if node is not None and arrivals.sources[node.name].stale_after_s < before_s:
            self.looks.watch(node)
        if arrival is LATE:
            self.late += 1
        elif arrival is DUPLICATE:
            self.duplicates += 1

    def evaluate(self) -> list[Output]:
        """Judge what can be judged by now; returns the outputs of everything that was enqueued."""
        self._advance(TURN if self.in_turns else inf)
        return self._take_outputs()

    def _take_outputs(self) -> list[Output]:
        if self._rest is not None:  # which goes on to add to this list
            outputs = list(self._outputs)
            self._outputs.clear()
            return outputs
        outputs, self._outputs = self._outputs, []
        return outputs

    def _advance(self, room: float) -> None:
        """Judge what can be judged by now: all of it, or a little more than ``room``."""
        out, memory, arrivals = self._outputs, self.memory, self.memory.arrivals
        upto, waiting, most = arrivals.ready(), arrivals.waiting, self.spent + room
        self.unfinished = False
        if self._rest is not None:
            rest, time = self._rest
            if not self._goes_on(rest, time, most, out):
                return
        while waiting:
            time, _, _, _, seen = waiting[0]
            if time > upto:
                if len(waiting) <= MOST_WAITING:
                    break
                upto = time
            if memory.next_due <= time and not self._pass_time(time, most, out):
                return
            heappop(waiting)
            left = None
            if isinstance(seen, WaitingVitals):
                left = self.looks.vitals(seen.vitals, seen.packed, time, out)
            elif isinstance(seen, Sample):
                left = self.looks.sample(seen, time, out)
            elif isinstance(seen, NodeSettings):
                self._settings(seen, time, out)
            else:
                reports.take(seen, time, memory, self._alerting, self._judgement, out)
            if left is not None:
                arrivals.horizon = upto
                if not self._goes_on(left, time, most, out):
                    return
            elif memory.standing_at <= time or memory.diagnose_at <= time:
                self._follow_up(time, out)
        if memory.next_due <= upto and not self._pass_time(upto, most, out):
            return
        arrivals.horizon = upto

    def _goes_on(self, rest: Iterator[None], time: float, most: float, out: list[Output]) -> bool:
        """Judge the rest of a sample; False when no more is to be done in this turn, and some is left."""
        self._rest = rest, time
        for _ in rest:
            self.spent += STEP
            if self.spent >= most:
                self.unfinished = True
                return False
        self._rest = None
        self._follow_up(time, out)
        return True

    def _follow_up(self, time: float, out: list[Output]) -> None:
        if self.memory.standing_at <= time:
            self._judging.measure_standing(time, out)
        if self.memory.diagnose_at <= time:
            self._alerting.follow_up(time, out)

    # -- Observations -------------------------------------------------------------------------------------------------

    def _settings(self, seen: NodeSettings, now: float, out: list[Output]) -> None:
        memory = self.memory
        node = memory.nodes.get(seen.node.name) or self.looks.new_node(seen, now)
        node.without_identity = seen.without_identity
        found, records = setting_changes.take(memory, node, seen, now)
        out += records
        if found and memory.incidents:
            out += self._alerting.problems.changed(now)
        self._judging.judge_around(node, now, out)

    def _retire(self, seen: Retirement) -> None:
        """Forget a node because a person says so; not one that answers."""
        node = self.memory.nodes.get(seen.node)
        if node is not None and not node.answers:
            why = f"{node.name} was retired by {seen.by}"
            retiring.retire(self.memory, self._alerting, self._wiring, {node.name: ("command", why)}, self._outputs)
            self._wiring.discover(self.memory.arrivals.horizon, self._outputs)

    # -- Time ---------------------------------------------------------------------------------------------------------

    def _pass_time(self, upto: float, most: float, out: list[Output]) -> bool:
        """Everything that becomes due by itself up to a time, each at its own time and in order; False when no more is
        to be done in this turn."""
        memory = self.memory
        view = View(memory)
        while True:
            when, kind, ident = self._timers.next()
            memory.next_due = when
            if when > upto:
                return True
            if self.spent >= most:
                self.unfinished = True
                return False
            self.spent += 1
            memory.arrivals.horizon = max(memory.arrivals.horizon, when)
            if kind == "node":
                node = memory.nodes[ident]
                node.stale = True
                self.spent += len(memory.around(ident))
                self._judging.judge_around(node, when, out)
            elif kind == "links":
                self._wiring.discover(when, out)
            elif kind == "report":
                reports.expire(ident, memory, self._alerting, when, out)
            elif kind == "ages":
                reports.grow(ident, memory, self._alerting, self._judgement, when, out)
            elif kind == "alert":
                self._alerting.due(memory.alerts[ident], view, out)
                if self._timers.next()[:2] == (when, kind):
                    continue  # what begins together is compared together
            elif kind == "incident":
                out += self._alerting.problems.end(ident, when)
            if kind != "alert":
                view = View(memory)
            self._alerting.follow_up(when, out)


def _no_engine(node: Node) -> BadRecord:
    return BadRecord(INVALID, f"no engine {node.engine!r:.100} can be judged - at `$.node.engine`")
