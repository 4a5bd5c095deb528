"""Subjects of alerts and causes, by identity."""

from leadline.model.alert import Subject
from leadline.model.ids import ClusterName, NodeName, node_id, setting_id, thing_id
from leadline_streams.judge.link_state import LinkState


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


def of_setting(cluster: ClusterName, rule: str) -> Subject:
    """The configuration of the servers of a cluster, as a rule of the audit reads it."""
    return Subject(kind="setting", id=setting_id(cluster, rule), name=rule)
