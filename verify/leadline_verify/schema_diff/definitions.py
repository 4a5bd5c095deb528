"""Tables and sequences as they are read for a comparison of definitions."""

from collections.abc import Mapping
from dataclasses import dataclass

from leadline.model import Value
from leadline_verify.table_facts import CatalogTable, PublishedTable, SubscribedTable

Place = tuple[str, str]
"""Schema and name."""


class TableDefinition(Value, frozen=True, kw_only=True):
    """The parts of a table that a comparison of rows does not need."""

    schema_name: str
    name: str
    defaults: tuple[str, ...] = ()
    """Columns that get a value by themselves."""
    uniques: tuple[str, ...] = ()
    """The columns or expressions of each unique index, with its predicate."""
    checks: tuple[str, ...] = ()
    """CHECK and EXCLUDE constraints, as ``pg_get_constraintdef`` writes them."""
    triggers: tuple[str, ...] = ()
    """Triggers that fire while changes are applied: ENABLE ALWAYS or ENABLE REPLICA."""


class SequenceUse(Value, frozen=True, kw_only=True):
    """A column whose values come from a sequence."""

    schema_name: str
    table_name: str
    column_name: str


class SequenceState(Value, frozen=True, kw_only=True):
    """A sequence and its last value."""

    schema_name: str
    name: str
    increment: int = 1
    cycles: bool = False
    readable: bool = True
    value: int | None = None
    """None when it was never used, or may not be read."""
    used_by: tuple[SequenceUse, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Side:
    """One server's database."""

    tables: Mapping[Place, CatalogTable]
    definitions: Mapping[Place, TableDefinition]
    sequences: Mapping[Place, SequenceState]


@dataclass(frozen=True, slots=True, kw_only=True)
class Definitions:
    """Both databases, and what the subscription carries."""

    upstream: Side
    downstream: Side
    published: Mapping[Place, PublishedTable]
    subscribed: Mapping[Place, SubscribedTable]
    subscription: str


def shown(place: Place) -> str:
    """A name as people write it."""
    return ".".join(place)
