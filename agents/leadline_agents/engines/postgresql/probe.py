"""One session on one server at a time: bounded, and opened again when it is lost."""

import asyncio
from collections.abc import Coroutine
from typing import Any

import psycopg

from leadline.clock import Clock
from leadline.errors import UsageError
from leadline.metrics import AGENT_RECONNECTS
from leadline.model.observation import SettingValue
from leadline.settings.agent import InstanceSettings
from leadline_agents.backoff import delay_s
from leadline_agents.engine import CannotRead
from leadline_agents.engines.postgresql import connect_errors
from leadline_agents.engines.postgresql.catalog import statement
from leadline_agents.engines.postgresql.connection import Connection
from leadline_agents.engines.postgresql.rights import Rights
from leadline_agents.engines.postgresql.session import accepts_nobody, ask_rights, open_session, overridden

BACKOFF_MOST_S = 5.0
"""Longest time between two attempts: short enough to notice soon that a server is back."""
LASTING_MOST_S = 60.0
"""The same where the server answers and refuses: each attempt is a line in its server log."""


class Probe:
    """Sends one statement at a time to one server.

    No wait for one answer is longer than ``patience_s``: a slower statement or connection attempt goes on in the
    background, and until it has ended every call raises ``CannotRead``. The server ends a statement after
    ``timeout_s``. One connection is open, and for a moment a second one while settings are read. One that was lost
    since the last answer, because the server or something on the way ended it, is opened again before anything is
    reported about the server.
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
        self._stopped = False
        """Whether the server has announced that it shuts down, since the last connection."""
        self._one_connection_only = False
        """Whether the server refused a second connection, since the first one was opened."""
        self.rights: Rights | None = None
        """As last read; at each connection, and by ``refresh``."""
        self.round_trip_s = 0.0
        """From the last statement that was answered to its answer."""

    async def ask(
        self, query: str, without: frozenset[str] = frozenset(), refused: frozenset[str] = frozenset()
    ) -> bytes:
        """The JSON document that a query of the catalog returns. Raises CannotRead with the reason."""
        version_num = (await self.connected()).version_num
        answer = await self._do(statement(query, version_num, without, refused), prepare=True)
        assert answer is not None
        return answer

    async def try_out(self, text: str) -> bytes | None:
        """The first value of a statement that is sent once. Raises CannotRead with the reason."""
        return await self._do(text.encode(), prepare=False)

    async def connected(self) -> Rights:
        """The rights on the server; connects when there is no connection. Raises CannotRead with the reason."""
        if self._work is not None and not await self._ended(self._work):
            raise CannotRead(self._silence())
        if self._connection is None:
            if self._clock.monotonic() < self._not_before:
                raise self._refused()
            opening = self._begin(self._open())
            if not await self._ended(opening):
                raise CannotRead(self._silence())
            opening.result()
        if self._connection is None or self.rights is None:
            raise self._refused()
        return self.rights

    async def refresh(self) -> None:
        """Read again what the server allows. Raises CannotRead with the reason."""
        await self.connected()
        assert self._connection is not None
        work = self._begin(self._refresh(self._connection))
        if not await self._ended(work):
            work.cancel()
            raise CannotRead(self._silence())
        work.result()

    async def overridden(self) -> dict[str, SettingValue]:
        """Settings of the server that the agent's session overrides; none where they are not seen. Raises nothing.

        They are read over a second connection. Where that was refused it is not tried again for as long as the first
        one lasts: each refusal is a line in the server log.
        """
        if self._one_connection_only:
            return {}
        try:
            return await overridden(self._dsn, timeout_s=self._patience_s)
        except CannotRead:
            self._one_connection_only = True
            return {}

    async def is_refused(self) -> bool:
        """Whether the server accepts no connection any more, because it is shutting down."""
        return await accepts_nobody(self._dsn)

    async def let_go(self, *, stopped: bool = False) -> None:
        """Close the connection; the next call opens another. ``stopped``: the server shuts down."""
        self._stopped = stopped
        connection, self._connection = self._connection, None
        if connection is not None:
            await connection.close()

    async def close(self) -> None:
        """Close the connection."""
        if self._work is not None:
            self._work.cancel()
            await self._ended(self._work)
        if self._connection is not None:
            await self._connection.close()

    async def _do(self, text: bytes, *, prepare: bool) -> bytes | None:
        """Send a statement; once more over a new connection if the one that there was turns out to be lost."""
        had = self._connection
        await self.connected()
        while True:
            assert self._connection is not None
            connection = self._connection
            fetching = self._begin(self._fetch(connection, text, prepare))
            if not await self._ended(fetching):
                fetching.cancel()  # psycopg sends a cancel request, and closes the connection if that fails
                raise CannotRead(self._silence())
            try:
                answer: bytes | None = fetching.result()
                return answer
            except CannotRead as error:
                if self._connection is not None or connection is not had:
                    raise
                self._stopped = error.stopped
            await self.connected()

    def _begin(self, work: Coroutine[Any, Any, Any]) -> asyncio.Task[Any]:
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
            self._connection, self.rights = await open_session(
                self._dsn,
                application_name="leadline",
                connect_timeout_s=self._connect_timeout_s,
                statement_timeout_s=self._timeout_s,
            )
        except CannotRead as error:
            self._try_later(error)
        except UsageError as error:
            self._try_later(CannotRead(str(error)))
        else:
            self._failures, self._stopped, self._one_connection_only = 0, False, False
            AGENT_RECONNECTS.labels(self._instance.name).inc()

    def _refused(self) -> CannotRead:
        refusal = self._refusal
        self._stopped = self._stopped or refusal.stopped
        return CannotRead(str(refusal), refusal.code, lasting=refusal.lasting, stopped=self._stopped)

    def _try_later(self, refusal: CannotRead) -> None:
        self._refusal = refusal
        most_s = LASTING_MOST_S if refusal.lasting else BACKOFF_MOST_S
        self._not_before = self._clock.monotonic() + delay_s(self._failures, most_s)
        self._failures += 1

    async def _refresh(self, connection: Connection) -> None:
        try:
            self.rights = await ask_rights(connection)
        except psycopg.Error as error:
            raise connect_errors.cannot_read(error, self._dsn) from None
        finally:
            if connection.closed:
                self._connection = None

    async def _fetch(self, connection: Connection, text: bytes, prepare: bool) -> bytes | None:
        began = self._clock.monotonic()
        try:
            cursor = await connection.execute(text, prepare=prepare)
        except psycopg.Error as error:
            raise connect_errors.cannot_read(error, self._dsn) from None
        finally:
            if connection.closed:
                self._connection = None
        self.round_trip_s = self._clock.monotonic() - began
        assert cursor.pgresult is not None
        return cursor.pgresult.get_value(0, 0)
