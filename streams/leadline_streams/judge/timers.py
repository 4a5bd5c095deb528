"""Transitions of a cluster that become due without a new observation."""

from heapq import heappop, heappush, heapreplace
from math import inf

from leadline_streams.judge import lifecycle
from leadline_streams.judge.alerting import Alerting
from leadline_streams.judge.policy import Policy
from leadline_streams.judge.state import Memory

Timer = tuple[float, str, str]
"""When, of what kind, and which."""
NEVER: Timer = (inf, "", "")


class Timers:
    """All that becomes due in a cluster, in the order of time.

    Nodes and alerts, of which there may be many, are kept in a heap. A node's time only moves on, so it is looked at
    when its turn comes; alerts are looked at again after they were weighed.
    """

    __slots__ = ("_alerting", "_heap", "_known", "_memory", "_policy")

    def __init__(self, memory: Memory, alerting: Alerting, policy: Policy) -> None:
        self._memory = memory
        self._alerting = alerting
        self._policy = policy
        self._heap: list[Timer] = []
        self._known: dict[str | tuple[str, str], float] = {}
        """The time that the heap has for each."""
        for name in memory.nodes:
            self.watch(name)
        alerting.weighed.extend(memory.alerts)

    def watch(self, name: str) -> None:
        """A node is new, reports again, or reports more often."""
        self._push(self._node(name))

    def next(self) -> Timer:
        """The first; at infinity when there is none."""
        for place in self._alerting.weighed:
            self._push(self._alert(place))
        self._alerting.weighed.clear()
        heap = self._heap
        while heap:
            when, kind, ident = heap[0]
            now = self._alert(ident) if kind == "alert" else self._node(ident)
            if now[0] == when:
                break
            known = _key(kind, ident)
            if self._known.get(known) == when:
                if now[0] < inf:
                    self._known[known] = now[0]
                    heapreplace(heap, now)
                    continue
                del self._known[known]
            heappop(heap)
            self._push(now)
        soonest, few = heap[0] if heap else NEVER, self._few()
        return min(soonest, *few) if few else soonest

    def _push(self, timer: Timer) -> None:
        when, kind, ident = timer
        known = _key(kind, ident)
        if when < inf and self._known.get(known) != when:
            self._known[known] = when
            heappush(self._heap, timer)

    def _node(self, name: str) -> Timer:
        """When a node counts as silent."""
        node, source = self._memory.nodes.get(name), self._memory.arrivals.sources.get(name)
        if node is None or source is None or node.stale:
            return inf, "node", name
        return node.seen + source.stale_after_s, "node", name

    def _alert(self, place: str) -> Timer:
        """When an alert takes its next step by itself."""
        alert = self._memory.alerts.get(place)
        if alert is None:
            return inf, "alert", place
        when = lifecycle.next_due(alert, self._alerting.limits_of(alert), self._policy.pending_grace_s)
        return inf if when is None else when, "alert", place

    def _few(self) -> list[Timer]:
        """Uncertain links, silent sources of reports, the ends of incidents, and transitions that were not compared."""
        memory, few = self._memory, list[Timer]()
        if memory.rewire_at is not None:
            few.append((memory.rewire_at, "links", ""))
        for name, report in memory.reports.items():
            if not report.silent:
                few.append((report.until, "report", name))
            if report.ages_at < inf:
                few.append((report.ages_at, "ages", name))
        for incident in memory.incidents:
            if incident.quiet_since is not None:
                few.append((self._alerting.problems.ends_at(incident), "incident", incident.id))
        if memory.news:
            few.append((memory.diagnose_at, "news", ""))
        return few


def _key(kind: str, ident: str) -> str | tuple[str, str]:
    """A timer by kind and identity: nodes, of which each has one, by their names alone."""
    return ident if kind == "node" else (kind, ident)
