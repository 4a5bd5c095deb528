"""Links to downstreams without an agent: each is judged by its sender alone."""

from collections.abc import Callable, Iterable

from leadline.model.ids import NodeName, link_id, made_name
from leadline.model.node import LinkKind
from leadline.model.replication import Downstream
from leadline_streams.engines.postgresql.identity import SenderKey, key_of
from leadline_streams.engines.postgresql.links import DEFAULT_NAMES, NOT_DOWNSTREAMS, STARTING, senders
from leadline_streams.engines.postgresql.timeouts import keepalive_s
from leadline_streams.judge import limits
from leadline_streams.judge.link_state import LinkState
from leadline_streams.judge.node_state import NodeState
from leadline_streams.judge.state import Memory

DEAD_S = 30.0
"""A sender that got no reply for so long may be the rest of a connection that is over: it shapes no new link. A longer
``wal_sender_timeout`` allows for longer."""

YOUNG_S = 3.0
"""A downstream with an agent has been looked at when its connection is so old."""


def discover(
    memory: Memory, node: NodeState, expected: frozenset[SenderKey], now: float, changed_at: float = 0.0
) -> bool:
    """Give every sender of a node that serves nobody with an agent a link; ``expected``: those that do, or may.

    ``changed_at``: when the connection of a standby of the same system last began or ended. A look at the upstream from
    before that still shows the sender that it had. True when a sender is so new that the agent of its downstream may
    not have looked since, or the look at the sender so old.
    """
    own = memory.below(node.name)
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
    for signs, sign in _SIGNS:
        rows, free = _take_up(rows, free, signs, sign)
    young, numbers = False, dict[str, int]()
    for row in rows:
        if node.seen <= changed_at or (row.connected_s is not None and row.connected_s < YOUNG_S):
            young = True
        elif (row.reply_age_s or 0.0) < max(DEAD_S, keepalive_s(node)):
            _stand_in(memory, node, row, numbers, now)
    return young


def _take_up(
    rows: list[Downstream],
    links: list[LinkState],
    signs: Callable[[LinkState], Iterable[object]],
    sign: Callable[[Downstream], Iterable[object]],
) -> tuple[list[Downstream], list[LinkState]]:
    """Give each row the first link that has one of its signs; returns those rows and links that are left over."""
    waiting: dict[object, list[LinkState]] = {}
    for link in reversed(links):
        for each in signs(link):
            waiting.setdefault(each, []).append(link)
    taken: set[str] = set()
    left = []
    for row in rows:
        for having in (waiting.get(each, []) for each in sign(row)):
            while having and having[-1].id in taken:
                having.pop()
            if having:
                again = having.pop()
                taken.add(again.id)
                again.sender, again.slot = key_of(row), row.slot
                break
        else:
            left.append(row)
    return left, [link for link in links if link.id not in taken]


class StandIns:
    """The links that stand for downstreams without an agent, by what such a downstream may be known by."""

    def __init__(self, memory: Memory) -> None:
        self._memory = memory
        self._by_sign: dict[tuple[str, LinkKind, str], list[LinkState]] = {}
        for link in memory.links.values():
            for sign in {link.downstream, link.slot} if link.agentless else ():
                if sign is not None:
                    self._by_sign.setdefault((link.upstream, link.kind, sign), []).append(link)

    def forget(self, kept: LinkState, names: set[str | None]) -> None:
        """End those that stood for a downstream before its own agent reported, known by slot or by one of its names."""
        links = self._memory.links
        for name in names - DEFAULT_NAMES - {None}:
            for link in self._by_sign.pop((kept.upstream, kept.kind, name or ""), ()):
                if link.agentless and link.id != kept.id and links.get(link.id) is link:
                    del links[link.id]


def _stand_in(memory: Memory, node: NodeState, row: Downstream, numbers: dict[str, int], now: float) -> None:
    name = _name(memory, node, row, numbers)
    ident = link_id(memory.cluster, node.name, name)
    if len(memory.links) >= limits.MOST_LINKS:
        limits.note(memory, limits.LINKS, ident)
        return
    memory.links[ident] = LinkState(
        *(ident, node.name, name, row.kind),
        slot=row.slot,
        agentless=True,
        moved_at=now,
        created_at=now,
        sender=key_of(row),
    )


def _name(memory: Memory, node: NodeState, row: Downstream, numbers: dict[str, int]) -> NodeName:
    """A name for the downstream: what it calls itself, with more where others call themselves so.

    ``numbers``: the last number that was given beside each name.
    """
    name = made_name(row.name if row.name not in DEFAULT_NAMES else f"{row.name or 'walreceiver'}@{row.address}")
    if name in memory.nodes or link_id(memory.cluster, node.name, name) in memory.links:
        name = made_name(f"{row.name or 'walreceiver'}@{row.slot or row.address}")
    base = name
    while name in memory.nodes or link_id(memory.cluster, node.name, name) in memory.links:
        numbers[base] = numbers.get(base, 1) + 1
        name = made_name(f"{base} #{numbers[base]}")
    return name


def _slot_of(one: LinkState | Downstream) -> list[object]:
    return [(one.slot, one.kind)] if one.slot is not None else []


def _names_of(link: LinkState) -> list[object]:
    """The names by which a new sender may be known to serve the downstream of a link whose sender is gone."""
    names = {link.downstream: None, link.downstream.partition(" #")[0]: None}
    return [(name, link.kind, link.slot is None) for name in names]


def _names_for(row: Downstream) -> list[object]:
    names = (row.name, f"{row.name or 'walreceiver'}@{row.slot or row.address}")
    slots = (True, False) if row.slot is None else (True,)
    return [(name, row.kind, slotless) for name in names for slotless in slots]


_SIGNS: tuple[tuple[Callable[[LinkState], Iterable[object]], Callable[[Downstream], Iterable[object]]], ...] = (
    (lambda link: [link.sender], lambda row: [key_of(row)]),
    (_slot_of, _slot_of),
    (_names_of, _names_for),
)
"""The signs that a link and a sender may have in common, the surest first."""
