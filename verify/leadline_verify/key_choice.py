"""Chooses the columns by which the rows of a table are found and put into order on both servers. Pure."""

from collections.abc import Sequence
from typing import Final

from leadline.model import Value
from leadline_verify.table_facts import CatalogTable, Column

ORDERED: Final = frozenset(
    {
        *("int2", "int4", "int8", "oid", "numeric", "float4", "float8", "bool", "uuid", "bytea", "date", "time"),
        *("timestamp", "timestamptz", "text", "varchar", "bpchar", "name", "inet", "macaddr"),
    }
)
"""Built-in types whose order is the same everywhere but for their collation. That of an enum, for one, is not."""
INTEGERS: Final = frozenset({"int2", "int4", "int8"})


class KeyColumn(Value, frozen=True, kw_only=True):
    """A column of the key."""

    name: str
    upstream_type: str
    downstream_type: str
    by_bytes: bool = False
    """The servers would put its values into different orders, so the bytes of its text decide; no index does that."""


class ChosenKey(Value, frozen=True, kw_only=True):
    """The key of a table."""

    columns: tuple[KeyColumn, ...]
    is_indexed: bool = True
    """Whether both sides have an index that finds a range of it."""


def choose_key(upstream: CatalogTable, downstream: CatalogTable, compared: Sequence[str]) -> ChosenKey | None:
    """The replica identity, else the primary key, else another unique index without NULLs, of compared columns."""
    for key in upstream.keys:
        pairs = [(upstream.column(name), downstream.column(name)) for name in key.columns]
        if not set(key.columns) <= set(compared):
            continue
        columns = tuple(_key_column(up, down) for up, down in pairs if up is not None and down is not None)
        if len(columns) == len(pairs):
            first = columns[0]
            return ChosenKey(
                columns=columns,
                is_indexed=not first.by_bytes and first.name in downstream.leading_columns,
            )
    return None


def _key_column(up: Column, down: Column) -> KeyColumn:
    return KeyColumn(
        name=up.name,
        upstream_type=up.type_name,
        downstream_type=down.type_name,
        by_bytes=not _same_order(up, down),
    )


def _same_order(up: Column, down: Column) -> bool:
    if {up.base_type, down.base_type} <= INTEGERS:
        return True
    if up.base_type != down.base_type or up.base_type not in ORDERED:
        return False
    return up.collation == down.collation or (up.plain_order and down.plain_order)
