"""Two servers that subscribe to each other: whether changes of the same rows can have crossed.

The server counts a row of another origin whenever a change from elsewhere meets it, also when the two changes were an
hour apart. Changes cross only while neither server has the other's: when both subscriptions were interrupted.
"""

from dataclasses import dataclass

from leadline.model.replication import Slot, Subscription
from leadline_streams.engines.postgresql.apply import ORIGINS
from leadline_streams.engines.postgresql.links import is_logical, slot_of
from leadline_streams.judge.lookup import first
from leadline_streams.judge.node_state import NodeState
from leadline_streams.judge.rule import ClusterView

CATCHES_UP_S = 30.0
"""After an interruption that ended this long ago, rows of another origin are usual again."""


def publishers_back(cluster: ClusterView, node: NodeState, subscription: str) -> list[tuple[NodeState, str]]:
    """The publishers of a subscription that subscribe to its node in turn, each with that subscription."""
    subscribed = (link for link in cluster.above(node.name) if is_logical(link) and link.name == subscription)
    publishers = {link.upstream for link in subscribed}
    found = []
    for back in cluster.below(node.name) if publishers else ():
        publisher = cluster.nodes.get(back.downstream)
        if is_logical(back) and publisher is not None and publisher.name in publishers:
            found.append((publisher, back.name))
    return found


@dataclass(frozen=True, slots=True)
class WayBack:
    """The way on which a server gets its own changes back."""

    publisher: NodeState
    back: Subscription
    """The publisher's subscription, by which it has those changes."""
    tables: tuple[str, ...] | None
    """Those that both subscriptions have; None where they are not seen."""

    @property
    def is_endless(self) -> bool:
        """Whether the publisher gets its own changes back too, so that a change never comes to rest."""
        return self.back.origin != "none"


def way_back(cluster: ClusterView, node: NodeState, subscription: Subscription) -> WayBack | None:
    """The way on which changes of a node come back by one of its subscriptions; None where there is none.

    A subscription with ``origin = none`` takes only changes that were made on its publisher. Before PostgreSQL 16 there
    is no such option.
    """
    if not subscription.enabled or subscription.origin == "none":
        return None
    for publisher, name in publishers_back(cluster, node, subscription.name):
        sample = publisher.sample if publisher.answers else None
        back = first(sample.subscriptions, "name", name) if sample is not None else None
        if back is None or not back.enabled or not _same_databases(cluster, node, subscription, publisher, back):
            continue
        ours, theirs = node.subscribes.get(subscription.name), publisher.subscribes.get(name)
        if ours is None or theirs is None:
            return WayBack(publisher, back, None)
        if tables := tuple(sorted(set(ours.names) & set(theirs.names))):
            return WayBack(publisher, back, tables)
    return None


def _same_databases(
    cluster: ClusterView, one: NodeState, ours: Subscription, other: NodeState, theirs: Subscription
) -> bool:
    """Whether each of two subscriptions reads the database into which the other one writes."""
    return all(
        slot is None or slot.database in (None, written)
        for slot, written in (
            (_slot(cluster, one, ours, other), theirs.database),
            (_slot(cluster, other, theirs, one), ours.database),
        )
    )


def _slot(cluster: ClusterView, node: NodeState, subscription: Subscription, up: NodeState) -> Slot | None:
    link = next((each for each in cluster.above(node.name) if each.name == subscription.name), None)
    return slot_of(link, up) if link is not None and link.upstream == up.name else None


def records_origins(node: NodeState) -> bool | None:
    """Whether a server records which server wrote a row; None where its settings are not known."""
    setting = node.settings.get("track_commit_timestamp")
    return setting.value == "on" if setting is not None else None


def may_have_crossed(one: NodeState, ours: str, other: NodeState, theirs: str, now: float) -> bool:
    """Whether both subscriptions met rows of another origin just after both were interrupted at once."""
    ends = ((one, ours), (other, theirs))
    interrupted = [node.interrupted.get(name) for node, name in ends]
    met = [_met_at(node, name, now) for node, name in ends]
    at = [each for each in interrupted if each is not None]
    if len(at) < 2 or None in met or abs(at[0] - at[1]) > CATCHES_UP_S:
        return False
    return all(when is not None and -1.0 <= when - begun <= CATCHES_UP_S for when, begun in zip(met, at, strict=True))


def _met_at(node: NodeState, subscription: str, now: float) -> float | None:
    """When a subscription last met a row of another origin, within the window of the counters."""
    windows = (node.windows.get(f"apply_conflict:{subscription}:{kind}") for kind in sorted(ORIGINS))
    times = [window.last_at for window in windows if window is not None and window.count(now)]
    return max(times, default=None)
