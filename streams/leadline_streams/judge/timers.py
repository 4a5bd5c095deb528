"""What will happen by itself in a cluster, if nothing is observed until then."""

from collections.abc import Iterator
from typing import TYPE_CHECKING

from leadline_streams.judge import alerting, lifecycle

if TYPE_CHECKING:
    from leadline_streams.judge.cluster import ClusterState


def upcoming(state: "ClusterState") -> Iterator[tuple[float, str, str]]:
    """When, of what kind, and which: nodes that fall silent, alerts that fire or resolve, the incident that ends."""
    memory, policy = state.memory, state.policy
    for node in memory.nodes.values():
        source = memory.arrivals.sources.get(node.name)
        if not node.stale and source is not None:
            yield node.seen + source.stale_after_s, "node", node.name
    for place, alert in memory.alerts.items():
        when = lifecycle.next_due(alert, alerting.limits_of(state, alert), policy.pending_grace_s)
        if when is not None:
            yield when, "alert", place
    incident = memory.incident
    if incident is not None and incident.quiet_since is not None and not memory.alerts:
        yield incident.quiet_since + policy.quiet_s, "incident", incident.id
