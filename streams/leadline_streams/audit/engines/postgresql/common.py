"""Conditions, steps and sources that several rules share."""

from collections.abc import Iterator
from typing import Final

from leadline.model.alert import Risk, Step
from leadline.model.ids import NodeName
from leadline.model.replication import Downstream, Slot
from leadline_streams.audit.fleet import AuditedFleet, AuditedLink
from leadline_streams.audit.node import AuditedNode
from leadline_streams.engines.postgresql.identity import is_local, servers_named
from leadline_streams.engines.postgresql.statements import change_setting, show_settings

DOCS: Final = "https://www.postgresql.org/docs/current/"
REPLICATION: Final = f"{DOCS}runtime-config-replication.html#GUC-"
WAL: Final = f"{DOCS}runtime-config-wal.html#GUC-"
HOT: Final = f"{DOCS}hot-standby.html#HOT-STANDBY-ADMIN"
LOGICAL: Final = f"{DOCS}logical-replication"
PHYSICAL_KINDS: Final = ("physical", "archive")
OWN_STORAGE: Final = frozenset({"aurora", "alloydb", "neon"})
"""Services that keep the data themselves: pages are not torn, readers share the volume and receive nothing by their own
settings, and minor versions have other repairs: https://github.com/erikdarlingdata/PerformanceMonitor/pull/3669."""
GIB: Final = 1024**3
MIB: Final = 1024**2


def is_standby(node: AuditedNode) -> bool:
    """A server in recovery."""
    return node.is_standby


def is_primary(node: AuditedNode) -> bool:
    """A server that takes writes."""
    return node.is_primary


def owns_its_files(node: AuditedNode) -> bool:
    """A server that writes its data to files, as PostgreSQL does."""
    return node.node.flavour not in OWN_STORAGE


def is_standby_with_files(node: AuditedNode) -> bool:
    """A standby that must receive WAL by itself."""
    return node.is_standby and owns_its_files(node)


def is_streaming(link: AuditedLink) -> bool:
    """A standby that streams from its upstream, or is set up to."""
    return link.status.link_kind == "physical"


def is_physical(link: AuditedLink) -> bool:
    """A standby that replays the upstream's WAL, by whichever way it comes."""
    return link.status.link_kind in PHYSICAL_KINDS


def is_logical(link: AuditedLink) -> bool:
    """A subscriber and its publisher."""
    return link.status.link_kind == "logical"


def has_subscriptions(node: AuditedNode) -> bool:
    """A subscriber."""
    node.seen("subscriptions")
    return bool(node.sample.subscriptions)


def slots(node: AuditedNode) -> tuple[Slot, ...]:
    """The lasting slots of a server. Raises Unseen."""
    node.seen("slots")
    return tuple(slot for slot in node.sample.slots if not slot.temporary)


def logical_slots(node: AuditedNode) -> list[Slot]:
    """Its logical ones. Raises Unseen."""
    return [slot for slot in slots(node) if slot.kind == "logical"]


def standbys(node: AuditedNode) -> list[Downstream]:
    """The connected standbys of a server. Raises Unseen."""
    node.seen("downstreams")
    return [row for row in node.sample.downstreams if row.kind == "physical"]


def set_to(
    node: AuditedNode, name: str, value: str | None, risk: Risk = "careful", *, restart: bool = False
) -> tuple[Step, ...]:
    """Show a setting, then change it."""
    return (show_settings(node.name, name), *change_setting(node.name, name, value, risk, restart=restart))


def say(node: NodeName | None, text: str, risk: Risk = "careful") -> Step:
    """An instruction in words."""
    return Step(risk=risk, node=node, text=text)


def look(node: NodeName, sql: str, database: str | None = None) -> Step:
    """A statement that changes nothing."""
    return Step(risk="look", node=node, sql=sql, database=database)


def upstream_hosts(node: AuditedNode) -> list[str]:
    """The hosts in primary_conninfo that are not this machine. Raises Unseen."""
    return [host for host, _ in servers_named(node.text("primary_conninfo")) if not is_local(host)]


def physical_links(fleet: AuditedFleet) -> Iterator[AuditedLink]:
    """The physical links of a cluster."""
    return (link for link in fleet.links if is_physical(link))
