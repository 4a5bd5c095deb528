"""Two agents that send under one node name, as after a settings file was copied to another host.

Each run of an agent has a name of its own, the boot. One that was restarted never uses its old one again, so a boot
that returns after another one shows that both run.
"""

from leadline.model.observation import Sample
from leadline_streams.judge.node_state import NodeState

SHOWN_S = 120.0
"""They alternate at every look, or with every whole sample."""


def follow(node: NodeState, sample: Sample, now: float) -> None:
    """Note which run of an agent a sample is from."""
    seen = sample.node
    if node.shared_at and now - node.shared_at > SHOWN_S:
        node.shared_at, node.twin = 0.0, None
    if seen.boot == node.boot:
        return
    if node.boot and seen.boot == node.boot_before:
        node.shared_at, node.twin = now, node.node
    node.boot_before, node.boot = node.boot, seen.boot


def are_two_servers(node: NodeState) -> bool:
    """Whether the two agents read two servers; else they read the same one twice, or one of them reads none."""
    twin = node.twin
    if twin is None or node.node.started_at is None or twin.started_at is None:
        return False
    return (node.node.system_id, node.node.started_at) != (twin.system_id, twin.started_at)
