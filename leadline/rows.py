"""What a view shows of a node, a link and the whole fleet."""

from dataclasses import dataclass, field

from leadline.model.alert import Transition, Verdict
from leadline.model.delivery import Delivery
from leadline.model.incident import Incident
from leadline.model.observation import LinkKind


@dataclass(frozen=True, slots=True)
class NodeRow:
    """One server. ``note`` says why it does not answer."""

    cluster: str
    name: str
    role: str
    version: str
    datacenter: str
    up: bool
    position: str | None
    write_rate: float | None
    """Bytes of log per second on a primary."""
    note: str | None = None


@dataclass(frozen=True, slots=True)
class LinkRow:
    """One link; ``history`` is its lag in seconds, oldest first."""

    cluster: str
    id: str
    upstream: str
    downstream: str
    link_kind: LinkKind
    name: str
    verdict: Verdict
    lag_s: float | None
    lag_bytes: int | None
    history: tuple[float, ...] = ()


@dataclass(slots=True)
class Fleet:
    """Everything there is to show now."""

    nodes: list[NodeRow] = field(default_factory=list)
    links: list[LinkRow] = field(default_factory=list)
    alerts: dict[str, Transition] = field(default_factory=dict)
    """Open alerts by identity, newest transition of each."""
    incidents: dict[str, Incident] = field(default_factory=dict)
    """Newest record of each incident seen."""
    told: dict[str, Delivery] = field(default_factory=dict)
    """The last word to each target."""

    def take(self, news: Transition | Incident | Delivery) -> None:
        """Fold in what is new; older records than those known are ignored."""
        if isinstance(news, Delivery):
            self.told[news.target] = news
            return
        if isinstance(news, Incident):
            known = self.incidents.get(news.incident_id)
            if known is None or news.seq > known.seq:
                self.incidents[news.incident_id] = news
            return
        before = self.alerts.get(news.alert_id)
        if before is not None and news.seq <= before.seq:
            return
        if news.to in ("ok", "resolved"):
            self.alerts.pop(news.alert_id, None)
        else:
            self.alerts[news.alert_id] = news
