"""The links of a cluster, by identity, and by the node at either end.

Rules and causes ask for the links of one node again and again: looking through all links each time would make the cost
of a cluster the square of its size. A small cluster is looked through once for each node.
"""

from collections.abc import Sequence
from typing import Generic, Protocol, TypeVar


class Ended(Protocol):
    """Something with two ends, which never change."""

    @property
    def upstream(self) -> str:
        """The node that it begins at."""
        ...

    @property
    def downstream(self) -> str:
        """The node that it ends at."""
        ...


Link = TypeVar("Link", bound=Ended)

SMALL = 16
"""So many links are looked through. An index of them would take more memory than they have fields."""


class Ends(Generic[Link]):
    """The links at one end of each node, by identity."""

    __slots__ = ("_links",)

    def __init__(self) -> None:
        self._links: dict[str, dict[str, Link]] = {}

    def add(self, node: str, ident: str, link: Link) -> None:
        """Add one as the youngest."""
        self._links.setdefault(node, {})[ident] = link

    def remove(self, node: str, ident: str) -> None:
        """Remove one."""
        links = self._links[node]
        del links[ident]
        if not links:
            del self._links[node]

    def of(self, node: str) -> tuple[Link, ...]:
        """Those of a node, oldest first."""
        links = self._links.get(node)
        return tuple(links.values()) if links is not None else ()


class Links(dict[str, Link]):
    """Links by identity. Those of a node are tuples: links may go while one is read."""

    __slots__ = ("_ends", "at")

    def __init__(self, links: dict[str, Link] | None = None) -> None:
        super().__init__()
        self.at: dict[str, tuple[tuple[Link, ...], tuple[Link, ...]]] = {}
        """The links that end at a node, and those that begin there, oldest first, once they were asked for. Every look
        at a node asks for them, so that finding them takes no call."""
        self._ends: tuple[Ends[Link], Ends[Link]] | None = None
        """The same for all nodes of a cluster that has, or had, more than ``SMALL`` links."""
        for ident, link in (links or {}).items():
            self[ident] = link

    def find(self, node: str) -> tuple[tuple[Link, ...], tuple[Link, ...]]:
        """The links that end at a node, and those that begin there; they are then in ``at``, if there are any."""
        if self._ends is not None:
            found = self._ends[0].of(node), self._ends[1].of(node)
        else:
            found = (
                tuple(link for link in self.values() if link.downstream == node),
                tuple(link for link in self.values() if link.upstream == node),
            )
        if found[0] or found[1]:  # others may be the names of nodes that are gone
            self.at[node] = found
        return found

    def above(self, node: str) -> Sequence[Link]:
        """The links that end at a node, oldest first."""
        return (self.at.get(node) or self.find(node))[0]

    def below(self, node: str) -> Sequence[Link]:
        """The links that begin at a node, oldest first."""
        return (self.at.get(node) or self.find(node))[1]

    def __reduce__(self) -> tuple[object, ...]:
        """Copied, it is made anew."""
        return Links, (dict(self),)

    def __setitem__(self, ident: str, link: Link) -> None:
        """Add a link, in the place of one of the same identity."""
        if ident in self:
            del self[ident]
        super().__setitem__(ident, link)
        if self._ends is not None:
            self._note(ident, link)
        elif len(self) > SMALL:
            self._ends = Ends(), Ends()
            for each, its in self.items():
                self._note(each, its)
        self._forget_tuples(link)

    def __delitem__(self, ident: str) -> None:
        """Remove a link."""
        link = self[ident]
        super().__delitem__(ident)
        if self._ends is not None:
            self._ends[0].remove(link.downstream, ident)
            self._ends[1].remove(link.upstream, ident)
        self._forget_tuples(link)

    def _note(self, ident: str, link: Link) -> None:
        if self._ends is not None:
            self._ends[0].add(link.downstream, ident, link)
            self._ends[1].add(link.upstream, ident, link)

    def _forget_tuples(self, link: Link) -> None:
        self.at.pop(link.upstream, None)
        self.at.pop(link.downstream, None)
