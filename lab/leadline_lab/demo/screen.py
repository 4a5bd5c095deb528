"""Ways to show the story as it happens: a live picture, plain lines, JSON lines."""

import sys
from contextlib import AbstractContextManager
from datetime import datetime
from types import TracebackType
from typing import Protocol, Self

import click

from leadline import wire
from leadline.logs import escape
from leadline.words import hour
from leadline_lab.demo.demo_state import Scene
from leadline_lab.demo.events import Beat

MARKS = {"setup": "start", "step": "----", "saw": "seen", "missed": "MISSED"}
"""What a line begins with, where it is not the kind itself."""


class Screen(AbstractContextManager["Screen"], Protocol):
    """Shows a play."""

    def tell(self, beat: Beat) -> None:
        """A line of the story."""
        ...

    def show(self, scene: Scene, now: datetime) -> None:
        """How everything is now; called several times a second."""
        ...


class Live:
    """A picture on a screen of its own, which goes with it."""

    def __init__(self) -> None:
        from rich.console import Console
        from rich.live import Live as Painter

        self._console = Console()
        self._painter = Painter(console=self._console, auto_refresh=False, screen=True)

    def __enter__(self) -> Self:
        self._painter.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._painter.stop()

    def tell(self, beat: Beat) -> None:
        """Seen in the next picture."""

    def show(self, scene: Scene, now: datetime) -> None:
        """Paint."""
        from leadline_lab.demo.live_view import render

        self._painter.update(render(scene, now, *self._console.size), refresh=True)


class Lines:
    """One line per beat; ``json`` makes each an object."""

    def __init__(self, json: bool) -> None:
        self._json = json

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        sys.stdout.flush()

    def tell(self, beat: Beat) -> None:
        """Print it."""
        click.echo(wire.encode(as_json(beat)) if self._json else line(beat))
        sys.stdout.flush()

    def show(self, scene: Scene, now: datetime) -> None:
        """Nothing: what changed was told."""


def line(beat: Beat) -> str:
    """Time of day, seconds since the injection, what kind of news, and the news. Foreign text is escaped."""
    since = "" if beat.since_s is None else f"{beat.since_s:+.1f} s"
    return escape(f"{hour(beat.at)} {since:>9}  {MARKS.get(beat.kind, beat.kind):8}  {beat.text}")


def as_json(beat: Beat) -> dict[str, object]:
    """The same for programs."""
    since = None if beat.since_s is None else round(beat.since_s, 1)
    return {"kind": beat.kind, "at": beat.at, "since_s": since, "text": beat.text}
