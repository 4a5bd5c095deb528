"""Reads what the verifier has to know about a database: one statement per subject, each answered in JSON."""

from functools import cache
from importlib.resources import files
from typing import Final, TypeVar

import msgspec
import psycopg

from leadline.model import Value
from leadline_agents.engines.postgresql.connection import Connection
from leadline_verify.table_facts import CatalogTable, PublishedTable, ServerFacts, SubscribedTable

_SYSTEM_ID: Final = "SELECT system_identifier::text FROM pg_control_system()"
V = TypeVar("V", bound=Value)


class PublicationEntry(Value, frozen=True, kw_only=True):
    """One table in one publication."""

    schema_name: str
    name: str
    columns: tuple[str, ...] | None = None
    row_filter: str | None = None
    actions: tuple[str, ...] = ()


async def server_facts(connection: Connection) -> ServerFacts:
    """The server and the database of this session."""
    (facts,) = await read(connection, "server", ServerFacts)
    try:
        row = await (await connection.execute(_SYSTEM_ID)).fetchone()
    except psycopg.errors.InsufficientPrivilege:  # some managed databases
        return facts
    return msgspec.structs.replace(facts, system_id=row[0] if row else "")


async def tables(connection: Connection) -> list[CatalogTable]:
    """The tables whose rows are on disk and in WAL, by schema and name."""
    return await read(connection, "tables", CatalogTable)


async def subscribed_tables(connection: Connection, subscription: str) -> list[SubscribedTable]:
    """The tables of a subscription with the state of their copy."""
    return await read(connection, "subscribed", SubscribedTable, [subscription])


async def published_tables(connection: Connection, publications: tuple[str, ...]) -> list[PublishedTable]:
    """The tables of publications."""
    return merged(await read(connection, "published", PublicationEntry, [list(publications)]))


def merged(entries: list[PublicationEntry]) -> list[PublishedTable]:
    """Each table as a subscription to several publications receives it. Pure.

    A row passes when one filter lets it pass, and every row does when one publication has no filter.
    """
    groups: dict[tuple[str, str], list[PublicationEntry]] = {}
    for entry in entries:
        groups.setdefault((entry.schema_name, entry.name), []).append(entry)
    return [
        PublishedTable(
            schema_name=schema_name,
            name=name,
            columns=group[0].columns,
            row_filters=_filters(group),
            actions=tuple(sorted({action for entry in group for action in entry.actions})),
            column_lists=len({entry.columns and tuple(sorted(entry.columns)) for entry in group}),
        )
        for (schema_name, name), group in groups.items()
    ]


def _filters(group: list[PublicationEntry]) -> tuple[str, ...] | None:
    found = [entry.row_filter for entry in group]
    return None if None in found else tuple(sorted({each for each in found if each is not None}))


async def read(connection: Connection, query: str, kind: type[V], parameters: list[object] | None = None) -> list[V]:
    """The rows of a statement of this package. Raises psycopg.Error."""
    cursor = await connection.execute(_statement(query), parameters)
    return [msgspec.convert(row[0], kind) for row in await cursor.fetchall()]


@cache
def _statement(name: str) -> bytes:
    return files("leadline_verify").joinpath("queries", f"{name}.sql").read_bytes()
