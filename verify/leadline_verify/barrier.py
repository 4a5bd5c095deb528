"""Waits until the downstream has everything that a read of the upstream has seen, and the other way round.

From a primary: a message is written to its WAL, which commits and so is flushed, and the downstream must have reached
the position after it. Where the role may not write one, the flushed position counts, once it has passed what was
inserted. From a standby, whose WAL nobody can write: the downstream must have reached what the standby has received.
"""

from collections.abc import Sequence
from typing import Any, Final

import psycopg

from leadline.clock import Clock
from leadline_agents.engines.postgresql.connection import Connection
from leadline_verify.linking import FollowedBy
from leadline_verify.table_facts import KnownSubscription

POLL_S: Final = 0.005
MAX_POLL_S: Final = 0.1
FLUSH_S: Final = 1.0
"""The server flushes commits within three times wal_writer_delay by itself."""
_MESSAGE: Final = "SELECT pg_logical_emit_message(true, 'leadline-verify', '')"
_FLUSHED: Final = "SELECT pg_current_wal_flush_lsn()::text"
_INSERTED: Final = "SELECT pg_current_wal_insert_lsn()::text"
_HELD: Final = "SELECT coalesce(greatest(pg_last_wal_receive_lsn(), pg_last_wal_replay_lsn()), '0/0')::text"
_REPLAYED: Final = "SELECT coalesce(pg_last_wal_replay_lsn() >= %s::pg_lsn, false)"
_FLUSHED_TO: Final = "SELECT pg_current_wal_flush_lsn() >= %s::pg_lsn"
# Of the worker that receives and applies; a parallel worker has a leader.
_APPLIED: Final = """
    SELECT coalesce(bool_or(latest_end_lsn >= %s::pg_lsn), false), count(pid)
    FROM pg_stat_subscription s
    WHERE subname = %s AND relid IS NULL AND to_jsonb(s) ->> 'leader_pid' IS NULL
"""
_NEXT: Final = "SELECT pg_snapshot_xmax(pg_current_snapshot())::text"
_OPEN: Final = "SELECT pg_snapshot_xmin(pg_current_snapshot()) >= %s::xid8"
_OLDEST: Final = """
    SELECT pid, round(extract(epoch FROM clock_timestamp() - xact_start))
    FROM pg_stat_activity WHERE xact_start IS NOT NULL AND backend_xid IS NOT NULL AND pid <> pg_backend_pid()
    ORDER BY xact_start LIMIT 1
"""


class Barrier:
    """Waits of one link. Each is bounded, and gives the reason why it was given up; empty when it was reached."""

    def __init__(self, upstream: Connection, downstream: Connection, link: FollowedBy, clock: Clock) -> None:
        self._up, self._down, self._link, self._clock = upstream, downstream, link, clock
        self._may_write = True
        self.longest_s = 0.0
        """The longest wait that reached its end."""

    async def reach(self, limit_s: float) -> str:
        """Wait until the downstream has all that was visible on the upstream before."""
        position = await self._position()
        began = self._clock.monotonic()
        if self._link.kind == "physical":
            reason = await self._until(self._down, _REPLAYED, [position], limit_s)
        else:
            assert self._link.subscription is not None
            reason = await self._applied(self._down, self._link.subscription, position, limit_s)
        if not reason:
            self.longest_s = max(self.longest_s, self._clock.monotonic() - began)
        return reason

    async def settle(self, limit_s: float) -> str:
        """Wait until the upstream shows all that the downstream may have shown before.

        A commit is in WAL before its primary shows it; a standby may receive WAL long before it replays it; of two
        servers that subscribe to each other, each has rows first that the other one is yet to get.
        """
        if self._link.back is not None and (
            reason := await self._applied(self._up, self._link.back, await self._end_of(self._down), limit_s)
        ):
            return f"the other way: {reason}"
        if self._link.of_standbys and self._link.kind == "physical":
            position = await _one(self._down, _HELD)
            if await self._until(self._up, _REPLAYED, [position], limit_s):
                return f"the upstream standby did not replay what the downstream has within {limit_s:g} s"
        following = await _one(self._up, _NEXT)
        if await self._until(self._up, _OPEN, [following], limit_s):
            return f"a transaction of the upstream stayed open for {limit_s:g} s{await self._oldest()}"
        return ""

    async def position(self) -> str:
        """The position that the upstream has now. It may be that of a moment ago; nothing is written."""
        return str(await _one(self._up, _HELD if self._link.of_standbys else _FLUSHED))

    async def has(self, position: str) -> bool:
        """Whether the downstream has all up to this position."""
        if self._link.subscription is None:
            return bool(await _one(self._down, _REPLAYED, [position]))
        return bool(await _one(self._down, _APPLIED, [position, self._link.subscription.name]))

    async def _position(self) -> Any:
        if self._link.of_standbys:
            return await _one(self._up, _HELD)
        return await self._end_of(self._up)

    async def _end_of(self, primary: Connection) -> Any:
        """The end of a primary's WAL, flushed, with all that it has shown before it."""
        if self._may_write:
            try:
                await primary.execute(_MESSAGE)
            except psycopg.errors.InsufficientPrivilege:
                self._may_write = False
            else:
                return await _one(primary, _FLUSHED)
        position = await _one(primary, _INSERTED)
        await self._until(primary, _FLUSHED_TO, [position], FLUSH_S)
        return await _one(primary, _FLUSHED)

    async def _applied(
        self, subscriber: Connection, subscription: KnownSubscription, position: str, limit_s: float
    ) -> str:
        name, workers = subscription.name, True

        async def reached() -> bool:
            nonlocal workers
            row = await (await subscriber.execute(_APPLIED, [position, name])).fetchone()
            assert row is not None
            workers = bool(row[1])
            return bool(row[0])

        if await self._wait(reached, limit_s):
            return ""
        if not workers:
            return f"the apply worker of subscription {name} does not run"
        return f"the downstream did not apply up to {position} within {limit_s:g} s"

    async def _until(self, connection: Connection, query: str, parameters: Sequence[str], limit_s: float) -> str:
        async def reached() -> bool:
            return bool(await _one(connection, query, parameters))

        if await self._wait(reached, limit_s):
            return ""
        return f"the downstream did not replay up to {parameters[0]} within {limit_s:g} s"

    async def _wait(self, reached: Any, limit_s: float) -> bool:
        deadline, pause = self._clock.monotonic() + limit_s, POLL_S
        while not await reached():
            if self._clock.monotonic() >= deadline:
                return False
            await self._clock.sleep(pause)
            pause = min(pause * 1.5, MAX_POLL_S)
        return True

    async def _oldest(self) -> str:
        row = await (await self._up.execute(_OLDEST)).fetchone()
        return f" (pid {row[0]}, {row[1]:.0f} s old)" if row else ""


async def _one(connection: Connection, query: str, parameters: Sequence[str] | None = None) -> Any:
    row = await (await connection.execute(query.encode(), parameters)).fetchone()
    assert row is not None
    return row[0]
