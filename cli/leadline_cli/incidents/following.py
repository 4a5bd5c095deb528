"""``leadline incidents follow``."""

import asyncio
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import asdict
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING

import click

from leadline.clock import Clock, SystemClock
from leadline.errors import UnreachableError
from leadline.logs import escape
from leadline.settings.sink import SinkSettings
from leadline.words import duration, hour
from leadline_cli.incidents.log_access import dsn, plain
from leadline_cli.options import config_option, format_option, settings
from leadline_cli.output import emit

if TYPE_CHECKING:
    from leadline_sinks.incident_log.reader import Listed

EVERY_S = 1.0
"""Between two looks at the incident log. One reads the open incidents, and those that ended lately."""
LATE = timedelta(hours=1)
"""An end that reaches the incident log so long after it was is seen."""


@click.command("follow")
@config_option
@click.option("--cluster", metavar="NAME", help="Only incidents of this cluster.")
@click.option("--notices", is_flag=True, help="The notices and digests of the audit, too.")
@format_option
def follow_(config: Path | None, cluster: str | None, notices: bool, form: str) -> None:
    """Print the open incidents, then each change of one as it is recorded, until you press Ctrl-C.

    A change is a new incident, another severity or first cause, an acknowledgement, a return, a merger, or the end.
    With --format json, a line is the incident as `list` gives it, and `changes` in words.

    \b
    Example:
      leadline incidents follow -c sink.yaml
    """
    from leadline_sinks.incident_log import reader

    target = dsn(settings(SinkSettings, config))

    async def follow() -> None:
        clock = SystemClock()
        since = clock.now() - LATE
        known: dict[str, Listed] | None = None
        lost = False
        while True:
            try:
                async with reader.session(target) as connection:
                    while True:
                        found = await reader.incidents(connection, cluster=cluster, since=since, notices=notices)
                        if lost:
                            click.echo("the incident log answers again", err=True)
                        lost = False
                        if known is None:
                            known = {each.incident_id: each for each in found if each.state != "open"}
                        _print(known, found, form, clock)
                        await clock.sleep(EVERY_S)
            except UnreachableError as error:
                if not lost:
                    click.echo(f"{escape(str(error))}; trying again", err=True)
                lost = True
                await clock.sleep(EVERY_S)

    with suppress(KeyboardInterrupt):
        asyncio.run(follow())


def changes(before: "Listed | None", now: "Listed") -> Iterator[str]:
    """The news about an incident in words; all of it where the incident was not known before."""
    if before is None:
        yield f"open, {now.severity}" if now.state == "open" else f"opened, {now.severity}"
    elif before.severity != now.severity:
        yield f"{now.severity}, was {before.severity}"
    if now.cause is not None and (before is None or before.cause != now.cause):
        yield f"cause {now.cause}"
    if now.acknowledged_at is not None and (before is None or before.acknowledged_at is None):
        yield "acknowledged"
    elif before is not None and before.acknowledged_at is not None and now.acknowledged_at is None:
        yield "not acknowledged any more"
    if before is not None and now.returns > before.returns:
        yield "returned"
    if now.merged_into is not None and (before is None or before.merged_into is None):
        yield f"merged into {now.merged_into}"
    elif now.state == "resolved" and now.resolved_at is not None and (before is None or before.state != "resolved"):
        yield f"resolved after {duration((now.resolved_at - now.opened_at).total_seconds())}"


def _print(known: "dict[str, Listed]", found: "list[Listed]", form: str, clock: Clock) -> None:
    for each in sorted(found, key=lambda one: one.opened_at):
        words = list(changes(known.get(each.incident_id), each))
        known[each.incident_id] = each
        if words and form == "json":
            emit(plain({**asdict(each), "changes": words}))
        elif words:
            click.echo(escape(f"{hour(clock.now())}  {each.incident_id}  {', '.join(words)}: {each.title}"))
