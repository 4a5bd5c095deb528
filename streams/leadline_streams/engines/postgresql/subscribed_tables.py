"""Tables that a publication has and a subscription of it has not, or the other way round."""

from collections.abc import Iterable, Mapping

from leadline.model.replication import Subscription
from leadline_streams.engines.postgresql.links import slot_of
from leadline_streams.judge.link_state import LinkState
from leadline_streams.judge.node_state import NodeState, TableNames


def taken(before: Mapping[str, TableNames], read: Mapping[str, Iterable[str]], now: float) -> dict[str, TableNames]:
    """The lists that were read now, with the time since which each one is as it is."""
    found = {}
    for name, tables in read.items():
        names, had = tuple(sorted(tables)), before.get(name)
        found[name] = TableNames(names, now, _since(had, names, now))
    return found


def _since(had: TableNames | None, names: tuple[str, ...], now: float) -> float:
    """The time since which a list is as it is; 0 for the first one, whose tables may be older than looking."""
    if had is None:
        return 0.0
    return had.since if had.names == names else now


def not_subscribed(up: NodeState, link: LinkState, node: NodeState, subscription: Subscription) -> tuple[str, ...]:
    """Tables whose changes are published and not applied, as they are not in the subscription."""
    published, here = _both(up, link, node, subscription)
    if here is None or not published or sum(subscription.tables.values()) != len(here.names):
        return ()  # what was read of the subscription is not what it has now
    if len(published) == 1 and published[0].names == here.names:
        return ()
    has = set(here.names)
    return tuple(sorted({name for each in published for name in each.names if name not in has}))


def not_published(up: NodeState, link: LinkState, node: NodeState, subscription: Subscription) -> tuple[str, ...]:
    """Tables of the subscription whose changes are not published any more."""
    published, here = _both(up, link, node, subscription)
    if here is None or not published or min(each.read_at for each in published) <= here.since:
        return ()  # the publications were read before the subscription got its tables
    if len(published) == 1 and published[0].names == here.names:
        return ()
    sent = {name for each in published for name in each.names}
    return tuple(name for name in here.names if name not in sent)


def _both(
    up: NodeState, link: LinkState, node: NodeState, subscription: Subscription
) -> tuple[list[TableNames], TableNames | None]:
    """The tables of all publications of a subscription, and its own; nothing where a list is not known.

    Lists are those of the databases that the agents are connected to.
    """
    slot, sample = slot_of(link, up), up.sample
    if slot is None or sample is None or slot.database != sample.database or not up.publishes:
        return [], None
    if node.sample is None or subscription.database != node.sample.database:
        return [], None
    lists = [up.publishes[name] for name in subscription.publications if name in up.publishes]
    return (lists if len(lists) == len(subscription.publications) else []), node.subscribes.get(subscription.name)
