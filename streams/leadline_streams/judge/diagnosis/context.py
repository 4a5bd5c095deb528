"""An incident's cluster laid out for the causes."""

from typing import TYPE_CHECKING

from leadline_streams.engines.postgresql import topology
from leadline_streams.judge import verdict
from leadline_streams.judge.diagnosis.ranking import Case, LinkCase
from leadline_streams.judge.state import AlertState, LinkState

if TYPE_CHECKING:
    from leadline_streams.judge.cluster import ClusterState


def open_case(state: "ClusterState", now: float) -> Case:
    """What the causes may look at: links in trouble, open alerts, recent changes."""
    memory, incident = state.memory, state.memory.incident
    alerts = list(memory.alerts.values())
    cases = (_link_case(state, link, alerts) for link in memory.links.values())
    return Case(
        cluster=state,
        now=now,
        opened_at=incident.opened_at if incident is not None else now,
        alerts=alerts,
        links=[case for case in cases if case.rules or case.link.verdict not in ("idle", "healthy")],
        rules=frozenset(alert.rule for alert in alerts),
        fired=frozenset(incident.rules if incident is not None else ()),
        changes=memory.changes,
        named=frozenset((cause.code, cause.subject.id) for cause in incident.causes) if incident else frozenset(),
    )


def _link_case(state: "ClusterState", link: LinkState, alerts: list[AlertState]) -> LinkCase:
    nodes = state.memory.nodes
    up, down = nodes.get(link.upstream), nodes.get(link.downstream)
    ends = (link.upstream, link.downstream)
    rules = frozenset(
        alert.rule
        for alert in alerts
        if alert.subject.id == link.id or alert.subject.node in ends or alert.subject.kind == "cluster"
    )
    return LinkCase(
        link=link,
        up=up,
        down=down,
        row=topology.row_of(link, up, down) if up is not None and up.answers else None,
        slot=verdict.slot_of(link, up),
        subscription=verdict.subscription_of(link, down),
        clock=state.clock_of(link),
        rules=rules,
    )
