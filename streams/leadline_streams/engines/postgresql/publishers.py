"""The publisher of each subscription: the server whose slot its worker reads."""

from collections.abc import Iterable

from leadline.model.ids import NodeName, link_id, one_of
from leadline.model.replication import Slot, Subscription
from leadline.numbers import whole_number
from leadline_streams.engines.postgresql.candidates import MANY, MOST_CANDIDATES, Addresses
from leadline_streams.engines.postgresql.identity import SenderKey, key_of
from leadline_streams.engines.postgresql.links import is_logical
from leadline_streams.engines.postgresql.matching import LEAST, assign, logical_points
from leadline_streams.engines.postgresql.rights import hides
from leadline_streams.engines.postgresql.stand_ins import StandIns
from leadline_streams.judge import limits
from leadline_streams.judge.link_state import LinkState
from leadline_streams.judge.lookup import first
from leadline_streams.judge.node_state import NodeState
from leadline_streams.judge.state import Memory

Reader = tuple[NodeName, str]
"""A node and its subscription."""


def discover(memory: Memory, nodes: list[NodeState], stood_in: StandIns, now: float) -> bool:
    """Bring the logical links of nodes that answer up to date; whether a later look may decide more."""
    readers = {(node.name, each.name): each for node in nodes for each in _subscriptions(node)}
    _forget(memory, nodes, readers, now)
    own: dict[Reader, list[LinkState]] = {}
    for each in memory.links.values():
        if each.name:
            own.setdefault((each.downstream, each.name), []).append(each)
    slots: dict[str, dict[NodeName, tuple[NodeState, Slot]]] = {}
    for node in nodes:
        for slot in node.sample.slots if node.sample is not None else ():
            if slot.kind == "logical":
                slots.setdefault(slot.name, {})[node.name] = node, slot
    pairs, places = {}, Addresses(nodes)
    for (name, _), subscription in readers.items():
        down = memory.nodes[name]
        known = {link.upstream for link in own.get((name, subscription.name), ())}
        for up, slot in _likely(slots.get(subscription.slot or "", {}), places, down, subscription, known):
            link = memory.links.get(link_id(memory.cluster, up.name, name, subscription.name))
            if up is not down:
                points = logical_points(up, slot, down, subscription, sticky=link is not None)
                if points is not None:
                    pairs[(name, subscription.name), (up.name, slot.name)] = points
    found, candidates = assign(pairs)
    for reader, subscription in readers.items():
        links = own.get(reader, [])
        so_far = links[0] if links else None
        if reader in found:
            upstream = found[reader][0]
            other = so_far is not None and so_far.upstream != upstream and so_far.upstream in memory.nodes
            if other and not _is_over(memory, so_far) and pairs[reader, found[reader]] < LEAST:
                continue  # a slot of that name elsewhere: where the subscription connects to has not changed
            _subscribe(memory, reader, subscription, upstream, (), links, stood_in, now)
        elif reader in candidates and so_far is None:
            names = tuple(sorted({name for name, _ in candidates[reader]})[:MOST_CANDIDATES])
            upstream = names[0] if len(names) == 1 else one_of(names)
            _subscribe(memory, reader, subscription, upstream, names if len(names) > 1 else (), links, stood_in, now)
        elif so_far is not None:
            so_far.slot = subscription.slot
            so_far.sender = _sender(memory.nodes.get(so_far.upstream), subscription.slot)
    answering = {node.name for node in nodes}
    for link in memory.links.values():
        if is_logical(link) and not link.agentless and link.downstream not in answering:
            link.sender = _sender(memory.nodes.get(link.upstream), link.slot)
    return bool(candidates)


def _is_over(memory: Memory, link: LinkState | None) -> bool:
    """Whether the publisher of a link answers and no longer has the slot."""
    up = memory.nodes.get(link.upstream) if link is not None else None
    if link is None or up is None or not up.answers or up.sample is None or hides(up.sample, "slots"):
        return False
    return first(up.sample.slots, "name", link.slot) is None


def _likely(
    slots: dict[NodeName, tuple[NodeState, Slot]],
    places: Addresses,
    down: NodeState,
    subscription: Subscription,
    known: set[NodeName],
) -> Iterable[tuple[NodeState, Slot]]:
    """The slots of its slot's name that a subscription may read; of very many, those where it connects or was known."""
    if len(slots) <= MANY:
        return slots.values()
    there: list[NodeState] = []
    if subscription.publisher is not None:
        host, _, port = subscription.publisher.rpartition(":")
        there = places.at(host, whole_number(port) or 0, down)
    likely = known.union(node.name for node in there)
    return [slots[name] for name in sorted(likely) if name in slots][:MANY]


def _subscriptions(node: NodeState) -> tuple[Subscription, ...]:
    return node.sample.subscriptions if node.sample is not None else ()


def _forget(memory: Memory, nodes: list[NodeState], readers: dict[Reader, Subscription], now: float) -> None:
    """Links of subscriptions that were dropped end; the slots of those that were dropped just now are free."""
    answering = {node.name for node in nodes if node.sample is not None and not hides(node.sample, "subscriptions")}
    for link in [link for link in memory.links.values() if is_logical(link) and not link.agentless]:
        if link.downstream in answering and (link.downstream, link.name) not in readers:
            del memory.links[link.id]
            keeper, reader = memory.nodes.get(link.upstream), memory.nodes[link.downstream]
            # A server that was demoted shows no subscriptions: the one that took over has them.
            if link.slot is not None and keeper is not None and reader.node.role == "primary":
                keeper.freed = {**keeper.freed, link.slot: now}
    for node in nodes:
        if node.freed and node.sample is not None:
            node.freed = {slot.name: node.freed[slot.name] for slot in node.sample.slots if slot.name in node.freed}


def _subscribe(
    memory: Memory,
    reader: Reader,
    subscription: Subscription,
    upstream: NodeName,
    candidates: tuple[NodeName, ...],
    so_far: list[LinkState],
    stood_in: StandIns,
    now: float,
) -> None:
    """The link of a subscription; one to another publisher, of those ``so_far``, ends when it has moved."""
    name, subscribed = reader
    ident = link_id(memory.cluster, upstream, name, subscribed)
    link = memory.links.get(ident)
    if link is None and not so_far and len(memory.links) >= limits.MOST_LINKS:
        limits.note(memory, limits.LINKS, ident)
        return
    if link is None:
        for other in so_far:
            if memory.links.get(other.id) is other:
                del memory.links[other.id]
        link = LinkState(ident, upstream, NodeName(name), "logical", subscribed, moved_at=now, created_at=now)
        memory.links[ident] = link
        stood_in.forget(link, {subscribed, subscription.slot})
    link.slot = subscription.slot
    link.headless = bool(candidates)
    link.candidates = candidates
    link.sender = _sender(memory.nodes.get(upstream), subscription.slot)


def _sender(up: NodeState | None, slot: str | None) -> SenderKey | None:
    rows = up.sample.downstreams if up is not None and up.answers and up.sample is not None else ()
    row = first(rows, "slot", slot)
    if row is not None and row.kind != "logical":
        row = next((row for row in rows if row.kind == "logical" and row.slot == slot), None)
    return key_of(row) if row is not None else None
