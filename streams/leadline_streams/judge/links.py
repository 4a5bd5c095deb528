"""The links of a cluster, by identity, and by the node at either end.

Rules and causes ask for the links of one node again and again: looking through all links each time would make the cost
of a cluster the square of its size.
"""

from collections.abc import Sequence
from typing import Protocol, TypeVar


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


class Links(dict[str, Link]):
    """Links by identity. Those of a node are lists that are replaced, not changed: links may go while one is read."""

    __slots__ = ("_above", "_below")

    def __init__(self, links: dict[str, Link] | None = None) -> None:
        super().__init__()
        self._above: dict[str, list[Link]] = {}
        self._below: dict[str, list[Link]] = {}
        for ident, link in (links or {}).items():
            self[ident] = link

    def __reduce__(self) -> tuple[object, ...]:
        """Copied, it is made anew."""
        return Links, (dict(self),)

    def above(self, node: str) -> Sequence[Link]:
        """The links that end at a node, oldest first."""
        return self._above.get(node, ())

    def below(self, node: str) -> Sequence[Link]:
        """The links that begin at a node, oldest first."""
        return self._below.get(node, ())

    def __setitem__(self, ident: str, link: Link) -> None:
        """Add a link, in the place of one of the same identity."""
        if ident in self:
            del self[ident]
        super().__setitem__(ident, link)
        self._above[link.downstream] = [*self._above.get(link.downstream, ()), link]
        self._below[link.upstream] = [*self._below.get(link.upstream, ()), link]

    def __delitem__(self, ident: str) -> None:
        """Remove a link."""
        link = self[ident]
        super().__delitem__(ident)
        for ends, node in ((self._above, link.downstream), (self._below, link.upstream)):
            left = [each for each in ends[node] if each is not link]
            if left:
                ends[node] = left
            else:
                del ends[node]
