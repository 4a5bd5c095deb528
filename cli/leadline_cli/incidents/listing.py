"""``leadline incidents list``."""

import asyncio
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from leadline.clock import SystemClock
from leadline.settings.sink import SinkSettings
from leadline.words import duration
from leadline_cli.incidents.log_access import dsn, plain
from leadline_cli.options import config_option, format_option, parse_duration, settings
from leadline_cli.output import emit, table

if TYPE_CHECKING:
    from leadline_sinks.incident_log.reader import Listed


class Since(click.ParamType):
    """A time: a duration before now, a date, or a date and time. Without a zone it is in UTC."""

    name = "time"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> datetime:
        """The time, in UTC."""
        if isinstance(value, datetime):
            return value
        try:
            if (ago := parse_duration(value)) is not None:
                return SystemClock().now() - ago
            found = datetime.fromisoformat(value)
            return found.astimezone(UTC) if found.tzinfo else found.replace(tzinfo=UTC)
        except (ValueError, OverflowError):
            self.fail("give 90m, 12h or 7d (before now), or a date and time such as 2026-04-10T10:00", param, ctx)


@click.command("list")
@config_option
@click.option("--cluster", metavar="NAME", help="Only incidents of this cluster.")
@click.option(
    "--since",
    type=Since(),
    help="Only incidents that were open after this time: 90m, 12h or 7d ago, or a date and time.",
)
@click.option("--state", type=click.Choice(["open", "resolved"]), help="Only incidents in this state.")
@click.option("--notices", is_flag=True, help="The notices and digests of the audit, too.")
@format_option
def list_(
    config: Path | None, cluster: str | None, since: datetime | None, state: Any, notices: bool, form: str
) -> None:
    """List incidents: open ones first, then the newest.

    \b
    Example:
      leadline incidents list -c sink.yaml --since 7d
    """
    from leadline_sinks.incident_log import reader

    async def read() -> list[reader.Listed]:
        async with reader.session(dsn(settings(SinkSettings, config))) as connection:
            return await reader.incidents(connection, cluster=cluster, since=since, state=state, notices=notices)

    found = asyncio.run(read())
    if form == "json":
        for each in found:
            emit(plain(asdict(each)))
        return
    now = SystemClock().now()
    rows = [
        (
            each.incident_id,
            _state(each),
            each.severity,
            each.opened_at.strftime("%Y-%m-%d %H:%M:%S"),
            duration(((each.resolved_at or now) - each.opened_at).total_seconds()),
            duration(each.to_detect_s),
            duration(each.to_cause_s),
            each.title,
        )
        for each in found
    ]
    if rows:
        table(("incident", "state", "severity", "opened (UTC)", "lasted", "detected", "cause", "title"), rows)
    else:
        click.echo("no incidents")


def _state(each: "Listed") -> str:
    """The state in words, with the acknowledgement of an open incident and the returns of any."""
    if each.merged_into is not None:
        return "merged"
    parts = [each.state, *(["acknowledged"] if each.acknowledged_at and each.state == "open" else [])]
    if each.recurrence_rules:
        parts.append("can return")
    if each.returns:
        parts.append("returned once" if each.returns == 1 else f"returned {each.returns} times")
    return ", ".join(parts)
