"""Possible owners of a replication slot: everything in a cluster's samples that reads it, did, or may come to.

A slot may be dropped only when nothing is found here and everything that could own it is watched. An owner that is
``identified`` is tied to this slot by more than a name.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

from leadline.model.alert import Evidence
from leadline.model.ids import NodeName
from leadline.model.replication import Slot, Subscription
from leadline_streams.engines.postgresql import owner_index
from leadline_streams.engines.postgresql.orchestrators import by_slot_name, keeper_of
from leadline_streams.engines.postgresql.table_copies import CopySlot, copy_slot
from leadline_streams.judge.lookup import first
from leadline_streams.judge.node_state import NodeState
from leadline_streams.judge.rule import ClusterView, fact

Kind = Literal["session", "standby", "subscription", "table copy", "copy", "orchestrator"]
"""``copy``: of a slot on another server, kept for a failover. ``table copy``: the initial copy of a table."""


@dataclass(frozen=True, slots=True)
class Owner:
    """Something that uses a slot, or may."""

    kind: Kind
    name: str
    """In words: ``subscription orders on pg-3``."""
    sign: str
    """The sign that ties it to the slot, in words."""
    node: NodeName | None = None
    """The node that it is on; None when it is not known or has no agent."""
    identified: bool = True

    def fact(self, node: NodeName) -> Evidence:
        """It as evidence about a slot on ``node``."""
        return fact("owner", self.name, node, self.sign)


def owners_of(cluster: ClusterView, node: NodeState, slot: Slot) -> list[Owner]:
    """Everything that uses a node's slot or may use it, those that are identified first. Empty: nothing seen could."""
    found = [*_sessions(node, slot), *_links(cluster, node, slot), *_named(cluster, node, slot)]
    found += [*_followers(cluster, node, slot), *_copies(cluster, node, slot), *_kept(cluster, node, slot)]
    names: set[str] = set()
    return [each for each in sorted(found, key=lambda each: not each.identified) if _is_new(each.name, names)]


def _is_new(name: str, names: set[str]) -> bool:
    known = name in names
    names.add(name)
    return not known


def orphan_of(cluster: ClusterView, node: NodeState, slot: Slot) -> str | None:
    """The owner that a slot had and that was seen to be gone, in words; None where that is not certain.

    The subscription of an initial copy, by the server that the slot's name identifies; or a subscription that was
    dropped, or moved to another slot, while it was watched. Nothing is certain while a server of the cluster is not
    seen.
    """
    if _unseen(cluster, node):
        return None
    parts = copy_slot(slot.name) if slot.kind == "logical" else None
    if parts is None:
        return "a subscription that was dropped or reads another slot now" if slot.name in node.freed else None
    homes = [each for each in _subscribers_of(cluster, parts) if each.writable]
    if not homes or copy_owner(cluster, node, slot) is not None:
        return None
    if any(each.oid is None for home in homes for each in _subscriptions(home)):
        return None  # before PostgreSQL 14 their identities cannot be read
    names = " and ".join(home.name for home in homes)
    return f"subscription {parts.subscription_oid} of {names}, which has no such subscription any more"


def copy_owner(cluster: ClusterView, node: NodeState, slot: Slot) -> Owner | None:
    """The initial copy that a slot is for, as far as it is seen.

    A copy releases its slot when it begins: while COPY runs, the sender has no slot, and the slot's name.
    """
    parts = copy_slot(slot.name) if slot.kind == "logical" else None
    if parts is None:
        return None
    rows = node.sample.downstreams if node.sample is not None else ()
    for other in _subscribers_of(cluster, parts):
        found = first(_subscriptions(other), "oid", parts.subscription_oid)
        if found is not None:
            what = f"the initial copy of a table by subscription {found.name} on {other.name}"
            return Owner("table copy", what, "the slot's name holds that subscription and that server", other.name)
    if first(rows, "name", slot.name) is not None or first(rows, "slot", slot.name) is not None:
        return Owner("table copy", "an initial copy that is running", "its sender has the slot's name")
    return None


def _unseen_copy(cluster: ClusterView, slot: Slot) -> Owner:
    parts = copy_slot(slot.name)
    assert parts is not None
    other = next(iter(_subscribers_of(cluster, parts)), None)
    system = f"the server with system identifier {parts.system_id}, which has no agent"
    return Owner(
        "table copy",
        f"the initial copy of a table by a subscription on {other.name if other is not None else system}",
        f"its name holds subscription {parts.subscription_oid}, table {parts.table_oid} and the subscriber's system "
        "identifier",
        other.name if other is not None else None,
    )


def _subscribers_of(cluster: ClusterView, parts: CopySlot) -> list[NodeState]:
    """The watched servers whose initial copy a slot's name may describe: copies of a server have its identifier."""
    return cluster.derived(owner_index.by_system).get(parts.system_id, []) if parts.system_id is not None else []


def _subscriptions(node: NodeState) -> tuple[Subscription, ...]:
    return node.sample.subscriptions if node.sample is not None else ()


def unseen_owners(cluster: ClusterView, node: NodeState, slot: Slot) -> list[Evidence]:
    """Possible owners that cannot be seen now: servers that do not answer or hide it, and those that have no agent."""
    silent = [name for name in _unseen(cluster, node) if not cluster.nodes[name].answers]
    return [
        *(
            fact(
                "consumer", "not seen", name, f"whether {name} uses slot {slot.name} shows to an agent that may read it"
            )
            for name in _unseen(cluster, node)
            if name not in silent
        ),
        *(
            fact("consumer", "not seen", name, f"whether {name} uses slot {slot.name} shows when it answers")
            for name in silent
        ),
        fact(
            "consumer",
            "not seen",
            node.name,
            f"a server, a backup or a program without an agent may use slot {slot.name}: an agent on the server shows "
            "whether it does",
        ),
    ]


def _unseen(cluster: ClusterView, node: NodeState) -> list[str]:
    """The other servers that do not answer, or do not show whose slots they use."""
    return [name for name in cluster.derived(owner_index.unseen) if name != node.name]


def orchestrated(cluster: ClusterView, node: NodeState, slot: Slot) -> Owner | None:
    """The orchestrator that keeps, advances and drops a slot itself; None when none is known to."""
    return next((owner for owner in _kept(cluster, node, slot) if owner.kind == "orchestrator"), None)


def spare_of(cluster: ClusterView, node: NodeState, slot: Slot) -> Owner | None:
    """The slot on another server whose copy this one is, kept for a failover; None when it is none."""
    return next(_copies(cluster, node, slot), None)


def _sessions(node: NodeState, slot: Slot) -> Iterator[Owner]:
    """The process that reads the slot now, or that it ends with."""
    if not slot.active and not slot.temporary:
        return
    rows = node.sample.downstreams if node.sample is not None else ()
    row = next((row for row in rows if row.pid == slot.active_pid and row.slot == slot.name), None)
    pid = f" with pid {slot.active_pid}" if slot.active_pid is not None else ""
    who = f": {row.name}{f' at {row.address}' if row.address else ''}" if row is not None else ""
    yield Owner(
        "session", f"the session{pid}{who}", "it reads the slot" if slot.active else "a temporary slot ends with it"
    )


def _links(cluster: ClusterView, node: NodeState, slot: Slot) -> Iterator[Owner]:
    """Links from the node by this slot."""
    for link in cluster.below(node.name):
        if link.slot != slot.name:
            continue
        if link.name:
            name = f"subscription {link.name} on {link.downstream}"
            yield Owner("subscription", name, f"it follows {node.name} by this slot", link.downstream)
        else:
            name = f"{link.downstream}"
            down = None if link.agentless else link.downstream
            yield Owner("standby", name, f"it follows {node.name} by this slot", down)


def _named(cluster: ClusterView, node: NodeState, slot: Slot) -> Iterator[Owner]:
    """Table copies and subscriptions that name the slot, whatever server they are connected to."""
    if copy_slot(slot.name) is not None and orphan_of(cluster, node, slot) is None:
        yield copy_owner(cluster, node, slot) or _unseen_copy(cluster, slot)
    if slot.kind != "logical":
        return
    for other, each in cluster.derived(owner_index.readers).get(slot.name, ()):
        state = "enabled" if each.enabled else "disabled"
        sign = f"it is {state} and reads a slot of this name; which server it reads from is not certain"
        yield Owner("subscription", f"subscription {each.name} on {other.name}", sign, other.name, False)


def _followers(cluster: ClusterView, node: NodeState, slot: Slot) -> Iterator[Owner]:
    """Standbys of the same system that name the slot, or are named like it."""
    if slot.kind != "physical":
        return
    for other in cluster.derived(owner_index.followers).get((node.node.system_id, slot.name), ()):
        if other.name == node.name:
            continue
        receiver = other.sample.upstream if other.sample is not None else None
        if receiver is not None and receiver.slot == slot.name:
            sign = f"it uses a slot of this name{'' if other.answers else '; it does not answer now'}"
            yield Owner("standby", f"the standby {other.name}", sign, other.name, False)
        else:
            yield Owner("standby", f"the server {other.name}", "the slot is named after it", other.name, False)


def _copies(cluster: ClusterView, node: NodeState, slot: Slot) -> Iterator[Owner]:
    """The slot of the same name and kind that is read on another server of the same system."""
    if slot.active:
        return
    if slot.synced and node.node.role == "standby":
        yield Owner("copy", "the slot of this name on its primary", "the server itself synchronizes it")
    if slot.kind == "logical" and node.node.role != "standby":
        return
    for other in cluster.derived(owner_index.active_slots).get((node.node.system_id, slot.name, slot.kind), ()):
        if other.name != node.name:
            sign = f"it is read there; {node.name} has one for a failover"
            yield Owner("copy", f"slot {slot.name} on {other.name}", sign, other.name)


def _kept(cluster: ClusterView, node: NodeState, slot: Slot) -> Iterator[Owner]:
    """The orchestrator that made the slot, for one of its members."""
    if slot.kind != "physical":
        return
    owner = by_slot_name(slot.name) or keeper_of(node)
    if owner is None:
        return
    members = cluster.derived(owner_index.members).get((node.node.system_id, slot.name))
    member = members[0].name if members else None
    whose = f"{owner.name}, for its member {member}" if member is not None else owner.name
    yield Owner("orchestrator", whose, owner.sign, member)
