"""Nodes and links as a few samples show them, judged at once in this process: for ``leadline check``."""

from datetime import datetime

from msgspec.structs import replace

from leadline.clock import epoch
from leadline.errors import BadRecord
from leadline.model.observation import NodeSettings, Sample
from leadline.model.status import LinkStatus, NodeStatus
from leadline_streams.assembly import ENGINES, judgement
from leadline_streams.judge import status
from leadline_streams.judge.cluster import ClusterState
from leadline_streams.judge.policy import Policy


class OneLook:
    """Judges samples that were taken together, without waiting for late ones."""

    def __init__(self, policy: Policy) -> None:
        self._judgement = judgement(replace(policy, lateness_s=0.0))
        self._clusters: dict[str, ClusterState] = {}
        self._now = 0.0

    def take(self, seen: Sample | NodeSettings) -> None:
        """Judge an observation. One that cannot be used changes nothing."""
        state = self._clusters.get(seen.node.cluster)
        if state is None:
            state = self._clusters[seen.node.cluster] = ClusterState(seen.node.cluster, self._judgement)
        try:
            state.observe(seen)
        except BadRecord:
            return

    def tick(self, now: datetime) -> None:
        """Let time pass."""
        self._now = epoch(now)
        for state in self._clusters.values():
            state.tick(now)

    def nodes(self) -> list[NodeStatus]:
        """Every node, by cluster and name."""
        found = []
        for state in self._clusters.values():
            for _, node in sorted(state.memory.nodes.items()):
                engine = ENGINES[node.node.engine]
                position = engine.position_of(node.sample) if node.sample is not None else None
                found.append(status.publish_node(node, state.name, position, engine.unit, self._now, 0.0))
        return found

    def links(self) -> list[LinkStatus]:
        """Every link, those to nodes without an agent too."""
        return [
            status.publish_link(
                link,
                state.memory.nodes.get(link.upstream),
                state.memory.nodes.get(link.downstream),
                state.name,
                self._now,
                0.0,
            )
            for state in self._clusters.values()
            for link in state.memory.links.values()
        ]
