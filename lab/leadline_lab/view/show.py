"""Shows a fleet as it changes: as a live picture, as plain lines, or as JSON lines."""

import sys
from collections.abc import Mapping
from contextlib import AbstractContextManager
from datetime import datetime
from types import TracebackType
from typing import TYPE_CHECKING, Any, Protocol, Self

import click
import msgspec

from leadline import lines, wire
from leadline.model.alert import Transition
from leadline.model.delivery import Delivery
from leadline.model.incident import Incident
from leadline_lab.view.fleet import Event, FleetView

if TYPE_CHECKING:
    from rich.console import RenderableType


class Show(AbstractContextManager["Show"], Protocol):
    """Shows changes as they come."""

    def event(self, event: Event) -> None:
        """Show a transition, an incident record, or a delivery."""
        ...

    def picture(self, fleet: FleetView, now: datetime) -> None:
        """Show the present state. Called several times a second."""
        ...


class Live:
    """A picture on the terminal's alternate screen that keys move; at the end, the last one stays."""

    def __init__(self, note: str) -> None:
        from rich.console import Console
        from rich.live import Live as Painter

        from leadline_lab.view.browse import Browse
        from leadline_lab.view.keys import Keys
        from leadline_lab.view.viewport import Viewport

        self._note = note
        self._console = Console()
        self._painter = Painter(console=self._console, auto_refresh=False, screen=True)
        self._keys = Keys()
        self._viewport = Viewport()
        self._browse = Browse()
        self._last: RenderableType = ""

    def __enter__(self) -> Self:
        self._keys.__enter__()
        self._painter.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._painter.stop()
        self._keys.__exit__(kind, error, at)
        self._console.print(self._last)

    def event(self, event: Event) -> None:
        """Nothing at once: the next picture contains it."""

    def picture(self, fleet: FleetView, now: datetime) -> None:
        """Paint. Raises KeyboardInterrupt when somebody pressed the key that quits."""
        from leadline_lab.view.keys import QUIT
        from leadline_lab.view.terminal import render

        for stroke in self._keys.pressed():
            if self._browse.press(stroke):
                continue
            if stroke.meaning == QUIT:
                raise KeyboardInterrupt
            self._viewport.press(stroke.meaning)
        self._last = render(fleet, now, self._note)
        shown = render(fleet, now, self._note, self._browse)
        self._painter.update(self._viewport.of(shown, self._console.height), refresh=True)


class Lines:
    """One line per change; ``json`` makes each an object with a ``kind``."""

    def __init__(self, json: bool) -> None:
        self._json = json
        self._shown: dict[tuple[str, str], object] = {}

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        sys.stdout.flush()

    def event(self, event: Event) -> None:
        """Print an event; as text, an incident only when its state, severity, title or first cause changed, no notice
        of an audit, whose alert is printed, and no delivery with nothing new.
        """
        if self._json:
            self._object(_kind(event), msgspec.to_builtins(event, builtin_types=(datetime,)))
        elif isinstance(event, Delivery):
            if event.outcome not in ("attempted", "nothing_new", "partial"):
                click.echo(lines.delivery(event))
        elif isinstance(event, Transition):
            if (event.to != "pending" and event.from_ != "pending") or event.to == "firing":
                click.echo(lines.transition(event))
        elif event.class_ == "page":
            first = event.causes[0].code if event.causes else ""
            if self._changed("incident", event.incident_id, (event.state, event.severity, event.title, first)):
                click.echo("\n".join(lines.incident(event)))

    def picture(self, fleet: FleetView, now: datetime) -> None:
        """Print nodes and links whose role, health, version or verdict changed."""
        for node in fleet.nodes:
            if self._changed("node", f"{node.cluster}/{node.node}", (node.role, node.health, node.version, node.blind)):
                self._row("node", lines.node_fields(node), lines.node(node))
        for link in fleet.links:
            if self._changed("link", link.link, link.verdict):
                self._row("link", lines.link_fields(link, fleet.history(link.link)), lines.link(link))

    def _changed(self, kind: str, ident: str, state: object) -> bool:
        before = self._shown.get((kind, ident))
        self._shown[kind, ident] = state
        return before != state

    def _row(self, kind: str, fields: Mapping[str, Any], line: str) -> None:
        if self._json:
            self._object(kind, fields)
        else:
            click.echo(line)

    def _object(self, kind: str, fields: Mapping[str, Any]) -> None:
        click.echo(wire.encode({"kind": kind, **fields}))
        sys.stdout.flush()


def _kind(event: Event) -> str:
    if isinstance(event, Incident) and event.class_ != "page":
        return "notice"
    return {Transition: "alert", Incident: "incident"}.get(type(event), "delivery")
