"""Reads the history of servers from the incident log: what changed on them, and what audits found."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from fnmatch import fnmatchcase
from typing import Any, Final

from leadline.errors import UsageError
from leadline.model.audit_result import AuditResult
from leadline.model.change_record import ChangeRecord
from leadline.model.incident import Incident
from leadline.wire import AUDITS, CHANGES
from leadline_sinks.incident_log.connection import Connection, transaction
from leadline_sinks.incident_log.rows import visible

MOST: Final = 10_000
"""Rows read at once."""
WEEK: Final = timedelta(days=7)
_CHANGES: Final = """
    SELECT record::text FROM leadline.log
    WHERE kind = 'change' AND (%(cluster)s::text IS NULL OR cluster = %(cluster)s)
      AND at >= coalesce(%(since)s::timestamptz, '-infinity') AND at <= coalesce(%(until)s::timestamptz, 'infinity')
    ORDER BY at DESC, number DESC LIMIT %(most)s
"""
_AUDITS: Final = """
    SELECT record::text FROM leadline.log
    WHERE kind = 'audit' AND (%(cluster)s::text IS NULL OR cluster = %(cluster)s)
      AND at >= coalesce(%(since)s::timestamptz, '-infinity') AND at <= coalesce(%(until)s::timestamptz, 'infinity')
    ORDER BY at DESC, number DESC LIMIT %(most)s
"""


@dataclass(frozen=True, slots=True)
class Period:
    """A cluster, and a time from and to which its history is read; None for all."""

    cluster: str | None = None
    since: datetime | None = None
    until: datetime | None = None

    def columns(self, most: int) -> dict[str, Any]:
        """The parameters of a query for the newest so many rows."""
        cluster = visible(self.cluster) if self.cluster is not None else None
        return {"cluster": cluster, "since": self.since, "until": self.until, "most": most}


async def changes(
    connection: Connection, period: Period, *, node: str = "*", setting: str = "*", most: int = MOST
) -> list[ChangeRecord]:
    """Changes of servers, oldest first: of the newest ``most`` of the period, those of these nodes and settings.

    ``node`` and ``setting`` are patterns with ``*`` and ``?``.
    """
    async with transaction(connection, read_only=True):
        found = await _records(connection, _CHANGES, period, most, CHANGES.decoder)
    return [
        each
        for each in reversed(found)
        if fnmatchcase(each.change.node, node) and fnmatchcase(each.change.setting, setting)
    ]


async def audits(connection: Connection, period: Period, most: int = MOST) -> list[AuditResult]:
    """Results of audits, the newest first."""
    async with transaction(connection, read_only=True):
        return await _records(connection, _AUDITS, period, most, AUDITS.decoder)


async def audit_before(connection: Connection, cluster: str, moment: datetime) -> AuditResult | None:
    """The last audit of a cluster before a time; None without one. Within a transaction of the caller."""
    until = moment - timedelta(microseconds=1)
    return next(iter(await _records(connection, _AUDITS, Period(cluster, None, until), 1, AUDITS.decoder)), None)


async def last_audit(connection: Connection, cluster: str) -> AuditResult | None:
    """The newest audit of a cluster; None without one. Within a transaction of the caller."""
    return next(iter(await _records(connection, _AUDITS, Period(cluster), 1, AUDITS.decoder)), None)


async def changes_before(connection: Connection, incident: Incident) -> tuple[ChangeRecord, ...]:
    """Changes in the week before the first breach on the servers of an incident that its record does not have, oldest
    first. Within a transaction of the caller."""
    period = Period(incident.cluster, incident.opened_at - WEEK, incident.opened_at)
    found: list[ChangeRecord] = await _records(connection, _CHANGES, period, MOST, CHANGES.decoder)
    known = {(each.node, each.setting, each.at) for each in incident.changes}
    ends = {end for link in incident.affected.links for end in link.rpartition("/")[2].split("->")}
    nodes = {*incident.affected.nodes, *ends}
    return tuple(
        each
        for each in reversed(found)
        if (each.change.node in nodes or not nodes)
        and (each.change.node, each.change.setting, each.change.at) not in known
    )


def the_audit(ident: str, found: Sequence[AuditResult]) -> AuditResult:
    """The audit whose identity begins like this, of those found. Raises UsageError when there is none, or several."""
    exact = [each for each in found if each.audit_id == ident]
    begun = exact or [each for each in found if each.audit_id.startswith(ident)]
    if not begun:
        raise UsageError(f"there is no audit {ident!r} in the incident log; see `leadline audits list`")
    if len(begun) > 1:
        raise UsageError(f"several audits begin with {ident!r}: {', '.join(each.audit_id for each in begun[:10])}")
    return begun[0]


async def _records(connection: Connection, query: str, period: Period, most: int, decoder: Any) -> list[Any]:
    rows = await (await connection.execute(query.encode(), period.columns(most))).fetchall()
    return [decoder.decode(record) for (record,) in rows]
