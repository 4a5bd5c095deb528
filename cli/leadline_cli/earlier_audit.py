"""The audit that ``leadline audit --since`` compares with: a report in JSON, or the one that the incident log has."""

import asyncio
from collections.abc import Iterator, Sequence
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
import msgspec

from leadline.errors import UsageError
from leadline.settings.sink import SinkSettings
from leadline_cli.incidents.listing import Since
from leadline_cli.incidents.log_access import dsn
from leadline_cli.options import settings

if TYPE_CHECKING:
    from leadline.model.audit_result import AuditResult


def earlier(since: str, config: Path | None, clusters: Sequence[str]) -> list[dict[str, Any]]:
    """The lines of the report that ``since`` names: a file, or the last audit of each cluster up to a time.

    Raises UsageError when it is neither, or there was no audit, and UnreachableError without the incident log.
    """
    file = Path(since)
    if file.exists():
        return _read_lines(file)
    try:
        until = Since().convert(since, None, None)
    except click.BadParameter:
        raise UsageError(
            f"--since: there is no file {since}, and it is no time; give the report of an earlier audit, 7d, or a date "
            "such as 2026-11-01"
        ) from None
    return list(_lines(asyncio.run(_stored(config, until, clusters))))


async def _stored(config: Path | None, until: datetime, clusters: Sequence[str]) -> "list[AuditResult]":
    from leadline_sinks.incident_log import reader, trail

    found = []
    async with reader.session(dsn(settings(SinkSettings, config))) as connection:
        for cluster in clusters:
            audits = await trail.audits(connection, trail.Period(cluster, None, until), 1)
            if not audits:
                known = await trail.audits(connection, trail.Period())
                first = min((each.audited_at for each in known if each.cluster == cluster), default=None)
                others = ", ".join(sorted({each.cluster for each in known})) or "none"
                there = f"its first one is of {first:%Y-%m-%d %H:%M} UTC" if first else f"it has audits of: {others}"
                raise UsageError(
                    f"--since: the incident log has no audit of cluster {cluster} up to {until:%Y-%m-%d %H:%M} UTC; "
                    f"{there} (see `leadline audits list`, and --cluster)"
                )
            found += audits
    return found


def _lines(results: "Sequence[AuditResult]") -> Iterator[dict[str, Any]]:
    """Stored results in the form of a report."""
    for result in results:
        for each in result.findings:
            yield {
                "kind": "finding",
                "id": each.finding_id,
                "rule": each.rule,
                "subject": {"id": each.subject.id},
                "summary": each.summary,
            }
    yield {"kind": "summary", "at": min(result.audited_at for result in results).isoformat(timespec="milliseconds")}


def _read_lines(file: Path) -> list[dict[str, Any]]:
    """The lines of an earlier report. Raises UsageError."""
    try:
        return [msgspec.json.decode(line, type=dict[str, Any]) for line in file.read_bytes().splitlines() if line]
    except OSError as error:
        raise UsageError(f"cannot read {file}: {error.strerror}") from None
    except msgspec.DecodeError:
        raise UsageError(f"{file} is not the report of leadline audit --format json") from None
