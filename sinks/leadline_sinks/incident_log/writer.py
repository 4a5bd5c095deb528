"""Writes batches of records, each in one transaction, over one connection that is reopened after a failure."""

import logging
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Final

import psycopg

from leadline.clock import Clock
from leadline.errors import BadRecord, LeadlineError
from leadline.logs import escape
from leadline.model.alert import SEVERITIES
from leadline.model.audit_result import AuditResult
from leadline.model.incident import Incident
from leadline.settings.sink import IncidentLogSettings
from leadline.wire import CODECS
from leadline_sinks.incident_log.appending import extend, hold_head
from leadline_sinks.incident_log.chain import Row
from leadline_sinks.incident_log.connection import Connection, connect, transaction
from leadline_sinks.incident_log.guard import incidents_at_risk
from leadline_sinks.incident_log.pg_errors import outcome
from leadline_sinks.incident_log.retention import forget
from leadline_sinks.incident_log.rows import incident_columns, row
from leadline_sinks.incident_log.schema import migrate
from leadline_sinks.notify.sink import GiveUp, Outcome, Reason, Retry, Sent, TopicRecord

FORGET_EVERY_S: Final = 3600.0
FORGET_MOST: Final = 20
"""Transactions of one run of retention, at most; the rest is removed in the next run."""
_log = logging.getLogger(__name__)

_KNOWN: Final = "SELECT event_id, record::text FROM leadline.log WHERE event_id = ANY(%s)"
_INCIDENT: Final = (
    *("seq", "cluster", "state", "severity", "title", "cause", "parent"),
    *("opened_at", "detected_at", "cause_at", "resolved_at", "recorded_at"),
    *("merged_into", "reopened", "generation", "worst_lag_s", "affected_links", "affected_nodes"),
    "recurrence_rules",
)
_RANK: Final = f"array_position(ARRAY{[*SEVERITIES]}, {{}})"
_UPDATE: Final = f"""
    UPDATE leadline.incident SET {", ".join(f"{name} = %({name})s" for name in _INCIDENT)},
        peak_severity = CASE WHEN {_RANK.format("%(severity)s::text")} > {_RANK.format("peak_severity")}
                        THEN %(severity)s ELSE peak_severity END
    WHERE incident_id = %(incident_id)s AND seq < %(seq)s
"""
_INSERT: Final = f"""
    INSERT INTO leadline.incident (incident_id, peak_severity, {", ".join(_INCIDENT)})
    SELECT %(incident_id)s, %(severity)s, {", ".join(f"%({name})s" for name in _INCIDENT)}
    WHERE NOT EXISTS (SELECT FROM leadline.incident WHERE incident_id = %(incident_id)s)
"""


class IncidentLog:
    """An ``IncidentLogWriter`` for PostgreSQL. One call at a time; several processes may write to one incident log."""

    kind = "incident_log"

    def __init__(self, settings: IncidentLogSettings, clock: Clock) -> None:
        assert settings.dsn is not None, "incident_log.dsn is set"
        self._settings = settings
        self._dsn = settings.dsn
        self._clock = clock
        self._connection: Connection | None = None
        self._forget_at = clock.monotonic()
        self.head = ""
        self.at_risk: tuple[Incident, ...] = ()

    async def write(self, records: Sequence[TopicRecord]) -> Outcome:
        """Write all records or none; records that are stored already are skipped.

        The schema is created or migrated at the first connection, if the role has the privileges. A batch that is
        given up holds a record that the server rejects; the caller finds it with smaller batches.
        """
        dsn = ""
        try:
            new = [(row(record), record) for record in records]
        except ValueError as error:
            return GiveUp(Reason.REJECTED, escape(str(error)))  # a time that has no equivalent in UTC
        try:
            dsn = self._dsn.reveal()
            connection = await self._connected(dsn)
            await self._write(connection, {made.event_id: (made, record) for made, record in new})
        except LeadlineError as error:
            await self.close()
            return Retry(Reason.TARGET_GONE, str(error))
        except (psycopg.Error, OSError) as error:
            await self.close()
            return outcome(error, dsn)
        await self._forget(connection, dsn)
        return Sent()

    async def close(self) -> None:
        """Close the connection."""
        if self._connection is not None:
            await self._connection.close()
            self._connection = None

    async def _connected(self, dsn: str) -> Connection:
        if self._connection is not None and not self._connection.closed:
            return self._connection
        self._connection = await connect(dsn)
        for each in await migrate(self._connection):
            _log.info("migration of the incident log applied", extra={"migration": each.name})
        return self._connection

    async def _write(self, connection: Connection, rows: Mapping[str, tuple[Row, TopicRecord]]) -> None:
        now = self._clock.now()
        async with transaction(connection):
            head = await hold_head(connection)
            names = [*rows, *(_second_name(made) for made, _ in rows.values())]
            known: dict[str, str] = dict(await (await connection.execute(_KNOWN, [names])).fetchall())
            new = [named for each in rows.values() if (named := _unknown(*each, known)) is not None]
            if new:
                head = (await extend(connection, head, now, [made for made, _ in new]))[-1].link
            for _, record in new:
                if isinstance(record.value, Incident):
                    columns = incident_columns(record.value) | {"recorded_at": now}
                    await connection.execute(_UPDATE.encode(), columns)
                    await connection.execute(_INSERT.encode(), columns)
            at_risk: list[Incident] = []
            for _, record in rows.values():
                if isinstance(record.value, AuditResult):
                    at_risk += await incidents_at_risk(connection, record.value)
        self.head, self.at_risk = str(head), tuple(at_risk)

    async def _forget(self, connection: Connection, dsn: str) -> None:
        """Run retention once an hour. A failure is logged and does not fail the batch, which is written already."""
        if self._clock.monotonic() < self._forget_at:
            return
        self._forget_at = self._clock.monotonic() + FORGET_EVERY_S
        try:
            removed = 0
            for _ in range(FORGET_MOST):
                rows = await forget(connection, self._clock.now(), self._settings.retention_days)
                removed += rows
                if not rows:
                    break
        except (psycopg.Error, OSError, LeadlineError) as error:
            await self.close()
            _log.warning("retention failed; the next attempt is in an hour", extra={"why": outcome(error, dsn).detail})
        else:
            if removed:
                _log.info("retention removed rows", extra={"rows": removed})


def _unknown(made: Row, record: TopicRecord, known: Mapping[str, str]) -> tuple[Row, TopicRecord] | None:
    """The row to append for a record; None where the incident log has it.

    A row of the same identity and another content does not stand for the record, whoever wrote it: the record is
    appended under a name that has its place in Kafka too.
    """
    if made.event_id not in known:
        return made, record
    try:
        if CODECS[record.topic].decode(known[made.event_id].encode()) == record.value:
            return None
    except BadRecord:
        pass
    second = _second_name(made)
    if second in known:
        return None
    _log.error("a row of the incident log has the identity of a record and another content", extra={"row": made.source})
    return replace(made, event_id=second), record


def _second_name(made: Row) -> str:
    return f"{made.event_id} {made.source}"
