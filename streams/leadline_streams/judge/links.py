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
    """The links at one end of each node, by identity and as tuples, which are made when they are asked for."""

    __slots__ = ("_links", "_shown")

    def __init__(self) -> None:
        self._links: dict[str, dict[str, Link]] = {}
        self._shown: dict[str, tuple[Link, ...]] = {}

    def add(self, node: str, ident: str, link: Link) -> None:
        """Add one as the youngest."""
        self._links.setdefault(node, {})[ident] = link
        self._shown.pop(node, None)

    def remove(self, node: str, ident: str) -> None:
        """Remove one."""
        links = self._links[node]
        del links[ident]
        if not links:
            del self._links[node]
        self._shown.pop(node, None)

    def of(self, node: str) -> Sequence[Link]:
        """Those of a node, oldest first."""
        found = self._shown.get(node)
        if found is None:
            links = self._links.get(node)
            if links is None:
                return ()
            found = self._shown[node] = tuple(links.values())
        return found


class Links(dict[str, Link]):
    """Links by identity. Those of a node are tuples: links may go while one is read."""

    __slots__ = ("_above", "_below", "above", "below")

    def __init__(self, links: dict[str, Link] | None = None) -> None:
        super().__init__()
        self._above: Ends[Link] = Ends()
        self._below: Ends[Link] = Ends()
        self.above = self._above.of
        """The links that end at a node, oldest first."""
        self.below = self._below.of
        """The links that begin at a node, oldest first."""
        for ident, link in (links or {}).items():
            self[ident] = link

    def __reduce__(self) -> tuple[object, ...]:
        """Copied, it is made anew."""
        return Links, (dict(self),)

    def __setitem__(self, ident: str, link: Link) -> None:
        """Add a link, in the place of one of the same identity."""
        if ident in self:
            del self[ident]
        super().__setitem__(ident, link)
        self._above.add(link.downstream, ident, link)
        self._below.add(link.upstream, ident, link)

    def __delitem__(self, ident: str) -> None:
        """Remove a link."""
        link = self[ident]
        super().__delitem__(ident)
        self._above.remove(link.downstream, ident)
        self._below.remove(link.upstream, ident)
