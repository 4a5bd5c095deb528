"""Nodes by what evidence may be about them, so that not every sender is compared with every standby.

In a small cluster all are compared: what is left over decides too. Where the pairs would be very many, only those count
that have a sign in common, and one that many nodes have does not count.
"""

from bisect import bisect_left
from collections.abc import Iterable, Sequence
from datetime import timedelta

from leadline.model.ids import NodeName
from leadline.model.replication import Downstream
from leadline_streams.engines.postgresql.identity import SenderKey, addresses, hosts, is_at, is_local
from leadline_streams.engines.postgresql.links import DEFAULT_NAMES
from leadline_streams.judge.limits import MOST_LINKS
from leadline_streams.judge.node_state import NodeState
from leadline_streams.judge.state import Memory

ALL_PAIRS = 4096
"""Up to so many pairs every sender is compared with every standby."""
MANY = 64
"""A sign that more nodes have does not distinguish any of them."""
MOST_CANDIDATES = 20
"""So many nodes are named of which one is the upstream of a link."""
MOST_SENDERS = 2 * MOST_LINKS
"""So many senders of a cluster are compared with its standbys; those beyond have no link, and are counted as such."""
NEAR_S = 2.0
"""Processes that began further apart have no points for it."""


class Addresses:
    """Nodes by the addresses under which they are known."""

    def __init__(self, nodes: Iterable[NodeState]) -> None:
        self._at: dict[str, list[NodeState]] = {}
        self._by_port: dict[str, list[NodeState]] = {}
        for node in nodes:
            for port in {address.rpartition(":")[2] for address in addresses(node.node)}:
                self._by_port.setdefault(port, []).append(node)
            for address in addresses(node.node):
                self._at.setdefault(address, []).append(node)

    def at(self, host: str, port: int, seen_from: NodeState) -> list[NodeState]:
        """The nodes at an address as another node uses it."""
        if not is_local(host):
            return self._at.get(f"{host}:{port}", [])
        there = self._by_port.get(str(port), ())
        return [node for node in there if is_at(host, port, node.node, seen_from.node)]


class Candidates:
    """The standbys that a sender may serve."""

    def __init__(self, memory: Memory, standbys: Sequence[NodeState], senders: int) -> None:
        self._standbys = standbys
        self._all = senders * len(standbys) <= ALL_PAIRS
        self._signs: dict[tuple[str, object], list[int]] = {}
        self._begun: list[tuple[float, int]] = []
        self._served: dict[tuple[NodeName, SenderKey | None], list[int]] = {}
        """The standbys that each sender served so far."""
        for place, node in enumerate(standbys if not self._all else ()):
            for link in memory.above(node.name):
                self._served.setdefault((link.upstream, link.sender), []).append(place)
            for sign in self._of_standby(node):
                self._signs.setdefault(sign, []).append(place)
            receiver = node.sample.upstream if node.sample is not None else None
            if receiver is not None and receiver.began_at is not None:
                self._begun.append((receiver.began_at.timestamp(), place))
        self._begun.sort()

    def of(self, up: NodeState, row: Downstream, key: SenderKey) -> Sequence[NodeState]:
        """The standbys that a sender of ``up`` may serve, in their order."""
        if self._all:
            return self._standbys
        found = set(self._served.get((up.name, key), ()))
        for sign in (("slot", row.slot), ("name", row.name), ("host", row.address), ("port", row.port)):
            places = self._signs.get(sign, ())
            if sign[1] is not None and len(places) <= MANY:
                found.update(places)
        if row.connected_s is not None and up.sample is not None:
            began = (up.sample.at - timedelta(seconds=row.connected_s)).timestamp()
            near = bisect_left(self._begun, (began - NEAR_S, 0)), bisect_left(self._begun, (began + NEAR_S, 0))
            if near[1] - near[0] <= MANY:
                found.update(place for _, place in self._begun[slice(*near)])
        return [self._standbys[place] for place in sorted(found)]

    @staticmethod
    def _of_standby(node: NodeState) -> set[tuple[str, object]]:
        signs: set[tuple[str, object]] = {("name", node.name)} | {("host", host) for host in hosts(node.node)}
        receiver = node.sample.upstream if node.sample is not None else None
        if receiver is not None:
            signs |= {("slot", receiver.slot), ("name", receiver.application_name), ("port", receiver.local_port)}
        return {sign for sign in signs if sign[1] is not None and sign[1] not in DEFAULT_NAMES}
