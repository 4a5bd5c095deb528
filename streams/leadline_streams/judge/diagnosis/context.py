"""A cluster with open alerts as the causes see it. Read only."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from leadline.model.alert import Evidence, Subject
from leadline.model.incident import Change
from leadline.model.observation import Sample
from leadline.model.replication import Downstream, Slot, Subscription
from leadline.setting_words import origin, shown, written
from leadline_streams.judge.chain import clock_of, root_of
from leadline_streams.judge.engine import Engine
from leadline_streams.judge.link_state import LinkState
from leadline_streams.judge.node_state import NodeState
from leadline_streams.judge.position_clock import PositionClock
from leadline_streams.judge.problem_state import AlertState, IncidentState
from leadline_streams.judge.rule import ClusterView, fact
from leadline_streams.judge.subject import of_node, of_slot


@dataclass(frozen=True, slots=True, kw_only=True)
class AffectedLink:
    """A link that is not healthy or has an open alert, and its ends. An end is None when no agent reads it."""

    link: LinkState
    engine: Engine
    up: NodeState | None
    down: NodeState | None
    row: Downstream | None
    """The sender's row for the link; None when it is not connected or the upstream does not answer."""
    slot: Slot | None
    subscription: Subscription | None
    clock: PositionClock
    """The root primary's."""
    rules: frozenset[str]
    """Rules with an open alert on this link, its slot, its subscription or its ends."""

    @property
    def sample(self) -> Sample | None:
        """The downstream's last sample; None when it does not answer."""
        return self.down.sample if self.down is not None and self.down.answers else None

    @property
    def wait(self) -> str:
        """The wait event of the downstream's startup process, ``type/event``; empty when it is busy or unknown."""
        sample = self.sample
        return (sample.positions.startup_wait or "") if sample is not None and sample.positions is not None else ""


@dataclass(frozen=True, slots=True)
class DiagnosisContext:
    """A cluster with open alerts."""

    cluster: ClusterView
    now: float
    opened_at: float
    """Beginning of the first breach of the oldest open incident."""
    alerts: list[AlertState]
    """Open alerts, pending ones among them."""
    links: list[AffectedLink]
    """Links that are not healthy or have an open alert."""
    rules: frozenset[str]
    """Rules with an open alert anywhere in the cluster."""
    changes: list[Change]
    """Recent configuration changes, oldest first."""
    named: frozenset[tuple[str, str]]
    """Causes named before in open incidents, by code and subject: what is over explains what is left."""
    engines: Mapping[str, Engine]
    as_if: Mapping[str, frozenset[str]] = field(default_factory=dict)
    """Rules that would have an alert if what is seen lasted, by link; only where there is no time to see it last."""

    @property
    def nodes(self) -> list[NodeState]:
        """Every node of the cluster."""
        return list(self.cluster.nodes.values())

    def root(self, affected: AffectedLink) -> NodeState | None:
        """The primary at the top of a link's chain, as far as agents can see."""
        return root_of(self.cluster, affected.link.upstream)

    def about_node(self, node: NodeState) -> Subject:
        """A node as a claim's subject."""
        return of_node(self.cluster.cluster, node.name)

    def about_slot(self, node: NodeState, slot: str) -> Subject:
        """A slot as a claim's subject."""
        return of_slot(self.cluster.cluster, node.name, slot)

    def setting(self, node: NodeState | None, name: str) -> str | None:
        """A node's setting as the server reports it, without its unit; None when it is not known."""
        value = node.settings.get(name) if node is not None else None
        return value.value if value is not None else None

    def number(self, node: NodeState | None, name: str) -> int | None:
        """A node's setting that is a whole number; None when it is not known or none."""
        try:
            return int(self.setting(node, name) or "")
        except ValueError:
            return None

    def shown(self, node: NodeState | None, name: str) -> str:
        """A node's setting for people: ``30s``."""
        value = node.settings.get(name) if node is not None else None
        return shown(name, written(value.value, value.unit)) if value is not None else "unknown"

    def changed(self, node: NodeState | None, *settings: str) -> Change | None:
        """The latest recent change of any of these settings on a node."""
        for change in reversed(self.changes):
            if node is not None and change.node == node.name and change.setting in settings:
                return change
        return None

    def blame(self, node: NodeState | None, *settings: str) -> tuple[str, list[Evidence]]:
        """The latest recent change of these settings, as the end of a summary and as evidence; empty for none."""
        change = self.changed(node, *settings)
        return change_in_words(change) if change is not None else ("", [])


def open_context(
    cluster: ClusterView,
    engines: Mapping[str, Engine],
    now: float,
    *,
    alerts: Iterable[AlertState],
    incidents: Sequence[IncidentState],
    changes: list[Change],
) -> DiagnosisContext:
    """The context of a cluster's open alerts."""
    alerts = list(alerts)
    rules: dict[str, set[str]] = {}
    """Rules with an open alert, by link, node or cluster."""
    for alert in alerts:
        about = alert.subject
        rules.setdefault(about.id if about.kind == "link" else about.node or "", set()).add(alert.rule)
    links = (_affected(cluster, engines, link, rules) for link in cluster.links.values())
    return DiagnosisContext(
        cluster=cluster,
        now=now,
        opened_at=min((incident.opened_at for incident in incidents), default=now),
        alerts=alerts,
        links=[each for each in links if each.rules or each.link.verdict not in ("idle", "healthy")],
        rules=frozenset(alert.rule for alert in alerts),
        changes=changes,
        named=frozenset((cause.code, cause.subject.id) for incident in incidents for cause in incident.causes),
        engines=engines,
    )


def _affected(
    cluster: ClusterView, engines: Mapping[str, Engine], link: LinkState, rules: Mapping[str, set[str]]
) -> AffectedLink:
    up, down = cluster.nodes.get(link.upstream), cluster.nodes.get(link.downstream)
    engine = engines[(down or up or next(iter(cluster.nodes.values()))).node.engine]
    parts = engine.parts(link, up, down)
    places = (link.id, link.upstream, link.downstream, "")
    return AffectedLink(
        link=link,
        engine=engine,
        up=up,
        down=down,
        row=parts.row,
        slot=parts.slot,
        subscription=parts.subscription,
        clock=clock_of(cluster, link),
        rules=frozenset().union(*(rules.get(place, ()) for place in places)),
    )


def change_in_words(change: Change) -> tuple[str, list[Evidence]]:
    """A change as an end for a summary and as evidence."""
    before, after = (shown(change.setting, value) for value in (change.from_, change.to))
    what = f"changed from {before} to {after} at {change.at:%H:%M:%S} UTC"
    place = origin(change)
    noted = f"{what}, by {place}" if place else what
    return f"; {change.setting} on {change.node} was {what}", [fact(change.setting, after, change.node, noted)]
