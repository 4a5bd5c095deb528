"""Finds the silences that may be announced together without comparing each with all others. Pure."""

from collections.abc import Iterable, Iterator, Mapping

from leadline.model.announcement import Announcement
from leadline.model.silence import Silence
from leadline_sinks.notify.announcement_records import TOGETHER

Cell = tuple[str, int, int]
"""The author, and the beginning and the end in so many times that two of them may be apart."""


class Near:
    """Numbered things, each by a silence of it: those whose silences may be together with another one."""

    def __init__(self) -> None:
        self._cells: dict[Cell, list[int]] = {}

    def add(self, silence: Silence, number: int) -> None:
        """Have one more."""
        self._cells.setdefault(_cell(silence), []).append(number)

    def numbers(self, silence: Silence) -> Iterator[int]:
        """Those of silences with the same author that begin and end nearly when this one does, in no order."""
        author, begin, end = _cell(silence)
        for one in (begin - 1, begin, begin + 1):
            for other in (end - 1, end, end + 1):
                yield from self._cells.get((author, one, other), ())


class Open:
    """The announcements given, which are open, by what another silence may have in common with them."""

    def __init__(self, open_: Iterable[Announcement]) -> None:
        self.all = list(open_)
        self._near = Near()
        self._matchers: dict[frozenset[tuple[str, str]], dict[int, None]] = {}
        for number, about in enumerate(self.all):
            self._near.add(about.silences[0], number)
            for silence in about.silences:
                self._matchers.setdefault(_items(silence.matchers), {})[number] = None

    def like(self, silence: Silence) -> list[int]:
        """The places of those that a silence may become a part of, the first one first."""
        return sorted({*self._near.numbers(silence), *self._matchers.get(_items(silence.matchers), ())})


def _items(matchers: Mapping[str, str]) -> frozenset[tuple[str, str]]:
    return frozenset(matchers.items())


def _cell(silence: Silence) -> Cell:
    apart_s = TOGETHER.total_seconds()
    begin, end = (int(each.timestamp() // apart_s) for each in (silence.starts_at, silence.ends_at))
    return silence.created_by, begin, end
