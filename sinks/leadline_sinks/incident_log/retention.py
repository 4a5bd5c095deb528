"""Removes the oldest rows and appends a checkpoint that vouches for them, so that the chain stays intact.

Rows are removed from the first one up to the first that is younger than the retention, or than the opening of an
incident that is open or was resolved within the retention. The checkpoint is a row of the chain and holds the hash of
the last row that is removed.
"""

from datetime import datetime
from typing import Final

from leadline_sinks.incident_log.appending import extend, hold_head
from leadline_sinks.incident_log.chain import ChainLink, checkpoint
from leadline_sinks.incident_log.connection import Connection, transaction

MOST_ROWS: Final = 10_000
"""Rows removed in one transaction, during which the head is locked."""
WORTHWHILE: Final = 100
"""Fewer rows are not removed yet, since a checkpoint is a row, too."""

# All rows since the opening of an incident are kept while it is open or had a record within the retention.
_OVER: Final = """
    SELECT number, hash FROM leadline.log, (
        SELECT %(now)s::timestamptz - make_interval(days => GREATEST(%(days)s::integer, days)) FROM leadline.retention
    ) AS kept (since)
    WHERE number < LEAST(
        (SELECT coalesce(max(through), 0) + %(most)s + 1 FROM leadline.checkpoint),
        (SELECT min(number) FROM leadline.log WHERE recorded_at >= LEAST(
            kept.since,
            (SELECT min(opened_at) FROM leadline.incident WHERE state = 'open' OR recorded_at >= kept.since)
        ))
    )
    ORDER BY number DESC LIMIT 1
"""


async def forget(connection: Connection, now: datetime, retention_days: int) -> int:
    """Remove rows that are older than the retention, and than the owner's minimum in ``leadline.retention``.

    Returns the number of rows removed. Raises psycopg.Error.
    """
    async with transaction(connection):
        head = await hold_head(connection)
        found = await (
            await connection.execute(_OVER.encode(), {"now": now, "days": retention_days, "most": MOST_ROWS})
        ).fetchone()
        first = await (await connection.execute("SELECT min(number) FROM leadline.log")).fetchone()
        if found is None or first is None or found[0] - first[0] + 1 < WORTHWHILE:
            return 0
        through = ChainLink(found[0], bytes(found[1]))
        (last,) = await extend(connection, head, now, [checkpoint(through, now)])
        await connection.execute(
            "INSERT INTO leadline.checkpoint (number, through, hash) VALUES (%s, %s, %s)",
            [last.link.number, through.number, through.hash],
        )
        removed = await (await connection.execute("SELECT leadline.forget()")).fetchone()
        assert removed is not None
        return int(removed[0])
