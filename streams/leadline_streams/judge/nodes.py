"""The nodes of a cluster, by name, and by what they show that others may look for.

Rules ask for the nodes that have a slot or a publication, or that take writes for a system: looking through all nodes
for each subscription would make the cost of a cluster the square of its size. A small cluster is looked through.
"""

from bisect import bisect_left, insort
from collections.abc import Iterator, Mapping
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
SMALL = 16
"""So many nodes are looked through. An index of them would take more memory than what they show."""


class _Index:
    """The places at which each sign is shown, in the order in which the nodes came."""

    __slots__ = ("_having", "_names", "_places")

    def __init__(self) -> None:
        self._places: dict[str, int] = {}
        self._names: dict[int, str] = {}
        self._having: dict[Sign, list[int]] = {}

    def add(self, name: str) -> None:
        """Give a node the last place."""
        place = next(reversed(self._names), 0) + 1
        self._places[name], self._names[place] = place, name

    def remove(self, name: str) -> None:
        """Free the place of a node that shows nothing any more."""
        del self._names[self._places.pop(name)]

    def move(self, name: str, before: frozenset[Sign], signs: frozenset[Sign]) -> None:
        """A node shows something else."""
        place = self._places[name]
        for sign in before - signs:
            holders = self._having[sign]
            del holders[bisect_left(holders, place)]
            if not holders:
                del self._having[sign]
        for sign in signs - before:
            insort(self._having.setdefault(sign, []), place)

    def names(self, signs: tuple[Sign, ...]) -> Iterator[str]:
        """The nodes that show the rarest of these signs."""
        places = min((self._having.get(sign, []) for sign in signs), key=len)
        return (self._names[place] for place in places)


class Nodes(dict[str, Node], Generic[Node]):
    """Nodes by name, in the order in which they came. ``note`` says that one may show something else now."""

    __slots__ = ("_index", "_signs")

    def __init__(self, nodes: Mapping[str, Node] | None = None) -> None:
        super().__init__()
        self._signs: dict[str, tuple[Sign, ...]] = {}
        """Of those nodes that show any."""
        self._index: _Index | None = None
        """Of a cluster that is, or was, larger than ``SMALL``."""
        for name, node in (nodes or {}).items():
            self[name] = node

    def __reduce__(self) -> tuple[object, ...]:
        """Copied, it is made anew."""
        return Nodes, (dict(self),)

    def __setitem__(self, name: str, node: Node) -> None:
        """Add a node, or replace one."""
        is_new = name not in self
        super().__setitem__(name, node)
        if self._index is not None:
            if is_new:
                self._index.add(name)
        elif len(self) > SMALL:
            self._index = index = _Index()
            for each in self:
                index.add(each)
                index.move(each, frozenset(), frozenset(self._signs.get(each, ())))
        self.note(name)

    def __delitem__(self, name: str) -> None:
        """Remove a node."""
        self._move(name, frozenset())
        super().__delitem__(name)
        if self._index is not None:
            self._index.remove(name)

    def note(self, name: str) -> None:
        """Bring up to date what a node shows."""
        self._move(name, self[name].signs())

    def having(self, *signs: Sign) -> list[Node]:
        """The first ``MOST`` nodes that show all of these, in their order; none where no sign is given."""
        if not signs:
            return []
        shown = self._signs
        names: Iterator[str] = iter(self) if self._index is None else self._index.names(signs)
        names = (name for name in names if all(sign in shown.get(name, ()) for sign in signs))
        return [self[name] for name in islice(names, MOST)]

    def _move(self, name: str, signs: frozenset[Sign]) -> None:
        before = frozenset(self._signs.get(name, ()))
        if signs == before:
            return
        if self._index is not None:
            self._index.move(name, before, signs)
        if signs:
            self._signs[name] = tuple(signs)
        else:
            del self._signs[name]
