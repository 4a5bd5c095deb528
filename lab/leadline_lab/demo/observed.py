"""What was observed so far, folded from the topics, the receiver's inbox and the incident log: all the demo knows."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from leadline.model.alert import Transition
from leadline.model.delivery import Delivery
from leadline.model.incident import Cause, Incident
from leadline.model.observation import NodeSettings
from leadline.model.status import LinkStatus, NodeStatus
from leadline_lab.pipeline import Gone
from leadline_lab.view.fleet import FleetView


@dataclass(frozen=True, slots=True)
class Arrival:
    """Something that a vendor took in, as the receiver shows it."""

    vendor: str
    kind: str
    """In the vendor's words: ``post``, ``update``, ``reply``, ``trigger``, ``acknowledge``, ``resolve``, ``change``."""
    key: str
    """The message that it belongs to, or the deduplication key."""
    headline: str
    text: str
    """Everything of it that people can read."""


@dataclass(slots=True)
class Seen:
    """Only what came through the pipeline; never what was done."""

    fleet: FleetView = field(default_factory=FleetView)
    settings: dict[str, dict[str, str]] = field(default_factory=dict)
    """By node."""
    fired: set[tuple[str, str]] = field(default_factory=set)
    """Rule, and the subject's identity."""
    deliveries: list[Delivery] = field(default_factory=list)
    inbox: list[Arrival] = field(default_factory=list)
    logged: Mapping[str, str] = field(default_factory=dict)
    """State of each incident in the incident log."""
    draft: str = ""
    """The post-mortem, exported from the incident log."""

    def take(self, news: Any) -> None:
        """Fold in a value of a topic."""
        if isinstance(news, Transition | Incident | Delivery | LinkStatus | NodeStatus):
            self.fleet.take(news)
        elif isinstance(news, Gone):
            self.fleet.forget(news.key.decode())
        if isinstance(news, Transition) and news.to == "firing":
            self.fired.add((news.rule, news.subject.id))
        elif isinstance(news, Delivery):
            self.deliveries.append(news)
        elif isinstance(news, NodeSettings):
            self.settings[news.node.name] = {name: setting.value for name, setting in news.settings.items()}

    @property
    def incident(self) -> Incident | None:
        """The newest record of the incident that began last."""
        return max(self.fleet.incidents.values(), key=lambda it: it.opened_at, default=None)

    @property
    def causes(self) -> list[Cause]:
        """Of that incident, ranked."""
        return self.incident.causes if self.incident is not None else []

    def link(self, upstream: str, downstream: str) -> LinkStatus | None:
        """The link between two nodes, as judged."""
        found = (row for row in self.fleet.links if (row.upstream, row.downstream) == (upstream, downstream))
        return next(found, None)

    def arrived(self, vendor: str, *kinds: str) -> list[Arrival]:
        """What a vendor got, of these kinds."""
        return [it for it in self.inbox if it.vendor == vendor and it.kind in kinds]

    @property
    def pages(self) -> int:
        """How many times somebody's pager rang: one for each deduplication key."""
        return len({it.key for it in self.arrived("pagerduty", "trigger")})

    @property
    def messages(self) -> int:
        """How many messages stand in the channel, threads not counted."""
        return len(self.arrived("slack", "post"))
