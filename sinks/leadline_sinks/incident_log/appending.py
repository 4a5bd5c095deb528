"""Appends rows to the chain, within a transaction of the caller."""

from collections.abc import Sequence
from datetime import datetime
from typing import Final

from leadline.errors import UsageError
from leadline_sinks.incident_log.chain import ChainLink, Row, StoredRow, append
from leadline_sinks.incident_log.connection import Connection

_COLUMNS: Final = (
    *("number", "kind", "event_id", "incident_id", "alert_id", "cluster", "who", "outcome", "what"),
    *("at", "recorded_at", "source", "record", "hash"),
)
_INSERT: Final = f"INSERT INTO leadline.log ({', '.join(_COLUMNS)}) VALUES ({', '.join(['%s'] * len(_COLUMNS))})"


async def hold_head(connection: Connection) -> ChainLink:
    """The end of the chain, locked until the transaction ends. Raises UsageError when there is none."""
    row = await (await connection.execute("SELECT number, hash FROM leadline.head FOR UPDATE")).fetchone()
    if row is None:
        raise UsageError("the incident log has no head: the table leadline.head is empty; restore its one row")
    return ChainLink(row[0], bytes(row[1]))


async def extend(connection: Connection, head: ChainLink, now: datetime, rows: Sequence[Row]) -> list[StoredRow]:
    """Append rows after the locked head."""
    written: list[StoredRow] = []
    for row in rows:
        written.append(append(written[-1].link if written else head, now, row))
    async with connection.cursor() as cursor:
        await cursor.executemany(_INSERT, [_values(each) for each in written])
    last = written[-1].link
    await connection.execute("UPDATE leadline.head SET number = %s, hash = %s", [last.number, last.hash])
    return written


def _values(stored: StoredRow) -> tuple[object, ...]:
    row = stored.row
    return (
        *(stored.link.number, row.kind, row.event_id, row.incident_id, row.alert_id, row.cluster, row.who),
        *(row.outcome, row.what, row.at, stored.recorded_at, row.source, row.record, stored.link.hash),
    )
