"""Servers that watched servers refer to and that are not watched themselves, with what would show them."""

from collections.abc import Iterator

from leadline_streams.judge.state import Memory, NodeState


def unseen(memory: Memory) -> Iterator[str]:
    """One line for each end of a link that is not watched. Nodes say themselves whether they are seen."""
    for link in memory.links.values():
        if link.headless:
            yield f"{link.downstream} follows {link.upstream}, which is not watched: give its connection string too"
        elif link.agentless and link.kind != "backup":
            yield f"{link.downstream} follows {link.upstream} and is not watched: give its connection string too"
    for node in memory.nodes.values():
        yield from _publishers(memory, node)
        sample = node.sample
        if not node.answers or sample is None:
            continue
        if sample.not_supported:
            service = f" ({node.node.flavour})" if node.node.flavour else ""
            yield f"{node.name}{service} refuses to everybody: {', '.join(sample.not_supported)}"
        if sample.not_read:
            yield f"{node.name} could not be asked for {', '.join(sample.not_read)}: a lock is in the way"


def _publishers(memory: Memory, node: NodeState) -> Iterator[str]:
    linked = {link.name for link in memory.above(node.name)}
    for subscription in node.sample.subscriptions if node.answers and node.sample is not None else ():
        if subscription.name not in linked:
            slot, name = subscription.slot or "none", f"subscription {subscription.name} on {node.name}"
            having = [each.name for each in memory.nodes.values() if each is not node and _has_slot(each, slot)]
            yield (
                f"{' and '.join(having)} has a slot {slot}, and nothing shows that {name} reads it"
                if having
                else f"no watched server has slot {slot} of {name}: give the connection string of its publisher"
            )


def _has_slot(node: NodeState, name: str) -> bool:
    sample = node.sample if node.answers else None
    return sample is not None and any(slot.name == name for slot in sample.slots)
