"""Rows that differ on two servers, in words."""

from collections.abc import Sequence
from typing import Final

from leadline.model.verification import TableDifference

NAMED_TABLES: Final = 3
NAMED_ROWS: Final = 3


def tables_in_words(tables: Sequence[TableDifference]) -> str:
    """The tables, kinds and keys: ``public.items: id=5 is missing; public.orders: 2 extra``."""
    more = len(tables) - NAMED_TABLES
    named = "; ".join(in_words(each) for each in tables[:NAMED_TABLES])
    return named + (f"; and {more} more table{'s' if more > 1 else ''}" if more > 0 else "")


def in_words(table: TableDifference) -> str:
    """The rows of one table: ``public.items: id=5 is missing``, ``public.items: 2 missing, 1 changed (id=5, id=7)``."""
    kinds = {"missing": table.missing, "extra": table.extra, "changed": table.changed, "more": table.unlisted}
    keys = [row.key for row in table.first if row.key is not None][:NAMED_ROWS]
    if table.rows == 1 and keys:
        (kind,) = (name for name, rows in kinds.items() if rows)
        columns = ", ".join(table.first[0].columns)
        return f"{table.table}: {keys[0]} is {kind}" + (f" ({columns})" if columns else "")
    counts = ", ".join(f"{rows} {name}" for name, rows in kinds.items() if rows)
    more = ", ..." if keys and len(keys) < table.rows else ""
    return f"{table.table}: {counts}" + (f" ({', '.join(keys)}{more})" if keys else "")
