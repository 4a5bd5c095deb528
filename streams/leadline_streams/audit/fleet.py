"""Links and clusters as the rules of an audit see them."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from leadline.model.audit_look import AuditedSender
from leadline.model.replication import Downstream, Slot, Subscription
from leadline.model.status import LinkStatus
from leadline_streams.audit.node import AuditedNode


@dataclass(frozen=True)
class AuditedLink:
    """A link of which both ends were read."""

    status: LinkStatus
    up: AuditedNode
    down: AuditedNode

    @property
    def row(self) -> Downstream | None:
        """The sender of the link on its upstream, by its pid or name where only one can be it."""
        rows = [row for row in self.up.sample.downstreams if row.kind == self.status.link_kind]
        slot = self.slot_name
        by_slot = [row for row in rows if slot and row.slot == slot]
        by_name = [row for row in rows if row.name == self.sender_name]
        for found in (by_slot, by_name, rows if len(self.up.sample.downstreams) == 1 else []):
            if len(found) == 1:
                return found[0]
        return None

    @property
    def sender(self) -> AuditedSender | None:
        """The login of the sender."""
        row = self.row
        return next((one for one in self.up.look.senders or () if row is not None and one.pid == row.pid), None)

    @property
    def subscription(self) -> Subscription | None:
        """The subscription of a link that has one."""
        names = [one for one in self.down.sample.subscriptions if one.name == self.status.name]
        return names[0] if len(names) == 1 else None

    @property
    def slot_name(self) -> str:
        """The slot that the downstream names; empty where it names none."""
        if self.subscription is not None:
            return self.subscription.slot or ""
        upstream = self.down.sample.upstream
        return (upstream.slot or "") if upstream is not None else ""

    @property
    def slot(self) -> Slot | None:
        """That slot on the upstream; None where it does not exist there."""
        return next((slot for slot in self.up.sample.slots if slot.name == self.slot_name), None)

    @property
    def sender_name(self) -> str:
        """The ``application_name`` under which the upstream sees the downstream."""
        if self.subscription is not None:
            return self.subscription.in_sql
        upstream = self.down.sample.upstream
        return (upstream.application_name or "") if upstream is not None else ""


@dataclass(frozen=True)
class AuditedFleet:
    """The servers of one cluster and the links between those that were read."""

    cluster: str
    nodes: tuple[AuditedNode, ...]
    links: tuple[AuditedLink, ...]
    half: tuple[LinkStatus, ...] = ()
    """Links of which one end was not read."""

    def followers(self, node: AuditedNode, kinds: Iterable[str]) -> Iterator[AuditedLink]:
        """The links of these kinds whose upstream a node is."""
        wanted = frozenset(kinds)
        return (link for link in self.links if link.up is node and link.status.link_kind in wanted)
