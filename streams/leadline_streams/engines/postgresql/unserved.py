"""Publishers of subscriptions that have no stream: the server that holds the slot, or one that took over without it."""

from dataclasses import dataclass

from leadline.model.replication import Slot, Subscription
from leadline_streams.engines.postgresql.links import slot_of
from leadline_streams.engines.postgresql.subscriptions import UNKNOWN_SINCE
from leadline_streams.engines.postgresql.timing import milliseconds
from leadline_streams.judge.link_state import LinkState
from leadline_streams.judge.lookup import first
from leadline_streams.judge.node_state import NodeState
from leadline_streams.judge.rule import ClusterView

STARTED_S = 10.0
"""A slot counts as inactive from a moment in the start of its server, which is over after this time."""
FIRST = 1
"""The timeline of a server that was never promoted."""


@dataclass(frozen=True, slots=True)
class Successor:
    """A server that takes writes and lacks a subscription's slot, where its publisher should be."""

    node: NodeState
    replaced: NodeState | None
    """The publisher that it replaced; None where that was before the first sample."""

    @property
    def was_promoted(self) -> bool:
        """Whether it was a standby before."""
        return self.replaced is not None or (self.node.node.timeline or FIRST) > FIRST


def idle_s(node: NodeState, subscription: Subscription, now: float) -> float | None:
    """Seconds for which an enabled subscription has received nothing; None while that is no longer than usual.

    0 where it is not known since when: the first look shows only that it does not.

    A worker that ended is started again after ``wal_retrieve_retry_interval``; one that connects and receives nothing
    gives up after ``wal_receiver_timeout``.
    """
    idle = node.idle_subscriptions.get(subscription.name)
    if idle is None:
        return None
    if idle.since == UNKNOWN_SINCE:
        return 0.0
    usual = (
        2 * milliseconds(node, "wal_retrieve_retry_interval") + 2.0
        if idle.restarts
        else milliseconds(node, "wal_receiver_timeout")
    )
    return now - idle.since if now - idle.since >= usual else None


def link_of(cluster: ClusterView, node: NodeState, subscription: Subscription) -> LinkState | None:
    """The link of a subscription, where its publisher is or was watched."""
    return first(cluster.above(node.name), "name", subscription.name)


def serves(up: NodeState | None, link: LinkState, successor: Successor | None) -> bool:
    """Whether a publisher answers and has the slot of a link, and no other server should be the publisher instead."""
    if up is None or not up.answers or slot_of(link, up) is None:
        return False
    return up.writable or successor is None


def successor_of(
    cluster: ClusterView, node: NodeState, subscription: Subscription, link: LinkState | None
) -> Successor | None:
    """The server that should be the publisher now and lacks the slot; None when no watched one can be.

    Where the publisher was watched, one of the same system that takes writes instead of it; not where a subscription
    reads from a standby. Otherwise the only one that has the publications, which is seen where its agent is connected
    to the published database.
    """
    old = cluster.nodes.get(link.upstream) if link is not None else None
    if old is not None:
        writers = cluster.having(("writer", old.node.system_id))
        same = [each for each in writers if _may_follow(each, node, subscription)]
        others = [each for each in same if each.name != old.name]
        newest = max(others or same, key=lambda each: each.writable_since or 0.0, default=None)
        if newest is None or _is_read_as_standby(node, subscription, link, old, newest):
            return None
        return Successor(newest, None if newest.name == old.name else old)
    publishers = cluster.having(*(("publication", name) for name in subscription.publications))
    having = [each for each in publishers if _may_follow(each, node, subscription)]
    return Successor(having[0], None) if len(having) == 1 else None


def _may_follow(publisher: NodeState, node: NodeState, subscription: Subscription) -> bool:
    """Whether a server takes writes and lacks the slot of a subscription of another one."""
    return publisher.writable and publisher.name != node.name and not _has_slot(publisher, subscription)


def _is_read_as_standby(
    node: NodeState, subscription: Subscription, link: LinkState | None, standby: NodeState, primary: NodeState
) -> bool:
    """Whether a subscription read from a standby, of whose system the primary was always another server.

    A primary that was demoted may have the slot still. What was before the first look is not seen; then the first
    timeline excludes it, and a slot that was read since its server started: a demotion needs a restart.
    """
    slot = slot_of(link, standby) if link is not None and standby.answers and not standby.takes_writes else None
    if slot is None or primary.promoted_at is not None:
        return False
    if _was_read_since_start(standby, slot):
        return True
    idle = node.idle_subscriptions.get(subscription.name)
    return (primary.node.timeline or FIRST) == FIRST or (idle is not None and idle.since != UNKNOWN_SINCE)


def _was_read_since_start(node: NodeState, slot: Slot) -> bool:
    """Whether a slot is read, or was after its server had started, which PostgreSQL 17 and later show."""
    if slot.active:
        return True
    started_at, sample = node.node.started_at, node.sample
    if started_at is None or sample is None or slot.inactive_s is None:
        return False
    return (sample.at - started_at).total_seconds() - slot.inactive_s > STARTED_S


def _has_slot(node: NodeState, subscription: Subscription) -> bool:
    """Whether it shows the slot, or may have it among those that are left out."""
    sample = node.sample
    if sample is None:
        return False
    return (
        "slots" in sample.left_out or first(sample.slots, ("name", "kind"), (subscription.slot, "logical")) is not None
    )
