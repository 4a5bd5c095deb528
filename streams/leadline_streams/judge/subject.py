"""Subjects of alerts and causes: what they are about, by identity."""

from leadline.model.alert import Subject
from leadline.model.ids import ClusterName, NodeName, node_id, thing_id
from leadline_streams.judge.rule import Look
from leadline_streams.judge.state import LinkState


def of_look(look: Look) -> Subject:
    """What a rule is asked about."""
    cluster = look.cluster.name
    if look.link is not None:
        return of_link(look.link)
    if look.node is None:
        return of_cluster(cluster)
    if look.slot is not None:
        return of_slot(cluster, look.node.name, look.slot.name)
    if look.subscription is not None:
        return of_subscription(cluster, look.node.name, look.subscription.name)
    return of_node(cluster, look.node.name)


def of_link(link: LinkState) -> Subject:
    """A replication link."""
    return Subject(
        kind="link",
        id=link.id,
        upstream=link.upstream,
        downstream=link.downstream,
        link_kind=link.kind,
        name=link.name or None,
    )


def of_node(cluster: ClusterName, node: NodeName) -> Subject:
    """A database server."""
    return Subject(kind="node", id=node_id(cluster, node), node=node)


def of_slot(cluster: ClusterName, node: NodeName, slot: str) -> Subject:
    """A replication slot on a node."""
    return Subject(kind="slot", id=thing_id(cluster, node, "slot", slot), node=node, name=slot)


def of_subscription(cluster: ClusterName, node: NodeName, name: str) -> Subject:
    """A subscription on a subscriber."""
    return Subject(kind="subscription", id=thing_id(cluster, node, "subscription", name), node=node, name=name)


def of_cluster(cluster: ClusterName) -> Subject:
    """The whole cluster."""
    return Subject(kind="cluster", id=cluster)
