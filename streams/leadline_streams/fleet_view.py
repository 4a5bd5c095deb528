"""The fleet as a terminal shows it, folded from the samples by the same judgement as everywhere."""

from collections import deque
from datetime import datetime

from msgspec.structs import replace

from leadline.errors import BadRecord
from leadline.model.finding import FindingReport, Observation
from leadline.model.observation import NodeSettings, Sample, Tick
from leadline.rows import LinkRow, NodeRow
from leadline_streams.assembly import judgement
from leadline_streams.judge.alerting import Output
from leadline_streams.judge.cluster import ClusterState
from leadline_streams.judge.policy import Policy
from leadline_streams.judge.state import LinkState

HISTORY = 120
_RATE_OVER_S = 10.0


class Picture:
    """The newest look at every node and the present verdict of every link."""

    def __init__(self, policy: Policy, *, patient: bool = True) -> None:
        """``patient`` false judges each observation at once: for one look, where all were made together."""
        self._patient = patient
        self._judgement = judgement(policy if patient else replace(policy, lateness_s=0.0))
        self.clusters: dict[str, ClusterState] = {}
        self._newest: dict[tuple[str, str], Sample] = {}
        self._history: dict[str, deque[float]] = {}

    def take(self, seen: Observation) -> list[Output]:
        """Fold an observation in; returns what the judgement says to it. Unusable ones change nothing."""
        if isinstance(seen, Tick):
            return self.tick(seen.at)
        if isinstance(seen, FindingReport):
            return []
        state = self.clusters.get(seen.node.cluster)
        if state is None:
            state = self.clusters[seen.node.cluster] = ClusterState(seen.node.cluster, self._judgement)
        if isinstance(seen, Sample):
            self._newest[seen.node.cluster, seen.node.name] = seen
        try:
            out = state.observe(seen)
        except BadRecord:
            return []
        if not isinstance(seen, NodeSettings):
            self._remember(state, seen.node.name)
        return out

    def tick(self, now: datetime) -> list[Output]:
        """Let time pass."""
        return [said for state in self.clusters.values() for said in state.tick(now)]

    def nodes(self) -> list[NodeRow]:
        """Every node by its newest look."""
        return [self._node(cluster, sample) for (cluster, _), sample in sorted(self._newest.items())]

    def links(self) -> list[LinkRow]:
        """Every link as judged."""
        return [
            LinkRow(
                cluster=state.name,
                id=link.id,
                upstream=link.upstream,
                downstream=link.downstream,
                link_kind=link.kind,
                name=link.name,
                verdict=link.verdict,
                lag_s=link.lag_s,
                lag_bytes=link.lag_units,
                history=tuple(self._history.get(link.id, ())),
            )
            for state in self.clusters.values()
            for link in state.memory.links.values()
            if not self._patient or link.is_settled(state.memory.arrivals.horizon)
        ]

    def _node(self, cluster: str, sample: Sample) -> NodeRow:
        known = self.clusters[cluster].memory.nodes.get(sample.node.name)
        silent = known is not None and known.stale
        primary = known is not None and sample.node.role == "primary"
        positions = sample.positions
        return NodeRow(
            cluster=cluster,
            name=sample.node.name,
            role=sample.node.role,
            version=sample.node.version,
            datacenter=sample.node.datacenter,
            up=sample.up and not silent,
            position=(positions.current_lsn or positions.replayed_lsn) if positions is not None else None,
            write_rate=known.clock.rate(_RATE_OVER_S) if known is not None and primary else None,
            note="its agent is silent" if silent else sample.error,
        )

    def _remember(self, state: ClusterState, node: str) -> None:
        for link in state.memory.links.values():
            if self._judged_with(link, node):
                self._history.setdefault(link.id, deque(maxlen=HISTORY)).append(link.lag_s or 0.0)

    def _judged_with(self, link: LinkState, node: str) -> bool:
        return node == (link.upstream if link.agentless else link.downstream)
