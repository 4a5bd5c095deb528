"""Reads the incident log: lists, histories, and verification of the chain. Every result is of one instant."""

from collections.abc import AsyncGenerator, Collection, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final, Literal

import psycopg
from psycopg.rows import dict_row

from leadline.errors import ProblemFound, UnreachableError, UsageError
from leadline.settings.dsn import address
from leadline.wire import ACTIONS, ALERTS, DELIVERIES, INCIDENTS, Codec
from leadline_sinks.incident_log.chain import BEGINNING, ChainBreak, ChainLink, ChainVerifier, Row, StoredRow
from leadline_sinks.incident_log.connection import Connection, connect, transaction
from leadline_sinks.incident_log.incident_history import IncidentHistory, MergedPart
from leadline_sinks.incident_log.incident_table import IncidentTable
from leadline_sinks.incident_log.pg_errors import explain
from leadline_sinks.incident_log.rows import visible
from leadline_sinks.incident_log.trail import audit_before, changes_before, last_audit
from leadline_sinks.notify.sink import NEEDS_OPERATOR

_LIST: Final = """
    SELECT incident_id, cluster, incident.state, incident.severity, title, incident.cause,
           incident.opened_at, incident.resolved_at, acknowledged_at, to_detect_s, to_cause_s, returns,
           incident.merged_into, incident.worst_lag_s, generation, recurrence_rules
    FROM leadline.incident JOIN leadline.incident_times USING (incident_id, cluster)
    WHERE (%(cluster)s::text IS NULL OR cluster = %(cluster)s)
      AND (%(state)s::text IS NULL OR incident.state = %(state)s)
      AND (%(since)s::timestamptz IS NULL OR coalesce(incident.resolved_at, 'infinity') >= %(since)s)
      AND (%(notices)s OR incident.cause IS DISTINCT FROM 'set_up_wrong')
    ORDER BY incident.state = 'resolved', incident.opened_at DESC, incident_id
    LIMIT %(most)s
"""
_BEGIN_WITH: Final = """
    SELECT incident_id, state, generation FROM leadline.incident WHERE starts_with(incident_id, %s)
    ORDER BY opened_at DESC LIMIT 20
"""
_OF_INCIDENT: Final = "SELECT kind, record::text FROM leadline.log WHERE incident_id = %s ORDER BY number"
_PARTS: Final = """
    SELECT incident_id, title, opened_at, resolved_at FROM leadline.incident WHERE merged_into = %s
    ORDER BY opened_at, incident_id
"""
_OF_ALERTS: Final = """
    SELECT kind, record::text FROM leadline.log
    WHERE alert_id = ANY(%s) AND at >= %s AND at <= coalesce(%s::timestamptz, 'infinity') ORDER BY number
"""
_CODECS: Final[dict[str, Codec[Any]]] = {
    "transition": ALERTS,
    "incident": INCIDENTS,
    "notification": DELIVERIES,
    "suppression": DELIVERIES,
    "acknowledgement": ACTIONS,
    "note": ACTIONS,
}
_ROWS: Final = """
    SELECT number, hash, recorded_at, kind, event_id, incident_id, alert_id, cluster, who, outcome, what, at, source,
           record::text
    FROM leadline.log ORDER BY number
"""
_START: Final = "SELECT through, hash FROM leadline.checkpoint ORDER BY through DESC LIMIT 1"


@dataclass(frozen=True, slots=True)
class Listed:
    """An incident in a list."""

    incident_id: str
    cluster: str
    state: str
    severity: str
    title: str
    cause: str | None
    opened_at: datetime
    resolved_at: datetime | None
    acknowledged_at: datetime | None
    to_detect_s: float
    """From the first breach to the first alert that fired."""
    to_cause_s: float | None
    """From the first breach to the identification of the first-ranked cause."""
    returns: int
    """Number of times that the problem returned after its end."""
    merged_into: str | None
    worst_lag_s: float | None
    generation: int
    recurrence_rules: list[str]
    """Audit rules that watch measures against it and were violated again after its end."""


@dataclass(frozen=True, slots=True)
class Verified:
    """The result of a verification."""

    rows: int
    """Number of rows that are intact, from the first on."""
    start: ChainLink
    """The last row that retention removed."""
    head: ChainLink
    broken: ChainBreak | None
    noted: int = 0
    """Number of noted heads that the rows were compared with."""
    differing: tuple[str, ...] = ()
    """Incidents whose row in ``leadline.incident`` is not what their records in the chain say."""


@dataclass(frozen=True, slots=True)
class Known:
    """An incident as of its latest record."""

    state: str
    generation: int


@asynccontextmanager
async def session(dsn: str) -> AsyncGenerator[Connection]:
    """A connection for a command. Raises UnreachableError or UsageError instead of the errors of psycopg."""
    try:
        async with await connect(dsn) as connection:
            yield connection
    except (psycopg.Error, OSError) as error:
        reason, detail = explain(error, dsn)
        kind = UsageError if reason in NEEDS_OPERATOR else UnreachableError
        raise kind(f"the incident log at {address(dsn)}: {detail}") from None


async def incidents(
    connection: Connection,
    *,
    cluster: str | None = None,
    since: datetime | None = None,
    state: Literal["open", "resolved"] | None = None,
    notices: bool = False,
    most: int = 1000,
) -> list[Listed]:
    """Incidents, the open ones first, then the latest. ``since`` leaves out those that were resolved before.

    ``notices``: those of an audit, too.
    """
    wanted = {
        "cluster": visible(cluster) if cluster is not None else None,
        "since": since,
        "state": state,
        "notices": notices,
        "most": most,
    }
    async with transaction(connection, read_only=True):
        found = await (await connection.execute(_LIST.encode(), wanted)).fetchall()
    return [Listed(*row) for row in found]


async def beginning(connection: Connection, prefix: str) -> dict[str, Known]:
    """The incidents whose identities begin with a prefix, the latest first."""
    async with transaction(connection, read_only=True):
        rows = await (await connection.execute(_BEGIN_WITH.encode(), [visible(prefix)])).fetchall()
    return {ident: Known(state, generation) for ident, state, generation in rows}


def the_one(prefix: str, found: Collection[str]) -> str:
    """The identity that a prefix stands for, of those found. Raises UsageError when there is none, or several."""
    if prefix in found:
        return prefix
    if not found:
        raise UsageError(f"there is no incident {prefix!r}; see `leadline incidents list`")
    if len(found) > 1:
        raise UsageError(f"several incidents begin with {prefix!r}: {', '.join(found)}")
    return next(iter(found))


async def history(connection: Connection, incident_id: str) -> IncidentHistory:
    """The history of an incident, by its full identity. Raises UsageError when there is none."""
    key = visible(incident_id)
    async with transaction(connection, read_only=True):
        rows = await (await connection.execute(_OF_INCIDENT.encode(), [key])).fetchall()
        records = sorted(_decoded(rows, INCIDENTS), key=lambda each: each.seq)
        if not records:
            raise UsageError(f"there is no incident {incident_id!r} in the incident log; see `leadline incidents list`")
        *earlier, last = records
        window = [[visible(ident) for ident in last.alerts], last.opened_at, last.resolved_at]
        alerts = await (await connection.execute(_OF_ALERTS.encode(), window)).fetchall()
        parts = await (await connection.execute(_PARTS.encode(), [key])).fetchall()
        before = await audit_before(connection, last.cluster, last.opened_at)
        latest = await last_audit(connection, last.cluster)
        changed = await changes_before(connection, last)
    return IncidentHistory(
        incident=last,
        earlier=tuple(earlier),
        transitions=_decoded(alerts, ALERTS),
        # They come from several partitions of Kafka, which have no common order.
        deliveries=tuple(sorted(_decoded(rows, DELIVERIES), key=lambda each: each.at)),
        actions=tuple(sorted(_decoded(rows, ACTIONS), key=lambda each: each.at)),
        parts=tuple(MergedPart(*part) for part in parts),
        audit_before=before,
        audit_latest=latest,
        changes_before=changed,
    )


async def verify(connection: Connection, noted: Collection[ChainLink] = ()) -> Verified:
    """Verify the whole chain up to its first break, then the table of incidents by it. ``noted``: heads noted earlier.

    Raises UsageError when retention has removed the rows of all noted heads, so that none can be compared.
    """
    rows = 0
    async with transaction(connection, read_only=True, limited=False):
        removed = await (await connection.execute(_START)).fetchone()
        start = ChainLink(removed[0], bytes(removed[1])) if removed else BEGINNING
        at_end = await (await connection.execute("SELECT number, hash FROM leadline.head")).fetchone()
        if at_end is None:
            raise ProblemFound("the incident log has no head: the table leadline.head is empty")
        head = ChainLink(at_end[0], bytes(at_end[1]))
        there = [link for link in noted if link.number > start.number]
        if noted and not there and start not in noted:
            newest = max(link.number for link in noted)
            raise UsageError(
                f"row {newest} was removed by retention, which reaches to row {start.number}; give a later head"
            )
        verifier, listed = ChainVerifier(start, there), IncidentTable()
        async with connection.cursor(name="verify") as cursor:
            cursor.itersize = 1000
            await cursor.execute(_ROWS.encode())
            async for row in cursor:
                stored = _stored(row)
                if broken := verifier.row(stored):
                    return Verified(rows, start, head, broken, len(there))
                listed.note(stored.row)
                rows += 1
        async with connection.cursor(row_factory=dict_row) as table:
            await table.execute("SELECT * FROM leadline.incident")
            differing = tuple(listed.differing(await table.fetchall(), complete=start == BEGINNING))
        return Verified(rows, start, head, verifier.end(head), len(there), differing)


def _decoded(rows: Sequence[tuple[Any, ...]], codec: Codec[Any]) -> tuple[Any, ...]:
    """The records of one topic. The size limit of the wire does not apply: here they are in ASCII."""
    return tuple(codec.decoder.decode(record) for kind, record in rows if _CODECS.get(kind) is codec)


def _stored(row: tuple[Any, ...]) -> StoredRow:
    number, digest, recorded_at, kind, event_id, incident_id, alert_id, cluster, who, outcome, what, at, source, rec = (
        row
    )
    return StoredRow(
        ChainLink(number, bytes(digest)),
        recorded_at,
        Row(
            kind=kind,
            event_id=event_id,
            incident_id=incident_id,
            alert_id=alert_id,
            cluster=cluster,
            who=who,
            outcome=outcome,
            what=what,
            at=at,
            source=source,
            record=rec,
        ),
    )
