"""``leadline incidents ack`` and ``note``."""

import asyncio
from datetime import UTC
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final
from uuid import uuid4

import click

from leadline.clock import SystemClock
from leadline.errors import LeadlineError, UnreachableError, UsageError
from leadline.kafka import publish
from leadline.logs import escape
from leadline.model.action import Action
from leadline.model.ids import IncidentId
from leadline.settings.sink import SinkSettings
from leadline.topic_table import latest, of_key
from leadline.wire import ACTIONS, INCIDENTS
from leadline_cli.incidents.log_access import dsn, plain
from leadline_cli.options import by_option, config_option, format_option, settings, user
from leadline_cli.output import emit

if TYPE_CHECKING:
    from leadline_sinks.incident_log.reader import Known

CLIENT: Final = "leadline-incidents"


@click.command("ack")
@click.argument("incident", metavar="ID")
@config_option
@by_option
@format_option
def ack_(incident: str, config: Path | None, by: str | None, form: str) -> None:
    """Acknowledge an incident, and notify every target of it. Works while the incident log is down.

    \b
    Example:
      leadline incidents ack inc_orders_20260410T100003Z_7c1e -c sink.yaml
    """
    _act(config, incident, "acknowledge", by, "", form)


@click.command("note")
@click.argument("incident", metavar="ID")
@click.argument("text")
@config_option
@by_option
@format_option
def note_(incident: str, text: str, config: Path | None, by: str | None, form: str) -> None:
    """Add a note to an incident. Works while the incident log is down.

    \b
    Example:
      leadline incidents note inc_orders_20260410T100003Z_7c1e \\
          'ended the report' -c sink.yaml
    """
    if not text.strip():
        raise UsageError("the note is empty; give its text")
    _act(config, incident, "note", by, text, form)


def _act(config: Path | None, incident: str, kind: Any, by: str | None, text: str, form: str) -> None:
    loaded = settings(SinkSettings, config)
    if len(text) > 4000:
        raise UsageError(f"the note has {len(text)} characters; the limit is 4000")
    ident, known = asyncio.run(_known(loaded, incident))
    before = asyncio.run(_acknowledgement(loaded, ident, known)) if kind == "acknowledge" else None
    if before is not None and before.by == (by or user())[:255]:
        _answer(before, f"{ident} is acknowledged already by {before.by} since {_when(before)}", form)
        return
    action = Action(
        action_id=f"act_{uuid4().hex}",
        incident_id=IncidentId(ident),
        kind=kind,
        by=(by or user())[:255],
        text=text,
        at=SystemClock().now(),
        generation=known.generation if known is not None else None,
    )
    asyncio.run(publish(loaded.kafka, CLIENT, action))
    over = "; it is resolved already" if known is not None and known.state == "resolved" else ""
    other = f"; {before.by} had acknowledged it at {_when(before)}" if before is not None else ""
    verb = "acknowledged" if kind == "acknowledge" else "noted"
    _answer(action, f"{verb} {action.incident_id} as {action.by}{other}{over}", form)


def _when(action: Action) -> str:
    """The time of an action as people read it."""
    return f"{action.at.astimezone(UTC):%Y-%m-%d %H:%M:%S} UTC"


def _answer(action: Action, text: str, form: str) -> None:
    if form == "json":
        emit(plain({"action": action}))
    else:
        click.echo(escape(text))


async def _acknowledgement(loaded: SinkSettings, ident: str, known: "Known | None") -> Action | None:
    """The last acknowledgement that covers the incident as it is now; None where there is none, or none can be read."""
    try:
        actions = await of_key(loaded.kafka, ACTIONS, CLIENT, ident)
    except UnreachableError:
        return None  # the acknowledgement is written next, and says what is wrong
    present = known.generation if known is not None else 1
    given = [each for each in actions if each.kind == "acknowledge" and (each.generation or 0) >= present]
    return given[-1] if given else None


async def _known(loaded: SinkSettings, incident: str) -> tuple[str, "Known | None"]:
    """The complete ID and the incident, from the incident log or, without one that answers, from Kafka.

    ``incident`` itself where neither can be read. Raises UsageError when there is no such incident, or several.
    """
    from leadline_sinks.incident_log import reader

    try:
        found = await _in_log(loaded, incident) if loaded.incident_log.wanted else None
        if found is None:
            records = await latest(loaded.kafka, INCIDENTS, CLIENT)
            found = {
                ident: reader.Known(each.state, each.generation)
                for ident, each in records.items()
                if ident.startswith(incident)
            }
    except UnreachableError as error:
        click.echo(f"cannot check that the incident exists: {error}", err=True)
        return incident, None
    ident = reader.the_one(incident, found)
    return ident, found[ident]


async def _in_log(loaded: SinkSettings, incident: str) -> "dict[str, Known] | None":
    """The incidents of the incident log that begin like this; None when it cannot be read."""
    from leadline_sinks.incident_log import reader

    try:
        async with reader.session(dsn(loaded)) as connection:
            return await reader.beginning(connection, incident)
    except LeadlineError as error:
        click.echo(f"looking in Kafka, since the incident log cannot be read: {error}", err=True)
        return None
