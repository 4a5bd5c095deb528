"""A part of a picture that is higher than the terminal."""

from rich.console import Console, ConsoleOptions, RenderableType, RenderResult
from rich.segment import Segment
from rich.text import Text


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
        where = ", ".join(each for each in hidden if each)
        note = f"lines not shown: {where}  ·  arrow keys; ? for keys; q to quit"
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
