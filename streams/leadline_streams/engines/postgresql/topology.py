"""Which node follows which, from the evidence of both ends.

Only nodes that answer shape links: the last sample of one that is silent or down is history. A link that it had stays
until somebody who answers shows another. Where several nodes fit equally well, the link names them and picks none.
"""

from datetime import datetime
from operator import attrgetter

from leadline.model.ids import NodeName, link_id, made_name, one_of
from leadline.model.observation import Sample
from leadline.model.replication import Upstream
from leadline_streams.engines.postgresql import publishers, stand_ins
from leadline_streams.engines.postgresql.identity import key_of, same_server, shows_senders
from leadline_streams.engines.postgresql.links import NAME, is_logical
from leadline_streams.engines.postgresql.upstreams import Found, Receivers
from leadline_streams.judge import limits
from leadline_streams.judge.link_state import LinkState
from leadline_streams.judge.node_state import NodeState
from leadline_streams.judge.state import Memory

SETTLE_S = 3.0
"""Links that are not certain are looked at again after this time, also when nobody shows a change."""
MOST_IN_CIRCLE = 20
"""So many members of a circle are named with each of its links."""
_NAME = attrgetter("name")
_MOVED_AT = attrgetter("moved_at")
_SENDER = attrgetter("pid", "name", "slot")
_SLOT = attrgetter("name", "synced")
_SUBSCRIPTION = attrgetter("name", "slot", "pid")


def same_neighbours(before: Sample, after: Sample) -> bool:
    """Whether two samples of a node show the same connections; if not, links are discovered again."""
    if _receiver(before.upstream) != _receiver(after.upstream):
        return False
    if before.node.started_at != after.node.started_at:
        return False
    rows, were = after.downstreams, before.downstreams
    if (rows or were) and list(map(_SENDER, rows)) != list(map(_SENDER, were)):
        return False
    slots, had = after.slots, before.slots
    if (slots or had) and list(map(_SLOT, slots)) != list(map(_SLOT, had)):
        return False
    now, then = after.subscriptions, before.subscriptions
    return not (now or then) or list(map(_SUBSCRIPTION, now)) == list(map(_SUBSCRIPTION, then))


def _receiver(shown: Upstream | None) -> tuple[object, ...] | None:
    return (shown.pid, shown.status is None, shown.host, shown.port, shown.slot) if shown is not None else None


def discover(memory: Memory, now: float) -> None:
    """Bring all links up to date with the newest samples of the nodes that answer."""
    mine = [node for node in memory.nodes.values() if node.node.engine == NAME]
    _find_doubles(mine)
    nodes = [node for node in mine if node.answers and node.same_as is None]
    for node in mine:
        if node.same_as is not None or (node.answers and node.node.role == "primary"):
            node.upstream = None
            _end_streaming(memory, node)
    memory.beyond.pop(limits.LINKS, None)
    receivers, stood_in = Receivers(memory, nodes), stand_ins.StandIns(memory)
    for node in nodes:
        if node.node.role == "standby" and (found := receivers.upstream_of(node)) is not None:
            _follow(memory, node, found, stood_in, now)
    receivers.keep_senders(mine)
    _find_circles(memory)
    unsettled = publishers.discover(memory, nodes, stood_in, now) or receivers.unsettled
    changed: dict[str | None, float] = {}
    for node in nodes:
        system = node.node.system_id
        changed[system] = max(_changed_at(memory, node), changed.get(system, 0.0))
    for node in nodes:
        if shows_senders(node):
            since = changed[node.node.system_id]
            unsettled |= stand_ins.discover(memory, node, receivers.expected_at(node), now, since)
    memory.rewire_at = now + SETTLE_S if unsettled else None
    if memory.rewire_at is not None:
        memory.next_due = min(memory.next_due, memory.rewire_at)


def _changed_at(memory: Memory, node: NodeState) -> float:
    """When a node was promoted, or the connection to its upstream last began or ended, as far as is known; or 0."""
    receiver = node.sample.upstream if node.sample is not None else None
    times = [node.promoted_at or 0.0]
    if receiver is not None and receiver.status is not None and receiver.began_at is not None:
        times.append(min(receiver.began_at.timestamp(), node.seen))
    elif receiver is not None and receiver.status is None:
        links = [link for link in memory.above(node.name) if not (link.agentless or is_logical(link))]
        times += [node.seen if link.connected else link.cut_since or 0.0 for link in links]
    return max(times)


def _find_doubles(nodes: list[NodeState]) -> None:
    """Note nodes that are the same server as another one, seen twice under two names.

    The server keeps the first of its names, and rather one that never led to another server.
    """
    by_system: dict[str, list[NodeState]] = {}
    for node in nodes:
        if node.node.system_id is not None:
            by_system.setdefault(node.node.system_id, []).append(node)
    for alike in by_system.values():
        firsts: dict[str, NodeState] = {}
        begun: dict[datetime | None, NodeState] = {}
        for node in sorted(alike, key=_MOVED_AT):
            # Servers are the same by the start of their process; one that was restarted stays what it was known as.
            likely = (begun.get(node.node.started_at), firsts.get(node.same_as or ""))
            first = next((each for each in likely if each is not None and same_server(each, node)), None)
            if first is None:
                firsts[node.name] = begun[node.node.started_at] = node
            node.same_as = first.name if first is not None else None


def _find_circles(memory: Memory) -> None:
    """Note standbys that follow each other, or one that follows itself: they stream, and nobody there takes writes."""
    above = {link.downstream: link for link in memory.links.values() if link.kind == "physical" and not link.agentless}
    seen: set[NodeName] = set()
    for link in above.values():
        link.circle = ()
    for start in above:
        path: dict[NodeName, None] = {}
        name = start
        while name in above and name not in seen:
            seen.add(name)
            path[name] = None
            name = above[name].upstream
        if name in path:
            names = list(path)
            circle = names[names.index(name) :]
            for index, member in enumerate(circle):
                above[member].circle = tuple([*circle[index:], *circle[:index]][:MOST_IN_CIRCLE])


def _end_streaming(memory: Memory, node: NodeState) -> None:
    """Drop the streaming links of a node that takes writes itself, or is known under another name."""
    for link in [link for link in memory.above(node.name) if not is_logical(link)]:
        del memory.links[link.id]


def _follow(memory: Memory, node: NodeState, found: Found, stood_in: stand_ins.StandIns, now: float) -> None:
    """The physical link of a standby; a link to another upstream ends when the standby has moved on."""
    receiver = (node.sample.upstream if node.sample is not None else None) or Upstream()
    node.upstream, node.upstream_is_guess = found.upstream, found.is_guess
    address = made_name(f"{receiver.host}:{receiver.port}") if receiver.host else None
    upstream = found.upstream or address or (one_of(found.candidates) if found.candidates else None)
    if upstream is None:
        return
    ident = link_id(memory.cluster, upstream, node.name)
    link = memory.links.get(ident)
    if link is None:
        _end_streaming(memory, node)
        memory.links[ident] = link = LinkState(ident, upstream, node.name, "physical", moved_at=now, created_at=now)
        stood_in.forget(link, {receiver.application_name, receiver.slot, node.name})
    link.agentless = False
    link.headless = found.upstream is None
    link.candidates = found.candidates
    link.slot = receiver.slot or (found.row.slot if found.row is not None else None)
    link.sender = key_of(found.row) if found.row is not None else None
    link.sender_is_unclear = found.row is None and found.may_have_sender
