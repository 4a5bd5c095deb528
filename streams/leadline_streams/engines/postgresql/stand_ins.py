"""Links to downstreams without an agent: each is judged by its sender alone."""

from leadline.model.ids import NodeName, link_id
from leadline.model.observation import Downstream
from leadline_streams.engines.postgresql.identity import SenderKey, key_of
from leadline_streams.engines.postgresql.links import DEFAULT_NAMES, NOT_DOWNSTREAMS, STARTING, senders
from leadline_streams.engines.postgresql.timeouts import keepalive_s
from leadline_streams.judge.state import LinkState, Memory, NodeState

DEAD_S = 30.0
"""A sender that got no reply for so long may be the rest of a connection that is over: it shapes no new link. A longer
``wal_sender_timeout`` allows for longer."""

YOUNG_S = 3.0
"""A downstream with an agent has been looked at when its connection is so old."""


def discover(memory: Memory, node: NodeState, expected: frozenset[SenderKey], now: float) -> bool:
    """Give every sender of a node that serves nobody with an agent a link; ``expected``: those that do, or may.

    True when a sender is so new that the agent of its downstream may not have looked since.
    """
    own = [link for link in memory.links.values() if link.upstream == node.name]
    served = {link.sender for link in own if not link.agentless} | expected
    slots = {link.slot for link in own if not link.agentless and link.slot is not None and link.name}
    rows = [
        row
        for row in senders(node)
        if row.state not in {*NOT_DOWNSTREAMS, STARTING} and key_of(row) not in served and row.slot not in slots
    ]
    stand_ins = [link for link in own if link.agentless]
    for link in stand_ins:
        if link.sender in served:
            del memory.links[link.id]  # its agent reports now
    free = [link for link in stand_ins if link.id in memory.links]
    for same in (_same_sender, _same_slot, _same_name):
        for row in list(rows):
            again = next((link for link in free if same(link, row)), None)
            if again is not None:
                again.sender, again.slot = key_of(row), row.slot
                free.remove(again)
                rows.remove(row)
    young = False
    for row in rows:
        if row.connected_s is not None and row.connected_s < YOUNG_S:
            young = True
        elif (row.reply_age_s or 0.0) < max(DEAD_S, keepalive_s(node)):
            _stand_in(memory, node, row, now)
    return young


def forget(memory: Memory, kept: LinkState, names: set[str | None]) -> None:
    """End the link that stood for a downstream before its own agent reported, known by slot or by one of its names."""
    for link in [link for link in memory.links.values() if link.agentless and link.id != kept.id]:
        if link.upstream == kept.upstream and link.kind == kept.kind:
            known = names - DEFAULT_NAMES - {None}
            if link.downstream in known or (link.slot is not None and link.slot in known):
                del memory.links[link.id]


def _stand_in(memory: Memory, node: NodeState, row: Downstream, now: float) -> None:
    name = _name(memory, node, row)
    ident = link_id(memory.cluster, node.name, name)
    memory.links[ident] = LinkState(
        *(ident, node.name, name, row.kind),
        slot=row.slot,
        agentless=True,
        moved_at=now,
        created_at=now,
        sender=key_of(row),
    )


def _name(memory: Memory, node: NodeState, row: Downstream) -> NodeName:
    """A name for the downstream: what it calls itself, with more where others call themselves so."""
    name = row.name if row.name not in DEFAULT_NAMES else f"{row.name or 'walreceiver'}@{row.address}"
    if name in memory.nodes or link_id(memory.cluster, node.name, name) in memory.links:
        name = f"{row.name or 'walreceiver'}@{row.slot or row.address}"
    base, number = name, 2
    while name in memory.nodes or link_id(memory.cluster, node.name, name) in memory.links:
        name, number = f"{base} #{number}", number + 1
    return NodeName(name)


def _same_sender(link: LinkState, row: Downstream) -> bool:
    return link.sender == key_of(row)


def _same_slot(link: LinkState, row: Downstream) -> bool:
    return link.slot is not None and link.slot == row.slot and link.kind == row.kind


def _same_name(link: LinkState, row: Downstream) -> bool:
    """Whether a sender that is new may serve the downstream of a link whose sender is gone."""
    base = row.name or "walreceiver"
    named = link.downstream == row.name or link.downstream.startswith(f"{base}@{row.slot or row.address}")
    return named and link.kind == row.kind and (link.slot is None or row.slot is None)
