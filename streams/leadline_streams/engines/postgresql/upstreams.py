"""The upstream of each standby, and the sender that serves it."""

from collections.abc import Iterable
from dataclasses import dataclass
from heapq import nsmallest

from leadline.model.ids import NodeName, link_id
from leadline.model.replication import Downstream, Upstream
from leadline_streams.engines.postgresql.candidates import MOST_CANDIDATES, MOST_SENDERS, Addresses, Candidates
from leadline_streams.engines.postgresql.identity import SenderKey, is_at, is_local, key_of, shows_senders
from leadline_streams.engines.postgresql.links import NOT_DOWNSTREAMS, STARTING, senders
from leadline_streams.engines.postgresql.matching import assign, must_show, physical_points
from leadline_streams.judge import limits
from leadline_streams.judge.node_state import NodeState
from leadline_streams.judge.state import Memory

Sender = tuple[NodeName, SenderKey]


@dataclass(frozen=True, slots=True)
class Found:
    """The upstream of a standby."""

    upstream: NodeName | None = None
    row: Downstream | None = None
    """Its sender there."""
    candidates: tuple[NodeName, ...] = ()
    """Nodes of which one is the upstream, when it cannot be known which."""
    is_guess: bool = False
    """Whether nothing but its system, or that no other is known yet, supports it; a second candidate ends that."""
    may_have_sender: bool = False
    """Whether the upstream may have a sender for it that cannot be seen, or is one of several."""


class Receivers:
    """The receivers of a cluster's standbys and the senders of all nodes that answer, matched with each other."""

    def __init__(self, memory: Memory, nodes: list[NodeState]) -> None:
        """``nodes``: those that answer, each server once."""
        self._memory = memory
        self._rows: dict[Sender, Downstream] = {}
        for node in nodes:
            for row in senders(node) if shows_senders(node) else ():
                if row.kind == "physical" and row.state not in {*NOT_DOWNSTREAMS, STARTING}:
                    if len(self._rows) >= MOST_SENDERS:
                        limits.note(memory, limits.LINKS, f"{row.name} from {node.name}")
                        break
                    self._rows[node.name, key_of(row)] = row
        standbys = [node for node in memory.nodes.values() if node.node.role == "standby" and node.same_as is None]
        pairs = {}
        candidates = Candidates(memory, standbys, len(self._rows))
        for (name, key), row in self._rows.items():
            up = memory.nodes[name]
            for down in candidates.of(up, row, key):
                link = memory.links.get(link_id(memory.cluster, name, down.name))
                if down is up or (not down.answers and link is None):
                    continue
                points = physical_points(up, row, down, sticky=link is not None and link.sender == key)
                if points is not None:
                    pairs[down.name, (name, key)] = points
        self._served, self._candidates = assign(pairs)
        self.unsettled = bool(self._candidates)
        """Whether a later look may decide what this one does not."""
        self._expected: dict[NodeName, set[SenderKey]] = {}
        for name, key in (*self._served.values(), *(sender for each in self._candidates.values() for sender in each)):
            self._expected.setdefault(name, set()).add(key)
        self._addresses = Addresses(node for node in memory.nodes.values() if node.same_as is None)
        self._primaries: dict[str | None, list[NodeState]] = {}
        """Those that answer, by system."""
        self._keepers: dict[tuple[str | None, str], list[NodeState]] = {}
        """Nodes that answer and have a physical slot, by system and the slot's name."""
        for node in nodes:
            if node.node.role == "primary":
                self._primaries.setdefault(node.node.system_id, []).append(node)
            for slot in node.sample.slots if node.sample is not None else ():
                if slot.kind == "physical":
                    self._keepers.setdefault((node.node.system_id, slot.name), []).append(node)

    def expected_at(self, up: NodeState) -> frozenset[SenderKey]:
        """Senders of a node that serve, or may serve, a standby that has an agent."""
        return frozenset(self._expected.get(up.name, ()))

    def keep_senders(self, nodes: list[NodeState]) -> None:
        """The links of standbys that do not answer keep their upstream; their senders may be others now."""
        for node in nodes:
            sender = self._served.get(node.name)
            if not node.answers and sender is not None:
                link = self._memory.links.get(link_id(self._memory.cluster, sender[0], node.name))
                if link is not None:
                    link.sender = sender[1]

    def upstream_of(self, down: NodeState) -> Found | None:
        """The upstream of a standby that answers; None when it does not show what it follows and nobody serves it."""
        sender = self._served.get(down.name)
        if sender is not None:
            return Found(sender[0], self._rows[sender])
        if down.sample is None or down.sample.upstream is None:
            return None
        receiver = down.sample.upstream
        may_be = {name for name, _ in self._candidates.get(down.name, ())}
        at = self._at_address(receiver, down)
        if len(at) > 1:
            at = [node for node in at if node.name in may_be] or at
        if len(at) == 1:
            return self._without_sender(at[0], may_be)
        if len(at) > 1:
            return self._known(down, may_be) or _one_of(node.name for node in at)
        if not may_be and self._asks_itself(receiver, down):
            return Found(down.name)
        if (known := self._known(down, may_be)) is not None:
            return known
        named = [node for node in self._keepers.get((down.node.system_id, receiver.slot or ""), ()) if node is not down]
        if len(named) > 1:
            named = [node for node in named if self._has_active_slot(node, receiver.slot)]
        if len(named) == 1 and not must_show(named[0], down):
            return self._without_sender(named[0], may_be)
        if may_be:
            if len(may_be) == 1:
                return Found(next(iter(may_be)), is_guess=True, may_have_sender=True)
            return _one_of(may_be)
        writable = [node for node in self._primaries.get(down.node.system_id, ()) if not must_show(node, down)]
        if len(writable) == 1 and down.node.system_id is not None:
            return Found(writable[0].name, is_guess=True, may_have_sender=not shows_senders(writable[0]))
        return Found()

    def _without_sender(self, up: NodeState, may_be: set[NodeName]) -> Found:
        return Found(up.name, may_have_sender=up.name in may_be or not shows_senders(up))

    def _at_address(self, receiver: Upstream, down: NodeState) -> list[NodeState]:
        """Nodes at the address that a standby uses; those of its own system, if there are any."""
        if not receiver.host:
            return []
        there = self._addresses.at(receiver.host, receiver.port, down)
        found = [node for node in there if node.name != down.name]
        if len(found) > 1 and is_local(receiver.host):
            answering = [node for node in found if node.answers]
            found = answering or found
        own = [node for node in found if node.node.system_id == down.node.system_id]
        return own or found

    @staticmethod
    def _asks_itself(receiver: Upstream, down: NodeState) -> bool:
        """Whether a standby's upstream has its own address, and it is not connected to another server there."""
        if not receiver.host or (receiver.status is not None and shows_senders(down)):
            return False
        return is_at(receiver.host, receiver.port, down.node, down.node)

    def _known(self, down: NodeState, may_be: set[NodeName]) -> Found | None:
        """The upstream that was known before, unless the evidence is against it now."""
        before = self._memory.nodes.get(down.upstream or "")
        if before is None or before.same_as is not None or down.upstream_is_guess:
            return None
        if may_be and before.name not in may_be and shows_senders(before):
            return None
        if before.name not in may_be and (must_show(before, down) or _is_elsewhere(before, down)):
            return None
        return self._without_sender(before, may_be)

    @staticmethod
    def _has_active_slot(node: NodeState, name: str | None) -> bool:
        slots = node.sample.slots if node.sample is not None else ()
        return any(slot.name == name and slot.kind == "physical" and slot.active for slot in slots)


def _one_of(names: Iterable[NodeName]) -> Found:
    return Found(candidates=tuple(nsmallest(MOST_CANDIDATES, names)))


def _is_elsewhere(before: NodeState, down: NodeState) -> bool:
    """Whether a standby connected to an address that is not its known upstream's after that one answered last.

    Another server is at that address by then: the upstream is down, and its connections are closed.
    """
    receiver = down.sample.upstream if down.sample is not None else None
    if receiver is None or receiver.status is None or receiver.began_at is None or not before.down:
        return False
    if before.sample is None or receiver.began_at <= before.sample.at:
        return False
    return bool(receiver.host) and not is_at(receiver.host, receiver.port, before.node, down.node)
