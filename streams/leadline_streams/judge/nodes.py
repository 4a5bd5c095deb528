"""The nodes of a cluster, by name, and by what they show that others may look for.

Rules ask for the nodes that have a slot or a publication, or that take writes for a system: looking through all nodes
for each subscription would make the cost of a cluster the square of its size.
"""

from bisect import bisect_left, insort
from collections.abc import Mapping
from itertools import islice
from typing import Generic, Literal, Protocol, TypeVar

Kind = Literal["slot", "publication", "writer", "left_out"]
"""``slot``: by name. ``publication``: by name. ``writer``: by system. ``left_out``: by group."""
Sign = tuple[Kind, str | None]


class Showing(Protocol):
    """Something that shows what others may look for."""

    def signs(self) -> frozenset[Sign]:
        """Its present contents."""
        ...


Node = TypeVar("Node", bound=Showing)

MOST = 64
"""Of more nodes that show the same, only the first are found: what so many have distinguishes none of them."""


class Nodes(dict[str, Node], Generic[Node]):
    """Nodes by name. ``note`` says that one may show something else now."""

    __slots__ = ("_having", "_names", "_places", "_signs")

    def __init__(self, nodes: Mapping[str, Node] | None = None) -> None:
        super().__init__()
        self._places: dict[str, int] = {}
        """The order in which they came."""
        self._names: dict[int, str] = {}
        self._signs: dict[str, frozenset[Sign]] = {}
        self._having: dict[Sign, list[int]] = {}
        """Places, in order, by what is shown there."""
        for name, node in (nodes or {}).items():
            self[name] = node

    def __reduce__(self) -> tuple[object, ...]:
        """Copied, it is made anew."""
        return Nodes, (dict(self),)

    def __setitem__(self, name: str, node: Node) -> None:
        """Add a node, or replace one."""
        super().__setitem__(name, node)
        if name not in self._places:
            place = next(reversed(self._names), 0) + 1
            self._places[name], self._names[place] = place, name
        self.note(name)

    def __delitem__(self, name: str) -> None:
        """Remove a node."""
        super().__delitem__(name)
        self._move(name, frozenset())
        del self._names[self._places.pop(name)]

    def note(self, name: str) -> None:
        """Bring up to date what a node shows."""
        self._move(name, self[name].signs())

    def having(self, *signs: Sign) -> list[Node]:
        """The first ``MOST`` nodes that show all of these, in their order; none where no sign is given."""
        found = min((self._having.get(sign, []) for sign in signs), key=len, default=[])
        names = (self._names[place] for place in found)
        if len(signs) > 1:
            names = (name for name in names if self._signs[name].issuperset(signs))
        return [self[name] for name in islice(names, MOST)]

    def _move(self, name: str, signs: frozenset[Sign]) -> None:
        before, place = self._signs.get(name, frozenset()), self._places[name]
        if signs == before:
            return
        for sign in before - signs:
            holders = self._having[sign]
            del holders[bisect_left(holders, place)]
            if not holders:
                del self._having[sign]
        for sign in signs - before:
            insort(self._having.setdefault(sign, []), place)
        if signs:
            self._signs[name] = signs
        else:
            self._signs.pop(name, None)
