"""A cluster's nodes by the slots that they use or are named after: many slots are asked about at once."""

from leadline.model.node import LinkKind
from leadline.model.replication import Subscription
from leadline_streams.engines.postgresql.orchestrators import slot_name_of
from leadline_streams.engines.postgresql.rights import hides
from leadline_streams.judge.node_state import NodeState
from leadline_streams.judge.rule import ClusterView

Place = tuple[str | None, str]
"""A system and the name of a slot."""


def by_system(cluster: ClusterView) -> dict[str | None, list[NodeState]]:
    """Nodes by their system."""
    found: dict[str | None, list[NodeState]] = {}
    for node in cluster.nodes.values():
        found.setdefault(node.node.system_id, []).append(node)
    return found


def unseen(cluster: ClusterView) -> list[str]:
    """Nodes that do not answer, or do not show whose slots they use."""
    found = []
    for node in cluster.nodes.values():
        sample = node.sample
        hidden = sample is not None and (hides(sample, "subscriptions") or hides(sample, "upstream"))
        if not node.answers or hidden:
            found.append(node.name)
    return sorted(found)


def readers(cluster: ClusterView) -> dict[str, list[tuple[NodeState, Subscription]]]:
    """Subscriptions by the slot that they name."""
    found: dict[str, list[tuple[NodeState, Subscription]]] = {}
    for node in cluster.nodes.values():
        for each in node.sample.subscriptions if node.sample is not None else ():
            if each.slot is not None:
                found.setdefault(each.slot, []).append((node, each))
    return found


def followers(cluster: ClusterView) -> dict[Place, list[NodeState]]:
    """Nodes whose receiver uses a slot, or that it is named after."""
    found: dict[Place, list[NodeState]] = {}
    for node in cluster.nodes.values():
        receiver = node.sample.upstream if node.sample is not None else None
        used = {receiver.slot} if receiver is not None and receiver.slot else set()
        for name in member_names(node) | used:
            found.setdefault((node.node.system_id, name), []).append(node)
    return found


def members(cluster: ClusterView) -> dict[Place, list[NodeState]]:
    """Nodes that a slot is named after."""
    found: dict[Place, list[NodeState]] = {}
    for node in cluster.nodes.values():
        for name in member_names(node):
            found.setdefault((node.node.system_id, name), []).append(node)
    return found


def active_slots(cluster: ClusterView) -> dict[tuple[str | None, str, LinkKind], list[NodeState]]:
    """Nodes that answer, by the slots that are read there."""
    found: dict[tuple[str | None, str, LinkKind], list[NodeState]] = {}
    for node in cluster.nodes.values():
        for slot in node.sample.slots if node.answers and node.sample is not None else ():
            if slot.active:
                found.setdefault((node.node.system_id, slot.name, slot.kind), []).append(node)
    return found


def member_names(node: NodeState) -> set[str]:
    """The names of slots that an orchestrator or a person would give a server: by its name and what it calls itself."""
    names = {slot_name_of(node.name)}
    receiver = node.sample.upstream if node.sample is not None else None
    if receiver is not None and receiver.application_name:
        names.add(slot_name_of(receiver.application_name))
    return names - {"walreceiver"}
