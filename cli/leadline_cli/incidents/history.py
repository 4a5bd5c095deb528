"""``leadline incidents show`` and ``export``: everything about one incident, and its post-mortem."""

import asyncio
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

import click

from leadline.errors import UsageError
from leadline.settings.sink import SinkSettings
from leadline_cli.incidents.log_access import dsn, plain
from leadline_cli.options import config_option, format_option, settings
from leadline_cli.output import emit

if TYPE_CHECKING:
    from leadline_sinks.incident_log.incident_history import IncidentHistory


@click.command("show")
@click.argument("incident", metavar="ID")
@config_option
@format_option
def show_(incident: str, config: Path | None, form: str) -> None:
    """Show everything about one incident.

    That is its causes with their evidence, its timeline, deliveries and actions. ID may be shortened to its first
    characters.

    \b
    Example:
      leadline incidents show inc_orders_20260410T1000 -c sink.yaml
    """
    from leadline_sinks.incident_log.terminal import page

    history = history_of(config, incident)
    if form == "json":
        parts = ("incident", "transitions", "deliveries", "actions", "parts")
        emit(plain({name: getattr(history, name) for name in parts} | {"times": asdict(history.times)}))
    else:
        click.echo(page(history))


@click.command("export")
@click.argument("incident", metavar="ID")
@config_option
@click.option(
    "--format",
    "form",
    type=click.Choice(["md"]),
    default="md",
    show_default=True,
    help="md: the draft of a post-mortem.",
)
@click.option(
    "-o", "--output", type=click.Path(path_type=Path), metavar="FILE", help="A new file; by default standard output."
)
def export_(incident: str, config: Path | None, form: str, output: Path | None) -> None:
    """Write the draft of a post-mortem.

    Its parts are summary, timeline, root cause and resolution, and measures.

    \b
    Example:
      leadline incidents export inc_orders_20260410T1000 -c sink.yaml \\
          -o postmortem.md
    """
    from leadline_sinks.incident_log.postmortem.draft import draft

    written = draft(history_of(config, incident))
    if output is None:
        click.echo(written, nl=False)
        return
    try:
        with output.open("x", encoding="utf-8") as file:
            file.write(written)
    except FileExistsError:
        raise UsageError(f"{output} exists; give another name, or remove the file") from None
    except OSError as error:
        raise UsageError(f"{output}: cannot be written: {error.strerror}") from None
    click.echo(f"wrote the draft to {output}", err=True)


def history_of(config: Path | None, incident: str) -> "IncidentHistory":
    """The history of the incident whose identity begins like this."""
    from leadline_sinks.incident_log import reader

    async def read() -> "IncidentHistory":
        async with reader.session(dsn(settings(SinkSettings, config))) as connection:
            ident = reader.the_one(incident, await reader.beginning(connection, incident))
            return await reader.history(connection, ident)

    return asyncio.run(read())
