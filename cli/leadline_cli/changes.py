"""``leadline changes``."""

import asyncio
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import click

from leadline.errors import UsageError
from leadline.settings.sink import SinkSettings
from leadline_cli.incidents.listing import Since
from leadline_cli.incidents.log_access import dsn, plain
from leadline_cli.options import config_option, format_option, settings
from leadline_cli.output import emit, table

if TYPE_CHECKING:
    from leadline.model.change_record import ChangeRecord


@click.command()
@config_option
@click.option("--cluster", metavar="NAME", help="Only changes in this cluster.")
@click.option("--node", metavar="PATTERN", default="*", help="Only changes of these nodes; * and ? are wildcards.")
@click.option("--setting", metavar="PATTERN", default="*", help="Only changes of these settings, such as max_*.")
@click.option("--since", type=Since(), help="From this time on: 90m, 12h or 7d ago, or a date and time.")
@click.option("--until", type=Since(), help="Up to this time, in the same form.")
@format_option
def command(
    config: Path | None,
    cluster: str | None,
    node: str,
    setting: str,
    since: datetime | None,
    until: datetime | None,
    form: str,
) -> None:
    """List what was changed on servers: settings, versions and roles, oldest first.

    Each change was made between two looks at the server: the last one that showed the old value, and the first one that
    showed the new one. The incident log has them; the file and the line are there where the agent may see them. "role"
    is the role of a server, "server_version" its version, "hba" stands for lines of pg_hba.conf.

    \b
    Example:
      leadline changes -c sink.yaml --cluster orders --since 7d
      leadline changes -c sink.yaml --setting 'max_slot_*' --format json
    """
    from leadline_sinks.incident_log import reader, trail

    if since is not None and until is not None and until < since:
        raise UsageError("--until is before --since; exchange them")

    async def read() -> "list[ChangeRecord]":
        async with reader.session(dsn(settings(SinkSettings, config))) as connection:
            period = trail.Period(cluster, since, until)
            return await trail.changes(connection, period, node=node, setting=setting)

    found = asyncio.run(read())
    if form == "json":
        for each in found:
            emit(plain({"record": each})["record"])
        return
    if found:
        headings = ("after (UTC)", "seen (UTC)", "cluster", "node", "setting", "change", "by")
        table(headings, (_row(each) for each in found))
    else:
        click.echo("no changes")


def _row(record: "ChangeRecord") -> tuple[str, ...]:
    from leadline.setting_words import move, origin

    change = record.change
    after = _second(change.after) if change.after is not None else "not known"
    where = (record.cluster, change.node, change.setting)
    return (after, _second(change.at), *where, move(change), origin(change) or "-")


def _second(moment: datetime) -> str:
    return f"{moment.astimezone(UTC):%Y-%m-%d %H:%M:%S}"
