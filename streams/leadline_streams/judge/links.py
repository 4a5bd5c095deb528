"""The links of a cluster, by identity, and by the node at either end.

Rules and causes ask for the links of one node again and again: looking through all links each time would make the cost
of a cluster the square of its size.
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


class AtNodes(dict[str, tuple[tuple[Link, ...], tuple[Link, ...]]]):
    """The links that end at a node, and those that begin there, oldest first; made when they are asked for.

    Every look at a node asks for them, so that finding them takes no call.
    """

    __slots__ = ("above", "below")

    def __init__(self) -> None:
        super().__init__()
        self.above: Ends[Link] = Ends()
        self.below: Ends[Link] = Ends()

    def __missing__(self, node: str) -> tuple[tuple[Link, ...], tuple[Link, ...]]:
        found = self.above.of(node), self.below.of(node)
        if found[0] or found[1]:  # others may be the names of nodes that are gone
            self[node] = found
        return found


class Links(dict[str, Link]):
    """Links by identity. Those of a node are tuples: links may go while one is read."""

    __slots__ = ("at",)

    def __init__(self, links: dict[str, Link] | None = None) -> None:
        super().__init__()
        self.at: AtNodes[Link] = AtNodes()
        for ident, link in (links or {}).items():
            self[ident] = link

    def above(self, node: str) -> Sequence[Link]:
        """The links that end at a node, oldest first."""
        return self.at[node][0]

    def below(self, node: str) -> Sequence[Link]:
        """The links that begin at a node, oldest first."""
        return self.at[node][1]

    def __reduce__(self) -> tuple[object, ...]:
        """Copied, it is made anew."""
        return Links, (dict(self),)

    def __setitem__(self, ident: str, link: Link) -> None:
        """Add a link, in the place of one of the same identity."""
        if ident in self:
            del self[ident]
        super().__setitem__(ident, link)
        self.at.above.add(link.downstream, ident, link)
        self.at.below.add(link.upstream, ident, link)
        self._forget_tuples(link)

    def __delitem__(self, ident: str) -> None:
        """Remove a link."""
        link = self[ident]
        super().__delitem__(ident)
        self.at.above.remove(link.downstream, ident)
        self.at.below.remove(link.upstream, ident)
        self._forget_tuples(link)

    def _forget_tuples(self, link: Link) -> None:
        self.at.pop(link.upstream, None)
        self.at.pop(link.downstream, None)
