"""``leadline audits``: the audits that the incident log keeps."""

import asyncio
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import click

from leadline.logs import escape
from leadline.settings.sink import SinkSettings
from leadline_cli.incidents.listing import Since
from leadline_cli.incidents.log_access import dsn, plain
from leadline_cli.options import config_option, format_option, settings
from leadline_cli.output import emit, table

if TYPE_CHECKING:
    from leadline.model.audit_result import AuditResult
    from leadline.model.change_record import ChangeRecord


@click.group()
def command() -> None:
    """List and show the audits that the incident log keeps as dated evidence.

    \b
    Example:
      leadline audits list -c sink.yaml --cluster orders
    """


@command.command("list")
@config_option
@click.option("--cluster", metavar="NAME", help="Only audits of this cluster.")
@click.option("--since", type=Since(), help="From this time on: 90m, 12h or 7d ago, or a date and time.")
@click.option("--until", type=Since(), help="Up to this time, in the same form.")
@format_option
def list_(config: Path | None, cluster: str | None, since: datetime | None, until: datetime | None, form: str) -> None:
    """List audits, the newest first.

    \b
    Example:
      leadline audits list -c sink.yaml --cluster orders --since 30d
    """
    found = read_audits(config, cluster, since, until)
    if form == "json":
        for each in found:
            emit(plain({"record": each})["record"])
        return
    if not found:
        click.echo("no audits")
        return
    headings = ("audit", "at (UTC)", "cluster", "score", "critical", "warning", "info", "accepted", "not judged")
    table(headings, (_row(each) for each in found))


@command.command("show")
@click.argument("audit", metavar="ID")
@config_option
@format_option
def show_(audit: str, config: Path | None, form: str) -> None:
    """Show one audit: what it found, since when, what was accepted, and what could not be judged.

    A finding about a setting has its last change on these servers, where one is on record. ID may be shortened to its
    first characters.

    \b
    Example:
      leadline audits show orders/2026-11-30 -c sink.yaml
    """
    from leadline_sinks.incident_log.trail import the_audit

    found = the_audit(audit, read_audits(config, None, None, None))
    if form == "json":
        emit(plain({"record": found})["record"])
        return
    from leadline_sinks.incident_log.history_words import page

    changes = asyncio.run(_changes(config, found))
    click.echo("\n".join(escape(line) for line in page(found, changes)))


async def _changes(config: Path | None, audit: "AuditResult") -> "list[ChangeRecord]":
    """The changes in its cluster up to an audit."""
    from leadline_sinks.incident_log import reader, trail

    async with reader.session(dsn(settings(SinkSettings, config))) as connection:
        return await trail.changes(connection, trail.Period(audit.cluster, None, audit.audited_at))


def read_audits(
    config: Path | None, cluster: str | None, since: datetime | None, until: datetime | None
) -> "list[AuditResult]":
    """The audits of the incident log, the newest first."""
    from leadline_sinks.incident_log import reader, trail

    async def read() -> "list[AuditResult]":
        async with reader.session(dsn(settings(SinkSettings, config))) as connection:
            return await trail.audits(connection, trail.Period(cluster, since, until))

    return asyncio.run(read())


def _row(result: "AuditResult") -> tuple[str, ...]:
    counts = result.counts
    numbers = (counts.critical, counts.warning, counts.info, counts.accepted, counts.not_judged)
    at = f"{result.audited_at.astimezone(UTC):%Y-%m-%d %H:%M:%S}"
    return (result.audit_id, at, result.cluster, str(result.score), *map(str, numbers))
