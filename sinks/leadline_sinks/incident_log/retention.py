"""What is over leaves the log, oldest first, and a checkpoint takes its place, so that the chain still holds.

Rows go from the beginning up to the first that is too young, or as young as an incident that is open or only just over.
The checkpoint is a row of the chain itself and has the hash of the last row that goes.
"""

from datetime import datetime, timedelta
from typing import Final

from leadline_sinks.incident_log.chain import Link, checkpoint
from leadline_sinks.incident_log.connection import Connection, transaction
from leadline_sinks.incident_log.writing import extend, hold_head

MOST_ROWS: Final = 10_000
"""In one transaction; the head is held meanwhile."""
WORTHWHILE: Final = 100
"""Fewer rows are left for later: a checkpoint is a row too."""

# An incident that is open, or was heard of since, holds all that was written since it opened.
_OVER: Final = """
    SELECT number, hash FROM leadline.log
    WHERE number < LEAST(
        (SELECT coalesce(max(through), 0) + %(most)s + 1 FROM leadline.checkpoint),
        (SELECT min(number) FROM leadline.log WHERE recorded_at >= LEAST(
            %(before)s::timestamptz,
            (SELECT min(opened_at) FROM leadline.incident WHERE state = 'open' OR recorded_at >= %(before)s)
        ))
    )
    ORDER BY number DESC LIMIT 1
"""


async def forget(connection: Connection, now: datetime, retention_days: int) -> int:
    """Remove some of what is over for so many days; the number of rows that went. Raises psycopg.Error."""
    before = now - timedelta(days=retention_days)
    async with transaction(connection):
        head = await hold_head(connection)
        found = await (await connection.execute(_OVER.encode(), {"before": before, "most": MOST_ROWS})).fetchone()
        first = await (await connection.execute("SELECT min(number) FROM leadline.log")).fetchone()
        if found is None or first is None or found[0] - first[0] + 1 < WORTHWHILE:
            return 0
        through = Link(found[0], bytes(found[1]))
        (last,) = await extend(connection, head, now, [checkpoint(through, now)])
        await connection.execute(
            "INSERT INTO leadline.checkpoint (number, through, hash) VALUES (%s, %s, %s)",
            [last.link.number, through.number, through.hash],
        )
        gone = await (await connection.execute("SELECT leadline.forget()")).fetchone()
        assert gone is not None
        return int(gone[0])
