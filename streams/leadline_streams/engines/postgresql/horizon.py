"""The horizon of vacuum on a server: the snapshots because of which dead rows cannot be removed yet.

A snapshot matters when it is old in transactions, which is what vacuum leaves behind, and when it is one snapshot that
stays: the oldest of many short queries is old in transactions too on a busy server, and moves all the time.
"""

from collections.abc import Iterator
from dataclasses import dataclass

from leadline.model.activity import Session
from leadline.model.observation import Sample
from leadline.model.replication import Slot
from leadline_streams.engines.postgresql.links import is_streaming
from leadline_streams.judge.node_state import NodeState, SnapshotState
from leadline_streams.judge.rule import ClusterView

LEAST_AGE = 50_000
"""Snapshots that are younger, in transactions, are usual. As many dead rows make a small table slow that is scanned
often, such as a queue."""
STILL_S = 12.0
"""A snapshot that stays for so long is not the oldest of many: a standby reports a newer one every
``wal_receiver_status_interval``, 10 s by default."""
NEVER_MOVING = 1_000_000
"""A snapshot of this age does not move, whatever the load. The catalog of a logical slot counts from this age on: no
rows of tables are held by it."""


@dataclass(frozen=True, slots=True)
class Holder:
    """Holder of an old snapshot."""

    age: int
    """In transactions."""
    name: str
    """In words: ``slot s2``, ``standby pg-2``, ``session pid 4711``."""
    held_s: float = 0.0
    """For at least so long: as long as its transaction is open, or as the snapshot has been seen not to move."""
    slot: str | None = None
    standby: str | None = None
    """Its application name."""
    session: Session | None = None
    """The session itself, or the one on the standby whose snapshot this is, where that standby is watched."""
    on: str | None = None
    """The node of that session; None for the server itself."""
    prepared: str | None = None
    """The oldest prepared transaction, by its identifier."""


def slot_holds(slot: Slot) -> bool:
    """Whether a slot's snapshot, of rows or of the catalog, is old."""
    return (slot.xmin_age or 0) >= LEAST_AGE or (slot.catalog_xmin_age or 0) >= NEVER_MOVING


def is_held(sample: Sample) -> bool:
    """Whether any snapshot is old."""
    return next(_snapshots(sample), None) is not None


def _snapshots(sample: Sample) -> Iterator[Holder]:
    """Old snapshots in a sample."""
    for row in sample.downstreams:
        if (row.xmin_age or 0) >= LEAST_AGE:
            yield Holder(row.xmin_age or 0, f"standby {row.name}", standby=row.name)
    for slot in sample.slots:
        if slot_holds(slot):
            yield Holder(max(slot.xmin_age or 0, slot.catalog_xmin_age or 0), f"slot {slot.name}", slot=slot.name)
    activity = sample.activity
    if activity is None:
        return
    for each in activity.oldest:
        if (each.xmin_age or 0) >= LEAST_AGE:
            yield Holder(each.xmin_age or 0, f"session pid {each.pid}", held_s=each.age_s, session=each)
    if (activity.prepared_age or 0) >= LEAST_AGE:
        gid, held_s = activity.prepared_gid or "", activity.prepared_oldest_s
        yield Holder(activity.prepared_age or 0, f"prepared transaction {gid}".rstrip(), held_s, prepared=gid)


def follow(node: NodeState, sample: Sample, now: float) -> None:
    """Note since when each old snapshot has not moved: its age never falls."""
    before, snapshots = node.snapshots, dict[str, SnapshotState]()
    for each in _snapshots(sample):
        was = before.get(each.name)
        since = was.since if was is not None and each.age >= was.age else now
        snapshots[each.name] = SnapshotState(each.age, since)
    node.snapshots = snapshots


def holders(cluster: ClusterView, node: NodeState, now: float) -> list[Holder]:
    """Holders of old snapshots that stay, the oldest first."""
    if node.sample is None:
        return []
    found = []
    for each in _snapshots(node.sample):
        was = node.snapshots.get(each.name)
        held_s, standby = now - was.since if was is not None else 0.0, standby_of(cluster, node, each)
        session = each.session or (_oldest(standby.sample) if standby is not None else None)
        held_s = max(each.held_s, held_s, session.age_s if session is not None else 0.0)
        if held_s >= STILL_S or each.age >= NEVER_MOVING:
            on = standby.name if standby is not None and session is not None else None
            found.append(Holder(each.age, each.name, held_s, each.slot, each.standby, session, on, each.prepared))
    return sorted(found, key=lambda each: (-each.age, each.name))


def standby_of(cluster: ClusterView, node: NodeState, holder: Holder) -> NodeState | None:
    """The watched standby whose feedback a slot or sender shows; None where it is not certain which one it is."""
    if holder.slot is None and holder.standby is None:
        return None
    standbys = {
        link.downstream
        for link in cluster.below(node.name)
        if is_streaming(link) and not link.agentless
        if (link.slot if holder.slot is not None else link.sender and link.sender[1]) == (holder.slot or holder.standby)
    }
    found = cluster.nodes.get(standbys.pop()) if len(standbys) == 1 else None
    return found if found is not None and found.answers else None


def _oldest(sample: Sample | None) -> Session | None:
    """The session with the oldest snapshot on a standby."""
    sessions = sample.activity.oldest if sample is not None and sample.activity is not None else ()
    return max(
        (each for each in sessions if (each.xmin_age or 0) >= LEAST_AGE),
        key=lambda each: each.xmin_age or 0,
        default=None,
    )
