"""Reads the definitions of both databases."""

import asyncio

from leadline_agents.engines.postgresql.connection import Connection
from leadline_verify import catalog
from leadline_verify.linking import FollowedBy
from leadline_verify.schema_diff.definitions import Definitions, SequenceState, Side, TableDefinition


async def read(up: Connection, down: Connection, link: FollowedBy) -> Definitions | None:
    """The definitions of a logical link; None for a physical one. Raises psycopg.Error."""
    if link.subscription is None:
        return None
    above, below = await asyncio.gather(_side(up), _side(down))
    published = await catalog.published_tables(up, link.subscription.publications)
    subscribed = await catalog.subscribed_tables(down, link.subscription.name)
    return Definitions(
        upstream=above,
        downstream=below,
        published={(each.schema_name, each.name): each for each in published},
        subscribed={(each.schema_name, each.name): each for each in subscribed},
        subscription=link.subscription.name,
    )


async def _side(connection: Connection) -> Side:
    return Side(
        tables={(each.schema_name, each.name): each for each in await catalog.tables(connection)},
        definitions={
            (each.schema_name, each.name): each
            for each in await catalog.read(connection, "definitions", TableDefinition)
        },
        sequences={
            (each.schema_name, each.name): each for each in await catalog.read(connection, "sequences", SequenceState)
        },
    )
