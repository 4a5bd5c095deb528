"""The keys that are pressed in a terminal, and their meaning."""

import os
import select
import sys
import termios
import tty
from collections.abc import Iterator
from contextlib import AbstractContextManager
from types import TracebackType
from typing import Any, Final, NamedTuple, Self

QUIT: Final = "quit"
MEANINGS: Final = {
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
    "n": "next",
    "p": "previous",
    "s": "sort",
    "/": "filter",
    "?": "help",
    "\r": "enter",
    "\n": "enter",
    "\x7f": "backspace",
    "\b": "backspace",
    "\x1b": "escape",
}
"""By what a terminal sends for a key."""
_LONGEST: Final = max(map(len, MEANINGS))


class Stroke(NamedTuple):
    """A key that was pressed."""

    meaning: str
    """Empty for a key without one."""
    text: str = ""
    """The character that it writes; empty where it writes none."""


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

    def pressed(self) -> list[Stroke]:
        """The keys since the last call."""
        if self._before is None:
            return []
        text = ""
        while select.select([sys.stdin], [], [], 0)[0] and (read := os.read(sys.stdin.fileno(), 64)):
            text += read.decode("utf-8", "replace")
        return list(strokes(text))


def strokes(text: str) -> Iterator[Stroke]:
    """The keys in what a terminal has sent; sequences of others are left out."""
    while text:
        length = next((n for n in range(_LONGEST, 1, -1) if text[:n] in MEANINGS), 1)
        sent, text = text[:length], text[length:]
        if sent == "\x1b" and text[:1] in ("[", "O"):
            text = text[1:].lstrip("0123456789;")[1:]
        elif sent in MEANINGS or sent.isprintable():
            yield Stroke(MEANINGS.get(sent, ""), sent if sent.isprintable() else "")
