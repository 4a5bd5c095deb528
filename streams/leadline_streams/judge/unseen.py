"""Servers that watched servers refer to and that are not watched themselves, with what would show them."""

from collections.abc import Iterator
from dataclasses import dataclass

from leadline.model.ids import NodeName
from leadline_streams.judge.link_state import LinkState
from leadline_streams.judge.node_state import NodeState
from leadline_streams.judge.rule import ClusterView

SHOWN = 5
"""So many servers that have a slot are named."""


@dataclass(frozen=True, slots=True)
class Unwatched:
    """A server, or a program, at the other end of a connection of a watched server, and no agent reads it."""

    name: str
    """As the watched server shows it: an address, an application_name, a slot."""
    line: str
    """It in words, with what would show it."""
    link: LinkState | None = None
    """The link by which it receives from the watched server; None where that one receives from it."""


def unseen(cluster: ClusterView, now: float) -> Iterator[str]:
    """One line for everything in a cluster that is not seen. Nodes say themselves whether they are seen."""
    for node in cluster.nodes.values():
        yield from (each.line for each in unwatched(cluster, node, now))
        yield from _not_known(cluster, node)
        sample = node.sample
        if not node.answers or sample is None:
            continue
        if sample.not_supported:
            service = f" ({node.node.flavour})" if node.node.flavour else ""
            yield f"{node.name}{service} refuses to everybody: {', '.join(sample.not_supported)}"
        if sample.not_read:
            yield f"{node.name} could not be asked for {', '.join(sample.not_read)}: a lock is in the way"
        if sample.left_out:
            counts = ", ".join(f"{count} of its {group}" for group, count in sample.left_out.items())
            yield f"{node.name} has too much for one look: {counts} are left out, those that say least"


def unwatched(cluster: ClusterView, node: NodeState, now: float) -> Iterator[Unwatched]:
    """The servers and programs that a node is connected to, or tries to reach, and that no agent reads.

    Not one whose agent may still report for the first time.
    """
    for link in cluster.above(node.name):
        if link.headless and not link.candidates and link.is_settled(now):
            line = f"{link.downstream} follows {link.upstream}, which is not watched: give its connection string too"
            yield Unwatched(link.upstream, line)
    for link in cluster.below(node.name):
        if link.agentless and link.kind != "backup" and link.cut_since is None and link.is_settled(now):
            line = f"{link.downstream} follows {link.upstream} and is not watched: give its connection string too"
            yield Unwatched(link.downstream, line, link)
    for name, slot, publications in _without_publisher(cluster, node):
        if _having(cluster, node, slot) or cluster.having(("left_out", "slots")):
            continue
        if _publisher(cluster, node, publications) is None:
            line = f"no watched server has slot {slot} of {name}: give the connection string of its publisher"
            yield Unwatched(NodeName(f"the publisher of {name}"), line)


def _not_known(cluster: ClusterView, node: NodeState) -> Iterator[str]:
    """Subscriptions of which it is not known whether a watched server is their publisher."""
    for name, slot, publications in _without_publisher(cluster, node):
        if having := _having(cluster, node, slot):
            shown = [*having[:SHOWN], "others"] if len(having) > SHOWN else having
            yield f"{' and '.join(shown)} has a slot {slot}, and nothing shows that {name} reads it"
        elif (likely := _publisher(cluster, node, publications)) is not None:
            yield f"{likely} has the publications of {name} and no slot {slot}: it was dropped, or was never created"


def _without_publisher(cluster: ClusterView, node: NodeState) -> Iterator[tuple[str, str, tuple[str, ...]]]:
    """The subscriptions of a node that no link is for, in words, each with its slot and its publications."""
    shown = node.kept.subscriptions if node.answers and node.kept is not None else ()
    linked = {link.name for link in cluster.above(node.name)} if shown else ()
    for subscription in shown:
        if subscription.name not in linked:
            name = f"subscription {subscription.name} on {node.name}"
            yield name, subscription.slot or "none", subscription.publications


def _publisher(cluster: ClusterView, node: NodeState, publications: tuple[str, ...]) -> NodeName | None:
    """The only other server that takes writes and has these publications; None for none or several."""
    having = [
        each.name
        for each in cluster.having(*(("publication", name) for name in publications))
        if each is not node and each.writable
    ]
    return having[0] if len(having) == 1 else None


def _having(cluster: ClusterView, node: NodeState, slot: str) -> list[str]:
    return [each.name for each in cluster.having(("slot", slot)) if each is not node and each.answers]
