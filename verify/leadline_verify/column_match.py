"""Matches the columns of a table on both servers, and says which of them can be compared. Pure."""

from collections.abc import Sequence
from typing import Final

from leadline.model import Value
from leadline_verify.key_choice import INTEGERS
from leadline_verify.table_facts import CatalogTable, Column

_FAMILIES: Final = (
    INTEGERS,
    frozenset({"text", "varchar"}),
    frozenset({"float4", "float8"}),
    INTEGERS | {"numeric"},
)
"""Built-in types whose values have the same text when one is written into the other."""


class MatchedColumn(Value, frozen=True, kw_only=True):
    """A column of both sides."""

    upstream: Column
    downstream: Column
    as_text: bool = False
    """Its types differ; the texts of its values are compared."""

    @property
    def name(self) -> str:
        """The name, which is the same on both sides."""
        return self.upstream.name

    @property
    def types(self) -> str:
        """Both types, for people."""
        return f"{self.upstream.type_name} on the upstream and {self.downstream.type_name} on the downstream"


class UnequalColumns(Value, frozen=True, kw_only=True):
    """The columns cannot be compared."""

    reason: str


def match_columns(
    up: CatalogTable, down: CatalogTable, names: Sequence[str]
) -> tuple[MatchedColumn, ...] | UnequalColumns:
    """The compared columns in the upstream's order, or the reason why they cannot be compared."""
    wanted = set(names)
    found: list[MatchedColumn] = []
    for column in up.columns:
        if column.name not in wanted:
            continue
        other = down.column(column.name)
        if other is None:
            return UnequalColumns(reason=f"the downstream has no column {column.name}, which is replicated")
        if column.type_name == other.type_name and column.base_type == other.base_type:
            found.append(MatchedColumn(upstream=column, downstream=other))
            continue
        pair = MatchedColumn(upstream=column, downstream=other, as_text=True)
        if not _same_texts(column, other):
            return UnequalColumns(reason=f"column {column.name} is {pair.types}: their values differ by intent")
        found.append(pair)
    return tuple(found)


def _same_texts(up: Column, down: Column) -> bool:
    """Whether a value that is sent as text looks the same when it is read."""
    if not up.base_type and not down.base_type:
        return up.category == down.category
    if up.is_domain != down.is_domain and up.base_type == down.base_type:
        return True
    if "(" in down.type_name.replace(" ", "") and down.base_type == "numeric":
        return False  # the downstream rounds, or adds zeros
    kinds = {up.base_type, down.base_type}
    return any(kinds <= family for family in _FAMILIES)
