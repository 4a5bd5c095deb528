"""Transitions of a cluster that become due without a new observation."""

from collections.abc import Iterator

from leadline_streams.judge import lifecycle
from leadline_streams.judge.alerting import Alerting
from leadline_streams.judge.policy import Policy
from leadline_streams.judge.state import Memory


def upcoming(memory: Memory, alerting: Alerting, policy: Policy) -> Iterator[tuple[float, str, str]]:
    """When, of what kind, and which: silent nodes and sources, alerts, uncertain links, the ends of incidents."""
    for node in memory.nodes.values():
        source = memory.arrivals.sources.get(node.name)
        if not node.stale and source is not None:
            yield node.seen + source.stale_after_s, "node", node.name
    for place, alert in memory.alerts.items():
        when = lifecycle.next_due(alert, alerting.limits_of(alert), policy.pending_grace_s)
        if when is not None:
            yield when, "alert", place
    if memory.rewire_at is not None:
        yield memory.rewire_at, "links", ""
    for name, report in memory.reports.items():
        if not report.silent:
            yield report.until, "report", name
    for incident in memory.incidents:
        if incident.quiet_since is not None:
            yield alerting.problems.ends_at(incident), "incident", incident.id
