"""Appending to the chain, inside a transaction of the caller's."""

from collections.abc import Sequence
from datetime import datetime
from typing import Final

from leadline.errors import UsageError
from leadline_sinks.incident_log.chain import Link, Row, Written, append
from leadline_sinks.incident_log.connection import Connection

_COLUMNS: Final = (
    *("number", "kind", "event_id", "incident_id", "alert_id", "cluster", "who", "outcome", "what"),
    *("at", "recorded_at", "source", "record", "hash"),
)
_INSERT: Final = f"INSERT INTO leadline.log ({', '.join(_COLUMNS)}) VALUES ({', '.join(['%s'] * len(_COLUMNS))})"


async def hold_head(connection: Connection) -> Link:
    """The end of the chain; nobody else appends until the transaction ends. Raises UsageError when it is not there."""
    row = await (await connection.execute("SELECT number, hash FROM leadline.head FOR UPDATE")).fetchone()
    if row is None:
        raise UsageError("the incident log has lost its head: the table leadline.head is empty; put its one row back")
    return Link(row[0], bytes(row[1]))


async def extend(connection: Connection, head: Link, now: datetime, rows: Sequence[Row]) -> list[Written]:
    """Append rows after the head that is held."""
    written: list[Written] = []
    for row in rows:
        written.append(append(written[-1].link if written else head, now, row))
    async with connection.cursor() as cursor:
        await cursor.executemany(_INSERT, [_values(each) for each in written])
    last = written[-1].link
    await connection.execute("UPDATE leadline.head SET number = %s, hash = %s", [last.number, last.hash])
    return written


def _values(written: Written) -> tuple[object, ...]:
    row = written.row
    return (
        *(written.link.number, row.kind, row.event_id, row.incident_id, row.alert_id, row.cluster, row.who),
        *(row.outcome, row.what, row.at, written.recorded_at, row.source, row.record, written.link.hash),
    )
