"""Columns whose difference stops a subscription or changes what it writes. Pure."""

import re
from collections.abc import Iterator
from typing import Final

from leadline.model.verification import SchemaDifference
from leadline_verify.schema_diff.definitions import Definitions, Place, TableDefinition, shown
from leadline_verify.table_facts import CatalogTable, Column, PublishedTable

_MODIFIER: Final = re.compile(r"\((\d+)(?:,(-?\d+))?\)").search
_WIDTHS: Final = {"int2": 2, "int4": 4, "int8": 8, "float4": 4, "float8": 8}


def column_differences(both: Definitions, place: Place) -> Iterator[SchemaDifference]:
    """Those of one table that both servers have and the subscription carries."""
    up, down = both.upstream.tables[place], both.downstream.tables[place]
    sent = [column for column in up.columns if column.name in _sent(up, both.published[place])]
    table = shown(place)
    for column in sent:
        theirs = down.column(column.name)
        if theirs is None:
            yield SchemaDifference(
                code="column_missing",
                table=table,
                detail=f"column {column.name} is published and is not on the subscriber: its worker stops",
                breaks=True,
            )
            continue
        yield from _of_column(table, column, theirs)
    yield from _required(table, down, {column.name for column in sent}, both.downstream.definitions.get(place))


def _sent(table: CatalogTable, published: PublishedTable) -> frozenset[str]:
    """The columns that are published: without a list, all but those that are generated."""
    if published.columns is not None:
        return frozenset(published.columns)
    return frozenset(column.name for column in table.columns if not column.generated)


def _of_column(table: str, up: Column, down: Column) -> Iterator[SchemaDifference]:
    name = up.name
    if down.generated and not up.generated:
        yield SchemaDifference(
            code="generated_on_subscriber",
            table=table,
            detail=f"column {name} is generated on the subscriber, which cannot write what it receives",
            breaks=True,
        )
    if down.not_null and not up.not_null:
        yield SchemaDifference(
            code="not_null_on_subscriber",
            table=table,
            detail=f"column {name} is NOT NULL on the subscriber only: the first NULL stops its worker",
            breaks=True,
        )
    if up.type_name != down.type_name:
        narrower = is_narrower(up, down)
        effect = "values that do not fit stop its worker or are changed" if narrower else "every value fits"
        yield SchemaDifference(
            code="type_differs",
            table=table,
            detail=f"column {name} is {up.type_name}, and {down.type_name} on the subscriber: {effect}",
            breaks=narrower,
        )


def _required(
    table: str, down: CatalogTable, sent: set[str], definition: TableDefinition | None
) -> Iterator[SchemaDifference]:
    given = set(definition.defaults) if definition is not None else set()
    for column in down.columns:
        if column.not_null and column.name not in sent and column.name not in given:
            yield SchemaDifference(
                code="column_required",
                table=table,
                detail=f"column {column.name} of the subscriber is NOT NULL, has no default and is not published: "
                "the first insert stops its worker",
                breaks=True,
            )


def is_narrower(up: Column, down: Column) -> bool:
    """Whether the subscriber's type cannot hold each value of the publisher's, or is of another kind."""
    if down.base_type == "text" or (down.base_type == "varchar" and not _MODIFIER(down.type_name)):
        return False
    if up.category != down.category:
        return True
    if up.base_type in _WIDTHS and down.base_type in _WIDTHS:
        same_kind = up.base_type[:3] == down.base_type[:3]
        return not same_kind or _WIDTHS[down.base_type] < _WIDTHS[up.base_type]
    if down.base_type == "numeric" and up.base_type in ("int2", "int4", "int8"):
        return _MODIFIER(down.type_name) is not None
    if up.base_type != down.base_type:
        return up.category != "S" or _MODIFIER(down.type_name) is not None
    return _is_shorter(_MODIFIER(up.type_name), _MODIFIER(down.type_name))


def _is_shorter(up: re.Match[str] | None, down: re.Match[str] | None) -> bool:
    """Compares modifiers: a length, or a precision and a scale."""
    if down is None:
        return False
    if up is None:
        return True
    (size, scale), (their_size, their_scale) = ((int(each[1]), int(each[2] or 0)) for each in (up, down))
    return their_scale < scale or their_size - their_scale < size - scale
