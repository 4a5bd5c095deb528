"""The steps in ``migrations/``, applied in order, each once.

A file is named ``NNNN_what.sql``. What was applied is recorded with a checksum: a file that was changed afterwards is
an error, for the schema would not be what the files say.
"""

import hashlib
import re
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Final

from psycopg import errors

from leadline.errors import UsageError
from leadline_sinks.incident_log.connection import Connection, transaction

OLDEST: Final = 14
"""The first major version of PostgreSQL that can hold the log."""
_LOCK: Final = 0x1EAD11E
"""Whoever migrates holds this advisory lock."""
_FILE: Final = re.compile(r"(\d{4})_[a-z_]+\.sql").fullmatch

# From the catalogue: to_regclass may answer from a cache that does not know yet what another session committed.
_SCHEMA: Final = "SELECT FROM pg_namespace WHERE nspname = 'leadline'"
_TABLE: Final = """
    SELECT FROM pg_class JOIN pg_namespace ON pg_namespace.oid = relnamespace
    WHERE nspname = 'leadline' AND relname = 'migration'
"""
_MIGRATION: Final = """
    CREATE TABLE leadline.migration (
        number     integer PRIMARY KEY,
        name       text NOT NULL,
        checksum   text NOT NULL,
        applied_at timestamptz NOT NULL DEFAULT now()
    )
"""


@dataclass(frozen=True, slots=True)
class Migration:
    """One step."""

    number: int
    name: str
    sql: bytes

    @property
    def checksum(self) -> str:
        """Tells that the file was changed."""
        return hashlib.sha256(self.sql).hexdigest()


@cache
def migrations() -> tuple[Migration, ...]:
    """Every step, in order."""
    folder = files("leadline_sinks.incident_log").joinpath("migrations")
    found = ((_FILE(file.name), file) for file in folder.iterdir())
    return tuple(
        sorted(
            (Migration(int(name[1]), file.name, file.read_bytes()) for name, file in found if name),
            key=lambda each: each.number,
        )
    )


async def missing(connection: Connection) -> tuple[Migration, ...]:
    """The steps that were not applied yet.

    Raises UsageError when the server cannot hold the log, a step was changed after it was applied, or the schema is of
    a newer Leadline.
    """
    async with transaction(connection, read_only=True):
        return await _missing(connection)


async def migrate(connection: Connection) -> tuple[Migration, ...]:
    """Apply the steps that are missing, all or none, and return them.

    Raises UsageError as ``missing`` does, and when the role may not.
    """
    if not await missing(connection):
        return ()
    try:
        async with transaction(connection):
            await connection.execute("SELECT pg_advisory_xact_lock(%s)", [_LOCK])
            wanted = await _missing(connection)  # another process may have been quicker
            if wanted and not await _exists(connection, _SCHEMA):
                await connection.execute("CREATE SCHEMA leadline")
            if wanted and not await _exists(connection, _TABLE):
                await connection.execute(_MIGRATION.encode())
            for each in wanted:
                await connection.execute(each.sql)
                await connection.execute(
                    "INSERT INTO leadline.migration (number, name, checksum) VALUES (%s, %s, %s)",
                    [each.number, each.name, each.checksum],
                )
            return wanted
    except errors.InsufficientPrivilege:
        raise UsageError(
            f"the role {connection.info.user} may not make the schema leadline in the database "
            f"{connection.info.dbname}; run `leadline incidents migrate` as a role that owns it, or may create it"
        ) from None


async def _missing(connection: Connection) -> tuple[Migration, ...]:
    info = connection.info
    if info.server_version < OLDEST * 10000:
        raise UsageError(
            f"the incident log needs PostgreSQL {OLDEST} or later; this is {info.server_version // 10000}: "
            "upgrade it, or give another incident_log.dsn"
        )
    if (encoding := info.parameter_status("server_encoding")) != "UTF8":
        raise UsageError(
            f"the incident log needs a database in UTF-8; {info.dbname} is in {encoding}: create one with "
            "ENCODING 'UTF8' TEMPLATE template0"
        )
    applied: dict[int, str] = {}
    if await _exists(connection, _TABLE):
        cursor = await connection.execute("SELECT number, checksum FROM leadline.migration")
        applied = dict(await cursor.fetchall())
    known = {each.number: each for each in migrations()}
    for number, checksum in sorted(applied.items()):
        if number not in known:
            raise UsageError(
                f"the schema leadline in {info.dbname} is of a newer Leadline (step {number}); upgrade this one"
            )
        if known[number].checksum != checksum:
            raise UsageError(
                f"{known[number].name} was changed after it was applied to {info.dbname}; put it back as it was, and "
                "write the change as a new step"
            )
    return tuple(each for number, each in known.items() if number not in applied)


async def _exists(connection: Connection, question: str) -> bool:
    return await (await connection.execute(question.encode())).fetchone() is not None
