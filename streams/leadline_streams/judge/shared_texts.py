"""Texts of a state that was read from bytes, each of which is one object from then on: names of nodes, links, states.

While a state comes about, its parts share most of their texts. Read from bytes, each part has its own: in a cluster of
three nodes the name of each is read a dozen times.
"""

from sys import intern
from typing import TypeVar

from msgspec import Struct

Held = TypeVar("Held")


def share(holder: Struct) -> None:
    """Share the texts that are fields of an object."""
    for name in holder.__struct_fields__:
        value = getattr(holder, name)
        if type(value) is str:
            setattr(holder, name, intern(value))


def keyed(table: dict[str, Held]) -> dict[str, Held]:
    """The same table, with shared keys."""
    return {intern(key): value for key, value in table.items()}
