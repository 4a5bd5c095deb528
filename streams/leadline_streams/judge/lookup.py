"""The first of some things that has a value, found without looking at all of them.

A server may have thousands of slots, senders and subscriptions, and each of its links asks for its own. The things are
those of a sample, or a list that is never changed.
"""

from collections import OrderedDict
from collections.abc import Sequence
from operator import attrgetter
from typing import Any, TypeVar

FEW = 16
"""So many are looked through faster than an index is built."""
KEPT = 64
"""Indexes that are kept, of the containers that were asked for last."""

Thing = TypeVar("Thing")

_INDEXES: OrderedDict[tuple[int, str | tuple[str, ...]], tuple[Sequence[Any], dict[Any, Any]]] = OrderedDict()
"""By the container's identity, each with the container: it lives as long as its index, so no other has its identity."""


_MEMBERS: OrderedDict[int, tuple[Sequence[str], frozenset[str]]] = OrderedDict()


def members(names: Sequence[str]) -> frozenset[str]:
    """The names as a set, made once of those that were asked for last."""
    known = _MEMBERS.get(id(names))
    if known is None:
        _MEMBERS[id(names)] = known = names, frozenset(names)
        if len(_MEMBERS) > KEPT:
            _MEMBERS.popitem(last=False)
    else:
        _MEMBERS.move_to_end(id(names))
    return known[1]


def has(names: Sequence[str], name: str) -> bool:
    """Whether it is among the names."""
    return name in (names if len(names) <= FEW else members(names))


def first(things: Sequence[Thing], field: str | tuple[str, ...], value: object) -> Thing | None:
    """The first with this value in a field, or these values in several; None when there is none."""
    get = attrgetter(field) if isinstance(field, str) else attrgetter(*field)
    if len(things) <= FEW:
        return next((thing for thing in things if get(thing) == value), None)
    place = id(things), field
    known = _INDEXES.get(place)
    if known is None:
        index: dict[Any, Any] = {}
        for key, thing in zip(map(get, things), things, strict=True):
            index.setdefault(key, thing)
        _INDEXES[place] = known = things, index
        if len(_INDEXES) > KEPT:
            _INDEXES.popitem(last=False)
    else:
        _INDEXES.move_to_end(place)
    found: Thing | None = known[1].get(value)
    return found
