"""Everything observed so far, folded from the topics, the receiver's inbox and the incident log."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from leadline.model.alert import Transition
from leadline.model.delivery import Delivery
from leadline.model.ids import LinkId
from leadline.model.incident import Cause, Incident
from leadline.model.observation import NodeSettings
from leadline.model.status import LinkStatus, NodeStatus
from leadline.model.verification import Verification
from leadline_lab.pipeline import Gone
from leadline_lab.view.fleet import FleetView
from leadline_streams.judge.audit_notices import DIGEST, NOTICE


@dataclass(frozen=True, slots=True)
class VendorEvent:
    """Something that a vendor accepted, as the receiver shows it."""

    vendor: str
    kind: str
    """In the vendor's words: ``post``, ``update``, ``reply``, ``trigger``, ``acknowledge``, ``resolve``, ``change``."""
    key: str
    """The message that it belongs to, or the deduplication key."""
    headline: str
    text: str
    """All text in it that people can read."""


@dataclass(slots=True)
class Observed:
    """Everything that came through the pipeline; nothing of the actions themselves."""

    fleet: FleetView = field(default_factory=FleetView)
    settings: dict[str, dict[str, str]] = field(default_factory=dict)
    """By node."""
    fired: set[tuple[str, str]] = field(default_factory=set)
    """Rule, and the subject's identity."""
    verified: dict[LinkId, Verification] = field(default_factory=dict)
    """The last comparison of the data of each link."""
    deliveries: list[Delivery] = field(default_factory=list)
    inbox: list[VendorEvent] = field(default_factory=list)
    logged: Mapping[str, str] = field(default_factory=dict)
    """The state of each incident in the incident log."""
    draft: str = ""
    """The post-mortem of the first incident, exported from the incident log."""
    further_drafts: list[str] = field(default_factory=list)
    """Those of the other incidents."""

    def add(self, value: Any) -> None:
        """Add a value of a topic."""
        if isinstance(value, Transition | Incident | Delivery | LinkStatus | NodeStatus):
            self.fleet.take(value)
        elif isinstance(value, Gone):
            self.fleet.forget(value.key.decode())
        if isinstance(value, Transition) and value.to == "firing":
            self.fired.add((value.rule, value.subject.id))
        elif isinstance(value, Delivery):
            self.deliveries.append(value)
        elif isinstance(value, Verification):
            self.verified[value.link] = value
        elif isinstance(value, NodeSettings):
            self.settings[value.node.name] = {name: setting.value for name, setting in value.settings.items()}

    @property
    def alerts(self) -> list[Transition]:
        """The open alerts, but for those of an audit, which are about settings and not about what happens."""
        return [alert for alert in self.fleet.alerts.values() if alert.rule not in (DIGEST, NOTICE)]

    @property
    def incidents(self) -> list[Incident]:
        """The newest record of each incident, in the order of their opening; not of those merged into another."""
        incidents = (one for one in self.fleet.incidents.values() if one.merged_into is None)
        return sorted(incidents, key=lambda incident: (incident.opened_at, incident.incident_id))

    @property
    def incident(self) -> Incident | None:
        """The incident that was opened first."""
        return self.incidents[0] if self.incidents else None

    @property
    def newest(self) -> Incident | None:
        """The incident that was opened last; of those that are open, if there are any."""
        return max(self.incidents, key=lambda incident: (incident.state == "open", incident.opened_at), default=None)

    @property
    def causes(self) -> list[Cause]:
        """The causes of all incidents, ranked within each."""
        return [cause for incident in self.incidents for cause in incident.causes]

    def link(self, upstream: str, downstream: str) -> LinkStatus | None:
        """The link between two nodes with its verdict."""
        found = (link for link in self.fleet.links if (link.upstream, link.downstream) == (upstream, downstream))
        return next(found, None)

    def received(self, vendor: str, *kinds: str) -> list[VendorEvent]:
        """The events of these kinds that a vendor accepted."""
        return [event for event in self.inbox if event.vendor == vendor and event.kind in kinds]

    @property
    def pages(self) -> int:
        """The number of pages: one for each deduplication key."""
        return len({event.key for event in self.received("pagerduty", "trigger")})

    @property
    def messages(self) -> int:
        """The number of messages in the channel, replies in threads not counted."""
        return len(self.received("slack", "post"))
