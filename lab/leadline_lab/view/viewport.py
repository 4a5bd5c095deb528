"""A part of a picture that is higher than the terminal, and the keys that move it."""

import os
import select
import sys
import termios
import tty
from collections.abc import Iterator
from contextlib import AbstractContextManager
from types import TracebackType
from typing import Any, Final, Self

from rich.console import Console, ConsoleOptions, RenderableType, RenderResult
from rich.segment import Segment
from rich.text import Text

QUIT: Final = "quit"
_KEYS: Final = {
    "q": QUIT,
    "k": "up",
    "\x1b[A": "up",
    "\x1bOA": "up",
    "j": "down",
    "\x1b[B": "down",
    "\x1bOB": "down",
    "b": "page up",
    "\x1b[5~": "page up",
    " ": "page down",
    "\x1b[6~": "page down",
    "g": "top",
    "\x1b[H": "top",
    "G": "end",
    "\x1b[F": "end",
}
"""Meaning of each key, by what a terminal sends for it."""
_LONGEST: Final = 4


class Viewport:
    """Shows as many lines of a picture as the terminal has, and moves over them."""

    def __init__(self) -> None:
        self._top = 0
        self._most = 0
        """The last line that may be at the top."""
        self._page = 1

    def press(self, key: str) -> None:
        """Move as a key says."""
        steps = {"up": -1, "down": 1, "page up": -self._page, "page down": self._page, "top": -self._top}
        self._top = max(0, min(self._most, self._top + steps.get(key, self._most if key == "end" else 0)))

    def of(self, picture: RenderableType, height: int) -> RenderableType:
        """The visible part of a picture in ``height`` lines; the last one says how much is not visible."""
        return _Part(self, picture, height)

    def cut(self, lines: list[list[Segment]], height: int) -> tuple[list[list[Segment]], str]:
        """The visible lines, and the note about the rest; no note where all are visible."""
        if len(lines) <= height:
            self._top = self._most = 0
            return lines, ""
        room = height - 1
        self._most, self._page = len(lines) - room, room
        self._top = min(self._top, self._most)
        below = self._most - self._top
        hidden = [f"{self._top} above" if self._top else "", f"{below} below" if below else ""]
        note = f"lines not shown: {', '.join(each for each in hidden if each)}  ·  arrow keys, space and b; q to quit"
        return lines[self._top : self._top + room], note


class _Part:
    def __init__(self, viewport: Viewport, picture: RenderableType, height: int) -> None:
        self._viewport, self._picture, self._height = viewport, picture, height

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        lines, note = self._viewport.cut(
            console.render_lines(self._picture, options.update(height=None), pad=False), self._height
        )
        for number, line in enumerate(lines):
            yield from line
            if note or number < len(lines) - 1:
                yield Segment.line()
        if note:
            yield Text(note, style="dim", no_wrap=True, overflow="ellipsis", end="")


class Keys(AbstractContextManager["Keys"]):
    """The keys that are pressed, without waiting for them; none where standard input is no terminal."""

    def __init__(self) -> None:
        self._before: list[Any] | None = None

    def __enter__(self) -> Self:
        if (
            sys.stdin.isatty() and os.tcgetpgrp(sys.stdin.fileno()) == os.getpgrp()
        ):  # a job in the background is stopped
            self._before = termios.tcgetattr(sys.stdin)
            tty.setcbreak(sys.stdin)
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        if self._before is not None:
            termios.tcsetattr(sys.stdin, termios.TCSADRAIN, self._before)

    def pressed(self) -> list[str]:
        """The meanings of the keys since the last call."""
        if self._before is None:
            return []
        text = ""
        while select.select([sys.stdin], [], [], 0)[0] and (read := os.read(sys.stdin.fileno(), 64)):
            text += read.decode("utf-8", "replace")
        return list(meanings(text))


def meanings(text: str) -> Iterator[str]:
    """The meanings of the keys in what a terminal has sent; others are left out."""
    while text:
        length = next((n for n in range(_LONGEST, 0, -1) if text[:n] in _KEYS), 0)
        if length:
            yield _KEYS[text[:length]]
        text = text[max(1, length) :]
