"""Subscriptions of one name in several databases of a server. Pure.

A subscription's name is unique in its database only, and what is known of it is kept by its name. So one that shares
its name with another gets the database into it.
"""

from collections import Counter
from collections.abc import Iterable, Mapping
from typing import TypeVar

from msgspec.structs import replace

from leadline.model.replication import Subscription
from leadline.model.tables import TableCopy

T = TypeVar("T")


def distinguished(subscriptions: tuple[Subscription, ...]) -> tuple[Subscription, ...]:
    """The subscriptions of a server, each with a name that no other one has."""
    number = Counter(each.name for each in subscriptions)
    if len(number) == len(subscriptions):
        return subscriptions
    return tuple(
        replace(each, name=f"{each.name}@{each.database}", sql_name=each.name) if number[each.name] > 1 else each
        for each in subscriptions
    )


def copies_of(subscriptions: Iterable[Subscription], copies: tuple[TableCopy, ...]) -> tuple[TableCopy, ...]:
    """The copies under the names that their subscriptions have now."""
    names = {each.oid: each.name for each in subscriptions if each.sql_name is not None}
    if not names:
        return copies
    return tuple(replace(each, subscription=names.get(each.subscription_oid, each.subscription)) for each in copies)


def by_name(subscriptions: Iterable[Subscription], database: str, found: Mapping[str, T] | None) -> dict[str, T] | None:
    """Values by the names that subscriptions have in their database, by the names that they have in a sample."""
    if found is None:
        return None
    names = {each.sql_name: each.name for each in subscriptions if each.sql_name and each.database == database}
    return {names.get(name, name): value for name, value in found.items()}
