"""Decides which tables are compared, by which columns, and how. Pure: from the catalogs of both servers."""

from collections.abc import Sequence
from typing import Final, Literal

from leadline.model import Value
from leadline_verify.column_match import MatchedColumn, UnequalColumns, match_columns
from leadline_verify.key_choice import ChosenKey, choose_key
from leadline_verify.linking import FollowedBy
from leadline_verify.session import GRANTS
from leadline_verify.table_facts import CatalogTable, PublishedTable, ServerFacts, SubscribedTable, shown_name

WHOLE_TABLE_ROWS: Final = 1_000_000
"""The most rows of a table that is compared in one statement, because nothing divides it."""
PLACES_SINCE: Final = 14
"""The major version that reads a range of places (TID range scan)."""
GENERATED_SINCE: Final = 18
"""The major version that can publish generated columns."""
ANY_BYTES: Final = "SQL_ASCII"
"""The encoding whose texts may be any bytes, which no session can read as characters."""
DML: Final = {"insert", "update", "delete"}


class TablePlan(Value, frozen=True, kw_only=True):
    """A table that is compared."""

    upstream: CatalogTable
    downstream: CatalogTable
    columns: tuple[MatchedColumn, ...]
    way: Literal["key", "place", "whole"]
    """``key``: chunks of a range of keys; ``place``: of a range of blocks, which only physical standbys share;
    ``whole``: one digest of the whole table."""
    key: ChosenKey | None = None
    row_filter: str = ""
    """A condition on the rows of the upstream; empty for all."""
    downstream_filter: str = ""
    major: int
    """That of the older server, whose hash functions are used."""
    one_encoding: bool = True
    notes: tuple[str, ...] = ()


class NotComparable(Value, frozen=True, kw_only=True):
    """A table that is not compared, and the reason."""

    table: str
    downstream_table: str = ""
    reason: str


Planned = TablePlan | NotComparable


def plan_physical(
    facts: tuple[ServerFacts, ServerFacts], up: Sequence[CatalogTable], down: Sequence[CatalogTable]
) -> list[Planned]:
    """Every table of the database, the same on both sides by its name; of partitioned ones the partitions."""
    below = {(table.schema_name, table.name): table for table in down}
    return [
        _table(table, below.get((table.schema_name, table.name)), None, None, *facts, physical=True)
        for table in up
        if table.kind != "p"
    ]


def plan_logical(
    facts: tuple[ServerFacts, ServerFacts],
    up: Sequence[CatalogTable],
    down: Sequence[CatalogTable],
    published: Sequence[PublishedTable],
    subscribed: Sequence[SubscribedTable],
    link: FollowedBy,
) -> list[Planned]:
    """Every table that the publications of the subscription or the subscription itself have."""
    above = {(table.schema_name, table.name): table for table in up}
    below = {(table.schema_name, table.name): table for table in down}
    sent = {(table.schema_name, table.name): table for table in published}
    taken = {(table.schema_name, table.name): table for table in subscribed}
    name = link.subscription.name if link.subscription else ""
    planned: list[Planned] = []
    for place in sorted(sent.keys() | taken.keys()):
        shown = shown_name(*place)
        if place not in taken:
            reason = f"it is published and not subscribed to: ALTER SUBSCRIPTION {name} REFRESH PUBLICATION"
        elif place not in sent:
            reason = f"no publication of subscription {name} has it on the upstream"
        elif taken[place].state != "r":
            reason = f"its initial copy is not finished (srsubstate = {taken[place].state})"
        elif place not in above:
            reason = "the upstream has no such table"
        else:
            planned.append(_table(above[place], below.get(place), sent[place], taken[place], *facts, physical=False))
            continue
        planned.append(NotComparable(table=shown, downstream_table=shown, reason=reason))
    return planned


def _table(
    up: CatalogTable,
    down: CatalogTable | None,
    sent: PublishedTable | None,
    taken: SubscribedTable | None,
    upstream: ServerFacts,
    downstream: ServerFacts,
    *,
    physical: bool,
) -> Planned:
    def no(reason: str) -> NotComparable:
        return NotComparable(table=up.shown, downstream_table=down.shown if down else "", reason=reason)

    if down is None:
        return no("the downstream has no such table")
    for table, side, facts in ((up, "upstream", upstream), (down, "downstream", downstream)):
        if not table.readable:
            return no(f"role {facts.role} may not read it on the {side}: GRANT SELECT, or see {GRANTS}")
    if sent is not None and (unsent := DML - set(sent.actions)):
        return no(f"its publications do not publish {', '.join(sorted(unsent))}, so its rows differ by intent")
    if sent is not None and sent.column_lists > 1:
        return no("its publications have different column lists, which PostgreSQL 16 and later refuse")
    filters = sent.row_filters if sent is not None else None
    shared = taken is not None and taken.subscriptions > 1
    if shared and filters is None:
        return no("several subscriptions write to it, and no row filter says which rows are of this one")
    names = _compared(up, sent, upstream.major, physical)
    matched = match_columns(up, down, names)
    if isinstance(matched, UnequalColumns):
        return no(matched.reason)
    condition = " OR ".join(f"({each})" for each in filters or ())
    major = min(upstream.major, downstream.major)
    key = choose_key(up, down, names)
    notes = [f"{each.name} is {each.types}: compared as text" for each in matched if each.as_text]
    way: Literal["key", "place", "whole"] = "key"
    if physical and (key is None or not _is_walked(key, up, upstream.encoding)):
        key, way = None, "place" if major >= PLACES_SINCE else "whole"
    elif key is None:
        way = "whole"
    elif not key.is_indexed:
        notes.append(
            "no index serves its key in one order on both sides: its chunks are larger, and each reads all of it"
        )
    if way == "whole" and (up.estimate or 0) > WHOLE_TABLE_ROWS:
        return no(
            f"it has no key, and about {up.estimate:,} rows; up to {WHOLE_TABLE_ROWS:,} are compared in one piece"
        )
    return TablePlan(
        upstream=up,
        downstream=down,
        columns=matched,
        way=way,
        key=key,
        row_filter=condition,
        downstream_filter=condition if shared else "",
        major=major,
        one_encoding=upstream.encoding == downstream.encoding,
        notes=tuple(notes),
    )


def _is_walked(key: ChosenKey, table: CatalogTable, encoding: str) -> bool:
    """Whether a standby's table is walked by this key: by an index, and with keys that can be read as text."""
    if not key.is_indexed or any(part.by_bytes for part in key.columns):
        return False
    columns = [table.column(part.name) for part in key.columns]
    return encoding != ANY_BYTES or not any(column is not None and column.category == "S" for column in columns)


def _compared(up: CatalogTable, sent: PublishedTable | None, major: int, physical: bool) -> tuple[str, ...]:
    """Of a standby every column that is stored, else those that are published."""
    if physical:
        return tuple(column.name for column in up.columns if column.generated != "v")
    plain = tuple(column.name for column in up.columns if not column.generated)
    if sent is None or sent.columns is None:
        return plain
    # Before version 18 the view lists generated columns, which are never sent.
    return sent.columns if major >= GENERATED_SINCE else tuple(name for name in sent.columns if name in plain)
