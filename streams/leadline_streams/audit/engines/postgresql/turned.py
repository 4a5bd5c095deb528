"""The servers of a cluster as they would be after a switchover: who is the primary then, and who follows it. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from msgspec.structs import replace as changed

from leadline.model.ids import LinkId
from leadline.model.observation import Sample
from leadline.model.replication import Downstream, Positions, Upstream
from leadline_streams.audit.engines.postgresql.synchronous import wanted
from leadline_streams.audit.fleet import AuditedFleet, AuditedLink
from leadline_streams.audit.node import AuditedNode, Unseen

FORTH = frozenset(
    {
        *("PG-DUR-001", "PG-DUR-002", "PG-DUR-007", "PG-WAL-001", "PG-ARC-002", "PG-ARC-003", "PG-SYNC-001"),
        *("PG-PAR-001", "PG-PAR-004", "PG-SBY-010", "PG-SBY-011"),
    }
)
"""Rules whose violation after the switchover breaks the new primary or what follows it."""
BACK = frozenset({"PG-PAR-002", "PG-PAR-005", "PG-PAR-006", "PG-PAR-010", "PG-PAR-011", "PG-ARC-004"})
"""Rules whose violation by the old primary, as a standby, makes it unfit to be the primary again."""


@dataclass(frozen=True)
class Turned:
    """A cluster after a switchover, as far as it can be foreseen."""

    fleet: AuditedFleet
    new: AuditedNode
    """The new primary."""
    old: AuditedNode
    """The old one, which follows it."""
    unknown: tuple[Downstream, ...]
    """Connected standbys of the old primary that were not read."""
    receivers: tuple[str, ...]
    """Programs that keep the WAL of the old primary, and must be pointed to the new one."""
    name: str
    """The name under which the old primary must follow, where synchronous commits wait for it; else empty."""


def turned(fleet: AuditedFleet, link: AuditedLink) -> Turned:
    """The cluster after the downstream of a link took the place of its upstream.

    The other standbys of the old primary follow the new one; standbys of standbys go on as they do.
    """
    primary, standby = link.up, link.down
    links = [each for each in fleet.followers(primary, ("physical", "archive", "logical")) if each is not link]
    names = {each.sender_name for each in (*links, link)} | {str(each.down.name) for each in (*links, link)}
    senders = {row.pid for each in (*links, link) if (row := each.row) is not None}
    rows = [row for row in primary.sample.downstreams if row.pid not in senders]
    unknown = tuple(row for row in rows if row.kind == "physical" and row.name not in names)
    follows = [*(row for each in links if (row := each.row) is not None), *unknown]
    required = _required_name(standby, link.sender_name, follows, (str(primary.name), _cluster_name(primary)))
    new = _as(standby, "primary", (*follows, Downstream(name=required or str(primary.name))))
    old = _as(primary, "standby", ())
    kept = {standby.name: new, primary.name: old}
    after = [replace(each, up=new) for each in links] + [replace(link, up=new, down=old)]
    others = [
        replace(each, up=kept.get(each.up.name, each.up))
        for each in fleet.links
        if each.up is not primary and each is not link
    ]
    return Turned(
        AuditedFleet(
            fleet.cluster,
            tuple(kept.get(node.name, node) for node in fleet.nodes),
            tuple(_named(each) for each in (*after, *others)),
        ),
        new,
        old,
        unknown,
        tuple(sorted({row.name for row in rows if row.kind == "backup"})),
        required,
    )


def _cluster_name(node: AuditedNode) -> str:
    try:
        return node.text("cluster_name")
    except Unseen:
        return ""


def _required_name(standby: AuditedNode, itself: str, follows: Sequence[Downstream], own: tuple[str, str]) -> str:
    """A name that commits would wait for and that no other follower has; empty where they wait for none of these."""
    try:
        required = wanted(standby)
    except Unseen:
        return ""
    missing = required.missing([*follows, Downstream(name=itself)]) if required is not None else []
    return next((name for name in missing if name.lower() in map(str.lower, own)), missing[0] if missing else "")


def _as(node: AuditedNode, role: str, downstreams: tuple[Downstream, ...]) -> AuditedNode:
    sample: Sample = changed(
        node.sample,
        node=changed(node.sample.node, role=role),
        downstreams=downstreams,
        positions=Positions(),
        upstream=Upstream() if role == "standby" else None,
    )
    return AuditedNode(sample, node.look)


def _named(link: AuditedLink) -> AuditedLink:
    """Under the identity that it would have."""
    status = link.status
    if (status.upstream, status.downstream) == (link.up.name, link.down.name):
        return link
    identity = LinkId(f"{status.cluster}/{link.up.name}->{link.down.name}")
    return replace(link, status=changed(status, link=identity, upstream=link.up.name, downstream=link.down.name))
