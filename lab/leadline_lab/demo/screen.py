"""Ways to show the demo as it runs: live, plain lines, JSON lines."""

import sys
from contextlib import AbstractContextManager
from datetime import datetime
from types import TracebackType
from typing import Final, Protocol, Self

import click

from leadline import wire
from leadline.logs import escape
from leadline.words import hour
from leadline_lab.demo.demo_state import DemoState
from leadline_lab.demo.events import DemoEvent, EventKind

LABELS: Final = {
    EventKind.SETUP: "start",
    EventKind.STEP: "----",
    EventKind.ACTION: "action",
    EventKind.OBSERVED: "observed",
    EventKind.MISSED: "MISSED",
    EventKind.SENT: "sent",
}
"""The labels of the kinds that are not shown under their own name."""


class Screen(AbstractContextManager["Screen"], Protocol):
    """Shows a demo."""

    def event(self, event: DemoEvent) -> None:
        """Show a new line."""
        ...

    def show(self, state: DemoState, now: datetime) -> None:
        """Show the present state; called several times a second."""
        ...


class LiveScreen:
    """The live view, on the terminal's alternate screen."""

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

    def event(self, event: DemoEvent) -> None:
        """Nothing: ``show`` paints it."""

    def show(self, state: DemoState, now: datetime) -> None:
        """Paint."""
        from leadline_lab.demo.live_view import render

        self._painter.update(render(state, now, *self._console.size), refresh=True)


class LineScreen:
    """One line per event; ``json`` makes each an object."""

    def __init__(self, json: bool) -> None:
        self._json = json

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        sys.stdout.flush()

    def event(self, event: DemoEvent) -> None:
        """Print the line."""
        click.echo(wire.encode(as_json(event)) if self._json else line(event))
        sys.stdout.flush()

    def show(self, state: DemoState, now: datetime) -> None:
        """Nothing: every change is an event."""


def line(event: DemoEvent) -> str:
    """Time of day, seconds since the injection, kind, text. Foreign text is escaped."""
    since = "" if event.since_s is None else f"{event.since_s:+.1f} s"
    return escape(f"{hour(event.at)} {since:>9}  {LABELS.get(event.kind, event.kind):8}  {event.text}")


def as_json(event: DemoEvent) -> dict[str, object]:
    """The same for programs."""
    since = None if event.since_s is None else round(event.since_s, 1)
    return {"kind": event.kind, "at": event.at, "since_s": since, "text": event.text}
