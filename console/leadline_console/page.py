"""A page: its address, its title, its view and its template; and what a view is asked for."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

import msgspec

if TYPE_CHECKING:
    from leadline_console.read_model import ReadModel
    from leadline_console.shared import Console

LONGEST = 4000
"""Characters of one parameter; the rest is cut off. The identity of a link is percent-encoded, and may be long."""


class NotFound(Exception):
    """There is nothing at this address. The message is for a person: what is not there, and where to look."""


@dataclass(frozen=True, slots=True)
class Asked:
    """The request of a page: the parameters of its address, and the time."""

    params: Mapping[str, str]
    now: datetime
    loaded: Any = None
    """The result of the page's ``load``; None for a page without."""

    def text(self, name: str, default: str = "") -> str:
        """A parameter; ``default`` without it."""
        return self.params.get(name, default)[:LONGEST]

    def number(self, name: str, default: int = 0, least: int = 0, most: int = 1_000_000) -> int:
        """A parameter as a whole number within bounds; ``default`` where it is missing or no number."""
        given = self.params.get(name, "")
        return (
            max(least, min(most, int(given))) if given.isascii() and given.isdecimal() and len(given) < 10 else default
        )

    def one_of(self, name: str, allowed: tuple[str, ...]) -> str:
        """A parameter with one of these values; the first of them for anything else."""
        given = self.params.get(name, "")
        return given if given in allowed else allowed[0]


View = Callable[["ReadModel", Asked], msgspec.Struct]
"""A pure function. What it returns is served as JSON, and is ``v`` in the template. Raises NotFound."""
Load = Callable[["Console", Mapping[str, str], str], Awaitable[Any]]
"""Reads what is not in the model, such as the incident log, into ``Asked.loaded``, for the person who is named last.
LeadlineErrors are shown."""


@dataclass(frozen=True, slots=True)
class Page:
    """One page of the console."""

    path: str
    """``/cluster``; its JSON is at ``/cluster.json``. What it shows is in parameters: names may hold any character."""
    title: str
    template: str
    """A file in ``templates``. Its blocks whose names begin with ``live_`` are the parts that are sent when they
    change."""
    view: View
    menu: str = ""
    """Its name in the menu; empty for a page that is reached from others."""
    load: Load | None = None
    loads_once: bool = False
    """Whether what ``load`` reads is in no part that is sent when it changes: streams do not read it."""
    is_same_for_all: bool = False
    """Whether its parts depend on nobody's name, role or session, so that they are made once for all who look."""
