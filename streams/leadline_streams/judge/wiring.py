"""The links of a cluster, discovered anew when samples show other neighbours."""

from math import inf

from leadline_streams.judge import status
from leadline_streams.judge.alerting import Alerting, Output, key
from leadline_streams.judge.judgement import Judgement
from leadline_streams.judge.node_state import NodeState
from leadline_streams.judge.state import LARGE, Memory

EVERY_S = 1.0
"""The links of a large cluster are discovered at most so often, for all changes together."""
SMALL = 8
"""Those of a cluster with no more nodes or links are discovered at each change. In between, all may be compared with
all: the time between two discoveries grows with the square, so that they cost no more a second than these."""


class Wiring:
    """The links of one cluster, in its memory."""

    __slots__ = ("_alerting", "_judgement", "_memory", "rivals")

    def __init__(self, memory: Memory, judgement: Judgement, alerting: Alerting) -> None:
        self._memory = memory
        self._judgement = judgement
        self._alerting = alerting
        self.rivals = False
        """Whether several nodes of one lineage were last seen to take writes: then every rule is measured each time."""
        self._look_for_rivals()

    def neighbours_changed(self, node: NodeState, now: float, out: list[Output]) -> None:
        """A node's description of its neighbours changed: discover links, now or with those of others."""
        memory = self._memory
        if not node.takes_writes:
            node.writable_since = None
        elif node.writable_since is None:
            node.writable_since = now
        size = max(len(memory.nodes), len(memory.links))
        soonest = memory.wired_at + EVERY_S * min(1.0, (size / LARGE) ** 2)
        if size <= SMALL or now >= soonest:
            self.discover(now, out)
        else:
            memory.rewire_at = min(memory.rewire_at or inf, soonest)
            memory.next_due = min(memory.next_due, memory.rewire_at)

    def discover(self, now: float, out: list[Output]) -> None:
        """Bring all links up to date."""
        memory = self._memory
        memory.rewire_at, memory.wired_at = None, now
        before = list(memory.links.values())
        for name in sorted({node.node.engine for node in memory.nodes.values()}):
            self._judgement.engines[name].discover(memory, now)
        gone = [link for link in before if link.id not in memory.links]
        out += [status.Forgotten(link.id) for link in gone if link.status_at]
        self._end_alerts(now, out)
        self._look_for_rivals()

    def time_went_back(self, now: float) -> None:
        """Let nothing wait for a later time, which was a wrong one, to come again."""
        memory = self._memory
        for node in memory.nodes.values():
            node.seen = min(node.seen, now)
            node.status_at = min(node.status_at, now)
        for link in memory.links.values():
            link.brief.until, link.long.until = min(link.brief.until, now), min(link.long.until, now)
            link.status_at = min(link.status_at, now)
        memory.standing_at = min(memory.standing_at, now)
        memory.wired_at, memory.whole_at = min(memory.wired_at, now), min(memory.whole_at, now)
        memory.diagnosed_at, memory.next_due = min(memory.diagnosed_at, now), 0.0
        if memory.diagnose_at < inf:
            memory.diagnose_at = min(memory.diagnose_at, now)

    def forget(self, ident: str, now: float, out: list[Output]) -> None:
        """A link ends: its status goes with it, and so do the alerts about it."""
        memory, judgement = self._memory, self._judgement
        link = memory.links[ident]
        del memory.links[ident]
        if link.status_at:
            out.append(status.Forgotten(link.id))
        for rule in (*judgement.rules, *judgement.reported):
            if (alert := memory.alerts.get(key(rule, ident))) is not None:
                self._alerting.supersede(alert, now, out)

    def _end_alerts(self, now: float, out: list[Output]) -> None:
        memory = self._memory
        for alert in list(memory.alerts.values()):
            if alert.subject.kind == "link" and alert.subject.id not in memory.links:
                self._alerting.supersede(alert, now, out)

    def _look_for_rivals(self) -> None:
        lineages = [node.lineage for node in self._memory.nodes.values() if node.takes_writes]
        self.rivals = len(lineages) > len(set(lineages))
