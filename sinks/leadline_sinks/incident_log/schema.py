"""Migrations of the schema ``leadline``: the files in ``migrations/``, applied in order, each once.

A file is named ``NNNN_name.sql``. Each migration is recorded with a checksum. A file that was changed after it was
applied is an error, since the schema would differ from the files.
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
"""The oldest major version of PostgreSQL that can hold the incident log."""
_LOCK: Final = 0x1EAD11E
"""The advisory lock that is held while migrating."""
_FILE: Final = re.compile(r"(\d{4})_[a-z_]+\.sql").fullmatch

# From the catalogue: to_regclass may use a cache that lacks what another session has just committed.
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
    """One migration."""

    number: int
    name: str
    sql: bytes

    @property
    def checksum(self) -> str:
        """Detects a change of the file."""
        return hashlib.sha256(self.sql).hexdigest()


@cache
def migrations() -> tuple[Migration, ...]:
    """All migrations, in order."""
    folder = files("leadline_sinks.incident_log").joinpath("migrations")
    found = ((_FILE(file.name), file) for file in folder.iterdir())
    return tuple(
        sorted(
            (Migration(int(name[1]), file.name, file.read_bytes()) for name, file in found if name),
            key=lambda each: each.number,
        )
    )


async def missing(connection: Connection) -> tuple[Migration, ...]:
    """The migrations that are not applied yet.

    Raises UsageError when the server cannot hold the incident log, a migration was changed after it was applied, or the
    schema is that of a newer Leadline.
    """
    async with transaction(connection, read_only=True):
        return await _missing(connection)


async def migrate(connection: Connection) -> tuple[Migration, ...]:
    """Apply the migrations that are missing, all or none, and return them.

    Raises UsageError as ``missing`` does, and when the role lacks the privileges.
    """
    if not await missing(connection):
        return ()
    try:
        async with transaction(connection):
            await connection.execute("SELECT pg_advisory_xact_lock(%s)", [_LOCK])
            wanted = await _missing(connection)  # another process may have applied them meanwhile
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
            f"the role {connection.info.user} may not create the schema leadline in the database "
            f"{connection.info.dbname}; run `leadline incidents migrate` as a role that owns or may create it"
        ) from None


async def _missing(connection: Connection) -> tuple[Migration, ...]:
    info = connection.info
    if info.server_version < OLDEST * 10000:
        raise UsageError(
            f"the incident log needs PostgreSQL {OLDEST} or later; this server is {info.server_version // 10000}: "
            "upgrade it, or set another incident_log.dsn"
        )
    if (encoding := info.parameter_status("server_encoding")) != "UTF8":
        raise UsageError(
            f"the incident log needs a database with encoding UTF8; {info.dbname} has {encoding}: create one with "
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
                f"the schema leadline in {info.dbname} is of a newer Leadline (migration {number}); upgrade this one"
            )
        if known[number].checksum != checksum:
            raise UsageError(
                f"{known[number].name} was changed after it was applied to {info.dbname}; restore the file, and "
                "add the change as a new migration"
            )
    return tuple(each for number, each in known.items() if number not in applied)


async def _exists(connection: Connection, question: str) -> bool:
    return await (await connection.execute(question.encode())).fetchone() is not None
