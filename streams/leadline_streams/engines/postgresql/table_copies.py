"""Initial copies of tables: which slot each uses on its publisher, and since when it has not moved."""

import re
from collections.abc import Iterator
from dataclasses import dataclass

from leadline.model.activity import WaitingSender
from leadline.model.observation import Sample
from leadline.model.replication import Downstream, Subscription
from leadline.model.tables import TableCopy
from leadline_streams.judge.lookup import first
from leadline_streams.judge.node_state import CopyState, NodeState
from leadline_streams.judge.rule import ClusterView

_NAME = re.compile(r"pg_(\d+)_sync_(\d+)(?:_(\d+))?").fullmatch
"""Named by the server (ReplicationSlotNameForTablesync): subscription, table, system identifier of the subscriber."""
QUEUED = 0
"""Stands for the tables that no worker copies, where the identity of a table is expected."""


@dataclass(frozen=True, slots=True)
class CopySlot:
    """The parts of the name of a slot that a table's initial copy creates."""

    subscription_oid: int
    table_oid: int
    system_id: str | None
    """None before PostgreSQL 14."""


def copy_slot(name: str) -> CopySlot | None:
    """The parts of a slot's name; None when it is not one of an initial copy."""
    found = _NAME(name)
    return CopySlot(int(found[1]), int(found[2]), found[3]) if found else None


def slot_name(copy: TableCopy, node: NodeState) -> str:
    """The slot that a copy uses on its publisher, since PostgreSQL 14."""
    return f"pg_{copy.subscription_oid}_sync_{copy.oid}_{node.node.system_id}"


@dataclass(frozen=True, slots=True)
class CopySender:
    """The sender of a copy on its publisher."""

    publisher: NodeState
    row: Downstream | None
    waiting: WaitingSender | None
    """While it waits for a lock."""


def sender_of(cluster: ClusterView, node: NodeState, copy: TableCopy) -> CopySender | None:
    """The sender of a copy, where its publisher is watched; its connection has the name of the slot."""
    name = slot_name(copy, node)
    for other in cluster.nodes.values():
        sample = other.sample if other.answers else None
        if sample is None:
            continue
        rows, waiting_rows = sample.downstreams, waiting_senders(sample)
        row = first(rows, "name", name) or first(rows, "slot", name)
        waiting = first(waiting_rows, "name", name) or first(waiting_rows, "slot", name)
        if row is not None or waiting is not None:
            return CopySender(other, row, waiting)
    return None


def waiting_senders(sample: Sample) -> tuple[WaitingSender, ...]:
    """Senders of a server that wait for a lock, as far as the agent may see them."""
    return sample.activity.waiting_senders if sample.activity is not None else ()


def follow(node: NodeState, sample: Sample, now: float) -> None:
    """Note for each copy, and for the tables that wait for a worker, since when they have been as they are now."""
    before, copies = node.copies, dict[str, CopyState]()

    def keep(name: str, shown: str, since: float) -> None:
        was = before.get(name)
        copies[name] = was if was is not None and was.shown == shown else CopyState(shown, since)

    for copy in sample.copies:
        begun = now - (copy.transaction_s or 0.0) if not copy.copied_bytes else now
        keep(key(copy.subscription, copy.oid), f"{copy.pid} {copy.state} {copy.copied_bytes}", begun)
    copied = {copy.subscription for copy in sample.copies}
    for subscription in sample.subscriptions:
        if subscription.enabled and subscription.unsynced and subscription.name not in copied:
            states = " ".join(f"{state}{number}" for state, number in sorted(subscription.tables.items()))
            keep(key(subscription.name, QUEUED), states, now)
    node.copies = copies


def key(subscription: str, table_oid: int) -> str:
    """The place of a copy in the state of its node."""
    return f"{subscription} {table_oid}"


@dataclass(frozen=True, slots=True)
class Stuck:
    """An initial copy that does not move, or tables that no worker copies."""

    since: float
    copy: TableCopy | None
    """None for tables that wait for a worker."""
    sender: CopySender | None
    tables: str
    """Names for people."""

    @property
    def has_begun(self) -> bool:
        """Whether rows were copied, or COPY is over."""
        return self.copy is not None and (self.copy.copied_bytes is not None or self.copy.state not in ("i", "d", None))


def stuck(cluster: ClusterView, node: NodeState, subscription: Subscription) -> Iterator[Stuck]:
    """Copies of a subscription that are not known to move. A sender that runs and waits for no lock moves."""
    sample = node.sample
    if sample is None or not subscription.enabled:
        return
    for copy in sample.copies:
        state = node.copies.get(key(subscription.name, copy.oid))
        if copy.subscription != subscription.name or state is None:
            continue
        sender = sender_of(cluster, node, copy)
        if not _is_working(copy, sender):
            yield Stuck(state.since, copy, sender, copy.table or f"table {copy.oid}")
    queued = node.copies.get(key(subscription.name, QUEUED))
    if queued is not None and subscription.pid is not None:
        yield Stuck(queued.since, None, None, ", ".join(subscription.unsynced))


def _is_working(copy: TableCopy, sender: CopySender | None) -> bool:
    """Whether the publisher runs the copy's query: with a filter it may read long before it sends a row."""
    if (copy.wait or "").startswith("Lock/") or sender is None or sender.waiting is not None:
        return False
    wait = sender.row.wait if sender.row is not None else None
    return wait is None or wait.startswith(("IO/", "LWLock/", "Timeout/"))
