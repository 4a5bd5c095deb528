"""The present state of a fleet, folded from the topics."""

from collections import deque
from dataclasses import dataclass, field

from leadline.model.alert import Transition
from leadline.model.delivery import Delivery
from leadline.model.incident import Incident
from leadline.model.status import LinkStatus, NodeStatus

HISTORY = 120
"""Lags that are remembered of a link."""

News = Transition | Incident | Delivery
"""Values that are shown one by one, as they come."""


@dataclass(slots=True)
class Fleet:
    """Nodes and links by their last status, open alerts, incidents, and the last delivery to each target."""

    alerts: dict[str, Transition] = field(default_factory=dict)
    """Open alerts by identity, newest transition of each."""
    incidents: dict[str, Incident] = field(default_factory=dict)
    """Newest record of each incident."""
    deliveries: dict[str, Delivery] = field(default_factory=dict)
    """The last delivery to each target."""
    _nodes: dict[tuple[str, str], NodeStatus] = field(default_factory=dict)
    _links: dict[str, LinkStatus] = field(default_factory=dict)
    _lags: dict[str, deque[float]] = field(default_factory=dict)

    @property
    def nodes(self) -> list[NodeStatus]:
        """Every node, by cluster and name."""
        return [self._nodes[key] for key in sorted(self._nodes)]

    @property
    def links(self) -> list[LinkStatus]:
        """Every link, by cluster, downstream and upstream."""
        return sorted(self._links.values(), key=lambda link: (link.cluster, link.downstream, link.upstream, link.name))

    def history(self, link: str) -> tuple[float, ...]:
        """Lag of a link in seconds, oldest first; one for each ``sample_lags``."""
        return tuple(self._lags.get(link, ()))

    def sample_lags(self) -> None:
        """Add the present lag of each link to its history."""
        for ident, link in self._links.items():
            self._lags.setdefault(ident, deque(maxlen=HISTORY)).append(link.lag_s or 0.0)

    def take(self, value: LinkStatus | NodeStatus | News) -> None:
        """Fold in a value of a topic; records older than the known one are ignored."""
        match value:
            case NodeStatus():
                self._nodes[value.cluster, value.node] = value
            case LinkStatus():
                self._links[value.link] = value
            case Delivery():
                self.deliveries[value.target] = value
            case Incident():
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

    def forget(self, link: str) -> None:
        """A link whose status is over."""
        self._links.pop(link, None)
        self._lags.pop(link, None)
