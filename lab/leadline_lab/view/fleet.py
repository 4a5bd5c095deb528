"""The present state of a fleet, folded from the topics."""

from collections import deque
from dataclasses import dataclass, field

from leadline.model.alert import Transition
from leadline.model.delivery import Delivery
from leadline.model.ids import node_id
from leadline.model.incident import Incident
from leadline.model.status import LinkStatus, NodeStatus

HISTORY = 120
"""Lags that are remembered of a link."""
HISTORY_EVERY_S = 1.0

Event = Transition | Incident | Delivery
"""Values that are shown one by one, as they come."""


@dataclass(slots=True)
class FleetView:
    """Nodes and links by their last status, open alerts, incidents, and the last delivery to each target."""

    alerts: dict[str, Transition] = field(default_factory=dict)
    """Open alerts by identity, the newest transition of each."""
    incidents: dict[str, Incident] = field(default_factory=dict)
    """The newest record of each incident."""
    notified: dict[str, dict[str, Delivery]] = field(default_factory=dict)
    """The last delivery of each incident to each target that was notified of it."""
    deliveries: dict[str, Delivery] = field(default_factory=dict)
    """The last delivery to each target that was more than a look at what it has."""
    _nodes: dict[str, NodeStatus] = field(default_factory=dict)
    _links: dict[str, LinkStatus] = field(default_factory=dict)
    _lags: dict[str, deque[float]] = field(default_factory=dict)
    _sampled_at: float | None = None

    @property
    def nodes(self) -> list[NodeStatus]:
        """Every node, by cluster and name."""
        return sorted(self._nodes.values(), key=lambda node: (node.cluster, node.node))

    @property
    def links(self) -> list[LinkStatus]:
        """Every link, by cluster, downstream and upstream."""
        return sorted(self._links.values(), key=lambda link: (link.cluster, link.downstream, link.upstream, link.name))

    def history(self, link: str) -> tuple[float, ...]:
        """Lags of a link in seconds, one a second, oldest first; one that was not known is 0."""
        return tuple(self._lags.get(link, ()))

    def sample_lags(self, now: float) -> None:
        """Add the present lag of each link to its history, if a second has passed by the monotonic time ``now``."""
        if self._sampled_at is None:
            self._sampled_at = now
        if now - self._sampled_at < HISTORY_EVERY_S:
            return
        self._sampled_at += HISTORY_EVERY_S
        for ident, link in self._links.items():
            self._lags.setdefault(ident, deque(maxlen=HISTORY)).append(link.lag_s or 0.0)

    def take(self, value: LinkStatus | NodeStatus | Event) -> None:
        """Fold in a value of a topic. Transitions and incidents with a ``seq`` that is not new are ignored, and so are
        notices of an audit, whose alerts have the same."""
        match value:
            case NodeStatus():
                self._nodes[node_id(value.cluster, value.node)] = value
            case LinkStatus():
                self._links[value.link] = value
            case Delivery():
                if value.outcome != "nothing_new":
                    self.deliveries[value.target] = value
                if value.first_at is not None:
                    self.notified.setdefault(value.incident_id, {})[value.target] = value
            case Incident(class_="page"):
                known = self.incidents.get(value.incident_id)
                if known is None or value.seq > known.seq:
                    self.incidents[value.incident_id] = value
            case Transition():
                before = self.alerts.get(value.alert_id)
                if before is not None and value.seq <= before.seq:
                    return
                if value.to in ("ok", "resolved"):
                    self.alerts.pop(value.alert_id, None)
                else:
                    self.alerts[value.alert_id] = value

    def forget(self, key: str) -> None:
        """Fold in a tombstone of the status topic: the link or node of this key is gone."""
        self._nodes.pop(key, None)
        self._links.pop(key, None)
        self._lags.pop(key, None)
