"""One connection to one server: bounded, read-only, with an ``application_name``, opened again when it is lost."""

import asyncio
from collections.abc import Coroutine
from typing import Any

import psycopg

from leadline.clock import Clock
from leadline.errors import UsageError
from leadline.metrics import AGENT_RECONNECTS
from leadline.settings.agent import InstanceSettings
from leadline.settings.dsn import parts
from leadline_agents.backoff import delay_s
from leadline_agents.engine import CannotRead
from leadline_agents.engines.postgresql import connect_errors
from leadline_agents.engines.postgresql.catalog import OLDEST, statement
from leadline_agents.engines.postgresql.connection import Connection

BACKOFF_MOST_S = 5.0
"""Longest time between two attempts: short enough to notice soon that a server is back."""

# These override the dsn. The last three detect within seconds a peer that vanished without closing the connection.
_CONNECTION: dict[str, Any] = {
    "application_name": "leadline",
    "client_encoding": "utf8",
    "target_session_attrs": "any",
    "keepalives_idle": 5,
    "keepalives_interval": 2,
    "tcp_user_timeout": 10_000,
}
# search_path: no function of the same name in another schema is called. jit: compiling costs more than the query.
_SESSION = """
    SET search_path = pg_catalog; SET timezone = 'UTC'; SET jit = off; SET max_parallel_workers_per_gather = 0;
    SET default_transaction_read_only = on; SET statement_timeout = {ms}; SET lock_timeout = {half_ms}
"""


class Probe:
    """Sends one statement at a time to one server.

    No call takes longer than ``patience_s``: a slower statement or connection attempt goes on in the background, and
    until it has ended every call raises ``CannotRead``. The server ends a statement after ``timeout_s``. At most one
    connection is open.
    """

    def __init__(
        self,
        instance: InstanceSettings,
        clock: Clock,
        *,
        timeout_s: float,
        patience_s: float,
        connect_timeout_s: float,
    ) -> None:
        self._instance = instance
        self._clock = clock
        self._timeout_s = timeout_s
        self._patience_s = patience_s
        self._connect_timeout_s = connect_timeout_s
        self._connection: Connection | None = None
        self._work: asyncio.Task[Any] | None = None
        self._dsn = ""
        """As last read; its secrets are masked in messages."""
        self._failures = 0
        self._not_before = 0.0
        self._refusal = CannotRead("")
        """Of the last attempt to connect."""
        self.round_trip_s = 0.0
        """From the last statement that was answered to its answer."""

    async def ask(self, query: str, without: frozenset[str] = frozenset()) -> bytes:
        """The JSON document that a query of the catalog returns. Raises CannotRead with the reason."""
        if self._work is not None and not await self._ended(self._work):
            raise CannotRead(self._silence())
        if self._connection is None:
            if self._clock.monotonic() < self._not_before:
                raise self._refused()
            opening = self._begin(self._open())
            if not await self._ended(opening):
                raise CannotRead(self._silence())
            opening.result()
        if self._connection is None:
            raise self._refused()
        fetching = self._begin(self._fetch(self._connection, query, without))
        if not await self._ended(fetching):
            fetching.cancel()  # psycopg sends a cancel request, and closes the connection if that fails
            raise CannotRead(self._silence())
        answer: bytes = fetching.result()
        return answer

    async def close(self) -> None:
        """Close the connection."""
        if self._work is not None:
            self._work.cancel()
            await self._ended(self._work)
        if self._connection is not None:
            await self._connection.close()

    def _begin(self, work: Coroutine[Any, Any, bytes | None]) -> asyncio.Task[Any]:
        self._work = asyncio.create_task(work)
        return self._work

    async def _ended(self, work: asyncio.Task[Any]) -> bool:
        done, _ = await asyncio.wait({work}, timeout=self._patience_s)
        if done:
            self._work = None
            work.cancelled() or work.exception()  # marks it as retrieved for asyncio
        return bool(done)

    def _silence(self) -> str:
        return connect_errors.no_answer(self._patience_s)

    async def _open(self) -> None:
        """Connect, or record the reason and when to try again."""
        try:
            self._dsn = self._instance.dsn.reveal()
            parts(self._dsn)  # libpq would quote pieces of a malformed one, which may be of the password
            connection = await Connection.connect(
                self._dsn, autocommit=True, connect_timeout=max(2, round(self._connect_timeout_s)), **_CONNECTION
            )
            try:
                await self._prepare(connection)
            except BaseException:
                await connection.close()
                raise
        except CannotRead as error:
            self._try_later(error)
        except UsageError as error:
            self._try_later(CannotRead(str(error)))
        except (psycopg.Error, OSError) as error:
            self._try_later(connect_errors.cannot_read(error, self._dsn))
        else:
            self._failures = 0
            self._connection = connection
            AGENT_RECONNECTS.labels(self._instance.name).inc()

    async def _prepare(self, connection: Connection) -> None:
        if connection.info.server_version < OLDEST * 10000:
            raise CannotRead(connect_errors.too_old(connection.info.server_version))
        ms = round(self._timeout_s * 1000)
        await connection.execute(_SESSION.format(ms=ms, half_ms=max(1, ms // 2)).encode())

    def _refused(self) -> CannotRead:
        return CannotRead(str(self._refusal), self._refusal.code)

    def _try_later(self, refusal: CannotRead) -> None:
        self._refusal = refusal
        self._not_before = self._clock.monotonic() + delay_s(self._failures, BACKOFF_MOST_S)
        self._failures += 1

    async def _fetch(self, connection: Connection, query: str, without: frozenset[str]) -> bytes:
        began = self._clock.monotonic()
        try:
            cursor = await connection.execute(statement(query, connection.info.server_version, without), prepare=True)
        except psycopg.Error as error:
            raise connect_errors.cannot_read(error, self._dsn) from None
        finally:
            if connection.closed:
                self._connection = None
        self.round_trip_s = self._clock.monotonic() - began
        assert cursor.pgresult is not None
        answer = cursor.pgresult.get_value(0, 0)
        assert answer is not None
        return answer
