"""Which node follows which, from the evidence of both ends.

A standby names its upstream by address and slot, a sender names its downstreams by slot and application name. Any one
match is enough, tried from the most to the least specific; a proxy or a container address only removes the first.
"""

from operator import attrgetter

from leadline.model.ids import NodeName, link_id
from leadline.model.observation import Downstream, Sample, Slot, Subscription, Upstream
from leadline_streams.engines.postgresql.links import DEFAULT_NAMES, NOT_DOWNSTREAMS, is_logical, is_streaming, senders
from leadline_streams.judge.state import LinkState, Memory, NodeState

_STARTING = "startup"
"""State of a sender without a start command: a subscription's looks like a standby's until it has its slot."""
_NAME = attrgetter("name")
_NAME_AND_SLOT = attrgetter("name", "slot")


def upstream_of(memory: Memory, node: NodeState) -> NodeName | None:
    """The node that a standby follows; the last one known when the sample does not show it."""
    sample = node.sample
    if sample is None or sample.upstream is None:
        return node.upstream
    receiver = sample.upstream
    others = [n for n in memory.nodes.values() if n.name != node.name and n.sample is not None]
    address = f"{receiver.host}:{receiver.port}"
    matches = [
        n for n in others if receiver.host and (address == f"{n.node.host}:{n.node.port}" or address in n.node.aliases)
    ]
    if not matches and receiver.slot:
        matches = [n for n in others if any(s.name == receiver.slot and s.kind == "physical" for s in _slots(n))]
    if not matches:
        names = {receiver.application_name, node.name} - DEFAULT_NAMES - {None}
        matches = [n for n in others if any(d.kind == "physical" and d.name in names for d in senders(n))]
    if len(matches) == 1:
        return matches[0].name
    if node.upstream in memory.nodes:
        return node.upstream
    writable = [n for n in others if n.node.role == "primary" and n.node.system_id == node.node.system_id]
    return writable[0].name if len(writable) == 1 else None


def publisher_of(memory: Memory, node: NodeState, subscription: Subscription) -> NodeName | None:
    """The node that holds a subscription's slot."""
    for other in memory.nodes.values():
        if other.name != node.name and any(s.name == subscription.slot and s.kind == "logical" for s in _slots(other)):
            return other.name
    return None


def same_neighbours(before: Sample, after: Sample) -> bool:
    """Whether two samples of a node name the same neighbours; if not, links are discovered again."""
    old, new = before.upstream, after.upstream
    if old is None or new is None:
        if old is not new:
            return False
    elif old.host != new.host or old.port != new.port or old.slot != new.slot:
        return False
    rows, were = after.downstreams, before.downstreams
    if (rows or were) and list(map(_NAME_AND_SLOT, rows)) != list(map(_NAME_AND_SLOT, were)):
        return False
    slots, had = after.slots, before.slots
    if (slots or had) and list(map(_NAME, slots)) != list(map(_NAME, had)):
        return False
    now, then = after.subscriptions, before.subscriptions
    return not (now or then) or list(map(_NAME_AND_SLOT, now)) == list(map(_NAME_AND_SLOT, then))


def discover(memory: Memory, node: NodeState, now: float) -> None:
    """Add the links that a node's newest sample shows, remove those that it no longer has."""
    sample = node.sample
    if sample is None:
        return
    if sample.upstream is not None and node.node.role == "standby":
        node.upstream = upstream_of(memory, node)
        upstream = node.upstream or _address(sample.upstream)
        if upstream is not None:
            _adopt(memory, node, sample.upstream, upstream, now)
    for subscription in sample.subscriptions:
        publisher = publisher_of(memory, node, subscription)
        if publisher is not None:
            _subscribe(memory, node, subscription, publisher, now)
    names = {subscription.name for subscription in sample.subscriptions}
    for link in [k for k in memory.links.values() if k.downstream == node.name and is_logical(k)]:
        if link.name not in names and not link.agentless:
            del memory.links[link.id]
            if link.slot is not None and (keeper := memory.nodes.get(link.upstream)) is not None:
                keeper.freed[link.slot] = now
    if node.freed:
        node.freed = {slot.name: node.freed[slot.name] for slot in sample.slots if slot.name in node.freed}
    for row in senders(node):
        if row.state not in {*NOT_DOWNSTREAMS, _STARTING} and _link_of(memory, node, row) is None:
            name = NodeName(row.name if row.name not in DEFAULT_NAMES else f"{row.name or 'walreceiver'}@{row.address}")
            if row.kind == "physical" and name in memory.nodes:
                continue  # its own agent reports: promoted a moment ago, it is no longer a standby
            ident = link_id(memory.cluster, node.name, name)
            memory.links[ident] = LinkState(
                ident, node.name, name, row.kind, slot=row.slot, agentless=True, moved_at=now, created_at=now
            )


def _subscribe(memory: Memory, node: NodeState, subscription: Subscription, publisher: NodeName, now: float) -> None:
    """The logical link of a subscription; it ends when that is dropped, or has moved to another publisher."""
    ident = link_id(memory.cluster, publisher, node.name, subscription.name)
    link = memory.links.get(ident)
    if link is None:
        for other in [k for k in memory.links.values() if k.downstream == node.name and k.name == subscription.name]:
            del memory.links[other.id]
        memory.links[ident] = link = LinkState(ident, publisher, node.name, "logical", subscription.name, moved_at=now)
        _forget_stand_in(memory, publisher, "logical", {subscription.name, subscription.slot or ""}, ident)
    link.slot = subscription.slot


def _address(receiver: Upstream) -> NodeName | None:
    """A name for an upstream without an agent: the address that the standby connects to."""
    return NodeName(f"{receiver.host}:{receiver.port}") if receiver.host else None


def _adopt(memory: Memory, node: NodeState, receiver: Upstream, upstream: NodeName, now: float) -> None:
    """The physical link of a standby; a link to another upstream ends when the standby has moved on."""
    ident = link_id(memory.cluster, upstream, node.name)
    link = memory.links.get(ident)
    if link is None:
        for other in [k for k in memory.links.values() if k.downstream == node.name and is_streaming(k)]:
            del memory.links[other.id]
        memory.links[ident] = link = LinkState(ident, upstream, node.name, "physical", moved_at=now, created_at=now)
        names = {receiver.application_name or "", receiver.slot or "", node.name}
        _forget_stand_in(memory, upstream, "physical", names, ident)
    link.agentless = False
    link.headless = node.upstream is None
    link.slot = receiver.slot


def _forget_stand_in(memory: Memory, upstream: NodeName, kind: str, names: set[str], keep: str) -> None:
    """Drop the link that stood for a downstream before its own agent reported."""
    for link in list(memory.links.values()):
        if (
            link.agentless
            and link.id != keep
            and link.upstream == upstream
            and link.kind == kind
            and (link.downstream in names or (link.slot is not None and link.slot in names))
        ):
            del memory.links[link.id]


def _link_of(memory: Memory, node: NodeState, row: Downstream) -> LinkState | None:
    for link in memory.links.values():
        if link.upstream != node.name or link.kind != row.kind:
            continue
        if link.slot is not None and link.slot == row.slot:
            return link
        if row.name in (link.downstream, link.name) or link.downstream == f"{row.name or 'walreceiver'}@{row.address}":
            return link
        follower = memory.nodes.get(link.downstream)
        receiver = follower.sample.upstream if follower is not None and follower.sample is not None else None
        if receiver is not None and receiver.application_name == row.name and row.name not in DEFAULT_NAMES:
            return link
    return None


def _slots(node: NodeState) -> tuple[Slot, ...]:
    return node.sample.slots if node.sample is not None else ()


def promoted(memory: Memory, node: NodeState) -> None:
    """Drop the streaming links of a standby that takes writes itself."""
    for link in [link for link in memory.links.values() if link.downstream == node.name and is_streaming(link)]:
        del memory.links[link.id]
