"""One statement on one side, with the errors that a comparison can live with."""

from typing import Any, Final

import psycopg

from leadline.clock import Clock
from leadline.errors import UnreachableError
from leadline.pg_errors import PgFailure, failure_of
from leadline_agents.engines.postgresql.connection import Connection

RETRIES: Final = 4
PAUSE_S: Final = 0.2
_DAMAGE: Final = (
    psycopg.errors.DataCorrupted,
    psycopg.errors.IndexCorrupted,
    psycopg.errors.IoError,
    psycopg.errors.UndefinedFile,
)
_LOST: Final = {PgFailure.CONNECTION_LOST, PgFailure.CLOSED, PgFailure.STOPPING, PgFailure.SESSION_ENDED}


class TooSlow(Exception):
    """The statement was cancelled by its timeout."""


class CannotCompare(Exception):
    """The server refuses the statement. ``str()`` is the reason."""


class PageDamage(CannotCompare):
    """The server calls an index or a page damaged, or cannot read it."""

    def __init__(self, server: str, message: str) -> None:
        super().__init__(f"{server}: {message}")
        self.message = message


class SideReader:
    """Reads one side."""

    def __init__(self, name: str, connection: Connection, clock: Clock) -> None:
        self.name = name
        self._connection, self._clock = connection, clock
        self.conflicts = 0
        """Statements that the server cancelled in favour of others; each was tried again."""

    async def rows(self, statement: str) -> list[tuple[Any, ...]]:
        """All rows. Raises TooSlow, CannotCompare, and UnreachableError when the connection is lost."""
        for attempt in range(RETRIES + 1):
            try:
                cursor = await self._connection.execute(statement.encode())
                return await cursor.fetchall()
            # A standby cancels in favour of replay; a lock is that of a change of the table, or of its replay.
            except (psycopg.errors.SerializationFailure, psycopg.errors.LockNotAvailable) as error:
                if attempt == RETRIES:
                    raise CannotCompare(f"{self.name} cancels each statement: {_first(error)}") from None
                self.conflicts += 1
                await self._clock.sleep(PAUSE_S * (attempt + 1))
            except psycopg.errors.QueryCanceled:
                raise TooSlow from None
            except _DAMAGE as error:
                raise PageDamage(self.name, _first(error)) from None
            except psycopg.Error as error:
                if self._connection.closed or failure_of(error) in _LOST:
                    raise UnreachableError(f"the connection to {self.name} was lost: {_first(error)}") from None
                raise CannotCompare(f"{self.name}: {_first(error)}") from None
        raise AssertionError

    async def row(self, statement: str) -> tuple[Any, ...]:
        """The only row."""
        (row,) = await self.rows(statement)
        return row


def _first(error: psycopg.Error) -> str:
    return error.diag.message_primary or str(error).partition("\n")[0]
