"""Checks the pages of a standby with amcheck, in short statements that take no lock but the one of a reader.

What looks damaged is looked at again once the standby has what the upstream had, and counts when it is damaged again.
Then the same is checked on the upstream: a standby alone is repaired by a new copy, a primary is not.
"""

from collections.abc import Awaitable, Callable, Collection
from typing import Final, NamedTuple

from leadline_agents.engines.postgresql.connection import Connection
from leadline_verify import catalog
from leadline_verify.barrier import Barrier
from leadline_verify.limits import Pace
from leadline_verify.outcome import DamagedPart, PageReport
from leadline_verify.pages.relations import (
    CheckedRelation,
    CheckFunction,
    chosen,
    function_for,
    index_check,
    missing,
    table_check,
)
from leadline_verify.reading import CannotCompare, PageDamage, SideReader, TooSlow
from leadline_verify.table_facts import ServerFacts

BLOCKS: Final = 1024
"""Of a table in one statement."""
FEWEST_BLOCKS: Final = 16
MOST_PARTS: Final = 100
"""Damaged places of one relation that are listed; the rest of it is not checked then."""


class Damage(NamedTuple):
    """One damaged place, as one server sees it."""

    place: str
    message: str


Look = Callable[[SideReader], Awaitable[list[Damage]]]


class PageCheck:
    """The check of one standby."""

    def __init__(self, upstream: SideReader, downstream: SideReader, barrier: Barrier, pace: Pace) -> None:
        self._upstream, self._downstream, self._barrier, self._pace = upstream, downstream, barrier, pace
        self._damaged: list[DamagedPart] = []
        self._not_checked: list[str] = []

    async def run(self, down: Connection, facts: ServerFacts, tables: Collection[str], *, system: bool) -> PageReport:
        """Check these tables and their indexes, with ``system`` also the system catalogs. Raises psycopg.Error."""
        functions = await catalog.read(down, "amcheck", CheckFunction)
        relations = chosen(await catalog.read(down, "relations", CheckedRelation), tables, system=system)
        self._not_checked += missing(functions, {each.kind for each in relations}, facts.role, facts.database)
        able = [(each, function) for each in relations if (function := function_for(functions, each.kind)) is not None]
        counts = {"heap": 0, "index": 0}
        for at, (relation, function) in enumerate(able):
            if reason := await self._pace.before_chunk():
                self._not_checked.append(f"{len(able) - at} tables and indexes: {reason}")
                break
            try:
                await self._relation(relation, function)
            except TooSlow:
                limit_s = self._pace.limits.statement_timeout_s
                self._not_checked.append(
                    f"{relation.shown}: it takes longer than the statement timeout of {limit_s:g} s"
                )
            except CannotCompare as error:
                self._not_checked.append(f"{relation.shown}: {error}")
            else:
                counts["heap" if relation.kind == "heap" else "index"] += 1
        return PageReport(
            version=functions[0].version if functions else "",
            tables=counts["heap"],
            indexes=counts["index"],
            damaged=tuple(self._damaged),
            not_checked=tuple(self._not_checked),
        )

    async def _relation(self, relation: CheckedRelation, function: CheckFunction) -> None:
        if relation.kind == "heap":
            await self._table(relation, function)
            return

        async def whole(reader: SideReader) -> list[Damage]:
            return await _index(reader, function, relation, whole=True)

        async def alone(reader: SideReader) -> list[Damage]:
            return await _index(reader, function, relation, whole=False)

        try:
            await self._confirmed(relation, whole)
        except TooSlow:
            await self._confirmed(relation, alone)
        await self._pace.after_chunk(relation.rows)

    async def _table(self, relation: CheckedRelation, function: CheckFunction) -> None:
        size = f"SELECT pg_relation_size({relation.oid}::oid) / current_setting('block_size')::int"
        (blocks,) = await self._downstream.row(size)
        ranges = [(first, min(first + BLOCKS, blocks) - 1) for first in range(0, blocks or 0, BLOCKS)]
        while ranges:
            first, last = ranges.pop(0)

            async def look(reader: SideReader, first: int = first, last: int = last) -> list[Damage]:
                return await _table(reader, function, relation, first, last)

            try:
                found = await self._confirmed(relation, look)
            except TooSlow:
                if last - first < FEWEST_BLOCKS:
                    raise
                ranges[:0] = _halves(first, last)
                continue
            except _Unreadable:
                ranges[:0] = _halves(first, last)
                continue
            if found >= MOST_PARTS:
                self._not_checked.append(
                    f"{relation.shown} from block {last + 1}: {found} places before it are damaged"
                )
                return
            await self._pace.after_chunk(relation.rows * (last - first + 1) // max(1, blocks))
            if ranges and (reason := await self._pace.before_chunk()):
                self._not_checked.append(f"{relation.shown} from block {last + 1}: {reason}")
                return

    async def _confirmed(self, relation: CheckedRelation, look: Look) -> int:
        """Look, and again at what looks damaged. The number of places of the relation that are damaged."""
        if suspect := await look(self._downstream):
            await self._barrier.reach(self._pace.limits.max_lag_s)
            again = {each.place: each for each in await look(self._downstream)}
            if seen := [again[each.place] for each in suspect if each.place in again]:
                await self._keep(relation, seen, look)
        return sum(each.relation == relation.shown for each in self._damaged)

    async def _keep(self, relation: CheckedRelation, seen: list[Damage], look: Look) -> None:
        above: set[str] | None
        try:
            above = {each.place for each in await look(self._upstream)}
        except _Unreadable:
            above = {each.place for each in seen}
        except (TooSlow, CannotCompare):
            above = None
        self._damaged += [
            DamagedPart(
                relation=relation.shown,
                place=each.place,
                message=each.message,
                on_upstream=None if above is None else each.place in above,
            )
            for each in seen
        ]


class _Unreadable(Exception):
    """A range of more than one block in which a block cannot be read."""


async def _index(
    reader: SideReader, function: CheckFunction, relation: CheckedRelation, *, whole: bool
) -> list[Damage]:
    try:
        await reader.rows(index_check(function, relation.oid, whole=whole))
    except PageDamage as error:
        return [Damage("", error.message)]
    return []


async def _table(
    reader: SideReader, function: CheckFunction, relation: CheckedRelation, first: int, last: int
) -> list[Damage]:
    try:
        rows = await reader.rows(table_check(function, relation.oid, first, last))
    except PageDamage as error:
        if first < last:
            raise _Unreadable from None
        return [Damage(f"block {first}", error.message)]
    return [Damage(_place(block, row, column), message) for block, row, column, message in rows[:MOST_PARTS]]


def _place(block: int, row: int | None, column: int | None) -> str:
    parts = (("block", block), ("row", row), ("column", None if column is None else column + 1))
    return ", ".join(f"{name} {number}" for name, number in parts if number is not None)


def _halves(first: int, last: int) -> list[tuple[int, int]]:
    middle = (first + last) // 2
    return [(first, middle), (middle + 1, last)]
