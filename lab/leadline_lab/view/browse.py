"""The links that somebody looks at: their order, a filter, and the one that is looked at closely. Pure."""

from collections.abc import Sequence
from typing import Final

from leadline.model.status import LinkStatus
from leadline_console.rows import badness
from leadline_lab.view.keys import Stroke

ORDERS: Final = ("by name", "worst first", "longest lag first")
HELP: Final = (
    ("arrow keys, j, k", "scroll; space and b by a page, g and G to the top and the end"),
    ("s", f"order of the links: {', '.join(ORDERS)}"),
    ("/", "show only links, nodes and alerts that contain a text; Enter keeps it, Escape drops it"),
    ("n, p", "choose the next or the previous link"),
    ("Enter", "look at the chosen link closely; Escape goes back"),
    ("q", "quit"),
)
MOST: Final = 60
"""Characters of a filter."""


class Browse:
    """The choices that keys have made. A filter hides no incident."""

    def __init__(self) -> None:
        self.helps = False
        self.chosen = ""
        """The identity of a link; empty while none is chosen."""
        self.is_close = False
        self.filter = ""
        self.is_typing = False
        self._order = 0
        self._shown: list[str] = []

    def press(self, stroke: Stroke) -> bool:
        """Do what a key says. False for one that has no meaning here."""
        if self.is_typing:
            self._type(stroke)
            return True
        match stroke.meaning:
            case "filter":
                self.is_typing = True
            case "sort":
                self._order = (self._order + 1) % len(ORDERS)
            case "help":
                self.helps = not self.helps
            case "next" | "previous":
                self._choose(1 if stroke.meaning == "next" else -1)
            case "enter":
                self.is_close = self.chosen in self._shown
            case "escape":
                self._go_back()
            case _:
                return False
        return True

    def order(self, links: Sequence[LinkStatus]) -> list[LinkStatus]:
        """The links that are shown, in their order."""
        found = [link for link in links if self.has(link.cluster, link.upstream, link.downstream, link.name)]
        if ORDERS[self._order] == "worst first":
            found.sort(key=lambda link: badness(link.verdict, link.lag_s, link.link))
        elif ORDERS[self._order] == "longest lag first":
            found.sort(key=lambda link: -(link.lag_s or 0.0))
        self._shown = [link.link for link in found]
        return found

    def has(self, *texts: str) -> bool:
        """Whether one of the texts contains the filter."""
        wanted = self.filter.casefold()
        return any(wanted in text.casefold() for text in texts)

    @property
    def note(self) -> str:
        """The order and the filter, where they are not the usual ones."""
        parts = [f"links {ORDERS[self._order]}"] if self._order else []
        if self.filter or self.is_typing:
            parts.append(f"only with: {self.filter}" + ("_" if self.is_typing else ""))
        return "  ·  ".join(parts)

    def _type(self, stroke: Stroke) -> None:
        if stroke.meaning == "enter":
            self.is_typing = False
        elif stroke.meaning == "escape":
            self.is_typing, self.filter = False, ""
        elif stroke.meaning == "backspace":
            self.filter = self.filter[:-1]
        else:
            self.filter = (self.filter + stroke.text)[:MOST]

    def _choose(self, step: int) -> None:
        if not self._shown:
            return
        at = self._shown.index(self.chosen) + step if self.chosen in self._shown else 0
        self.chosen = self._shown[at % len(self._shown)]

    def _go_back(self) -> None:
        if self.helps:
            self.helps = False
        elif self.is_close:
            self.is_close = False
        elif self.filter:
            self.filter = ""
        else:
            self.chosen = ""
