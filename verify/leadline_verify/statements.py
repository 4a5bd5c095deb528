"""The statements about one table on one side, as SQL without parameters. Pure.

Keys are texts; a statement writes them as literals of the column's type. A key of a table that is compared by place is
its ``ctid``, and a bound the number of a block.
"""

import random
from collections.abc import Sequence
from typing import Final, Literal

from leadline_verify.column_hash import column_hash, quoted, row_hash
from leadline_verify.plan import TablePlan

Key = tuple[str, ...]
"""The values of the key columns as text."""
Bound = Key | None
"""The last key of a range; None for the open end."""
Side = Literal["upstream", "downstream"]

PLAIN_SEED: Final = 0


def literal(text: str) -> str:
    """A text as an SQL literal; needs ``standard_conforming_strings``."""
    return "'" + text.replace("'", "''") + "'"


def strong_seed() -> int:
    """A seed that nobody can know before the run."""
    return random.SystemRandom().randrange(1_000_000, 1 << 60)


class Statements:
    """The statements about one table on one side."""

    def __init__(self, plan: TablePlan, side: Side, seeds: Sequence[int] = (PLAIN_SEED,)) -> None:
        """``seeds``: one for each sum of a digest."""
        self._plan = plan
        table = plan.upstream if side == "upstream" else plan.downstream
        self._is_upstream = side == "upstream"
        self.table = table.full_name
        self._from = table.full_name if table.kind == "p" else f"ONLY {table.full_name}"
        self._filter = plan.row_filter if self._is_upstream else plan.downstream_filter
        self._hashes = [row_hash(self._columns(seed), seed, self._bigint_key()) for seed in seeds]

    def digest(self, after: Bound, up_to: Bound, flipped: Key | None = None) -> str:
        """The number of rows in a range, and their sums. ``flipped``: count the complement of this row's hash."""
        sums = [self._flipped(each, flipped) for each in self._hashes]
        return self._select(["count(*)", *(f"sum({each})" for each in sums)], self._range(after, up_to))

    def whole(self) -> str:
        """The digest of the whole table, and a sum that changes with every version of a row."""
        version = "sum(hashtextextended(xmin::text || ctid::text, 0))"
        sums = [f"sum({each})" for each in self._hashes]
        return self._select(["count(*)", *sums, version], "")

    def rows(self, after: Bound, up_to: Bound, flipped: Key | None = None) -> str:
        """Key and hash of the rows in a range."""
        return self._select([*self._keys(), self._flipped(self._hashes[0], flipped)], self._range(after, up_to))

    def rows_of(self, keys: Sequence[Key], flipped: Key | None = None) -> str:
        """Key, hash and version of the rows of these keys, and whether no transaction has marked the row.

        A row that its filter keeps back is none.
        """
        version = "xmin::text || ' ' || ctid::text, xmax = '0'"
        return self._select([*self._keys(), self._flipped(self._hashes[0], flipped), version], self._among(keys))

    def columns_of(self, keys: Sequence[Key]) -> str:
        """Key, and the hash of each column, of the rows of these keys."""
        return self._select([*self._keys(), *self._columns(PLAIN_SEED)], self._among(keys))

    def values_of(self, keys: Sequence[Key]) -> str:
        """Key, and each column's value as text, of the rows of these keys."""
        texts = [f"{quoted(column.name)}::text" for column in self._plan.columns]
        return self._select([*self._keys(), *texts], self._among(keys))

    @property
    def by_place(self) -> bool:
        """Whether a range is one of blocks."""
        return self._plan.way == "place"

    def bound(self, after: Bound, rows: int, up_to: Bound = None) -> str:
        """The key of the last of so many rows of a range; no row when there are fewer. Not for places."""
        assert self._plan.key is not None
        keys = [f"t.{quoted(column.name)} AS k{at}" for at, column in enumerate(self._plan.key.columns)]
        texts = ", ".join(f"k{at}::text" for at in range(len(keys)))
        # Qualified: the bare name of an output column would order by its text.
        order = ", ".join(self._ordered())
        inner = self._select(keys, self._range(after, up_to))
        return f"SELECT {texts} FROM ({inner} ORDER BY {order} OFFSET {rows - 1} LIMIT 1) x"

    def any_key(self) -> str:
        """The key of one row."""
        return self._select(self._keys(), "") + " LIMIT 1"

    def count(self) -> str:
        """The number of rows."""
        return self._select(["count(*)"], "")

    def blocks(self) -> str:
        """The number of blocks of the table."""
        return f"SELECT pg_relation_size({literal(self.table)}::regclass) / current_setting('block_size')::int"

    def _columns(self, seed: int) -> list[str]:
        plan = self._plan
        return [
            column_hash(
                match.upstream if self._is_upstream else match.downstream,
                seed + at,
                plan.major,
                one_encoding=plan.one_encoding,
                as_text=match.as_text,
            )
            for at, match in enumerate(plan.columns, 1)
        ]

    def _bigint_key(self) -> tuple[int, str] | None:
        """The place and name of the key, where it is one bigint on both sides."""
        key = self._plan.key
        if key is None or len(key.columns) != 1:
            return None
        for place, match in enumerate(self._plan.columns):
            types = {(each.base_type, each.is_domain) for each in (match.upstream, match.downstream)}
            if match.name == key.columns[0].name and types == {("int8", False)}:
                return place, match.name
        return None

    def _select(self, columns: Sequence[str], condition: str) -> str:
        conditions = [f"({each})" for each in (condition, self._filter) if each]
        where = f" WHERE {' AND '.join(conditions)}" if conditions else ""
        return f"SELECT {', '.join(columns)} FROM {self._from} AS t{where}"

    def _flipped(self, hashed: str, key: Key | None) -> str:
        return hashed if key is None else f"CASE WHEN {self._among([key])} THEN ~({hashed}) ELSE {hashed} END"

    def _keys(self) -> list[str]:
        if self._plan.key is None:
            return ["ctid::text"]
        return [f"{quoted(column.name)}::text" for column in self._plan.key.columns]

    def _ordered(self) -> list[str]:
        """The key columns in the form that has one order on both sides."""
        if self._plan.key is None:
            return ["ctid"]
        return [
            f'(t.{quoted(column.name)}::text COLLATE "C")' if column.by_bytes else f"t.{quoted(column.name)}"
            for column in self._plan.key.columns
        ]

    def _literals(self, key: Key, *, ordered: bool) -> list[str]:
        if self._plan.key is None:
            return [f"{literal(key[0])}::tid"]
        return [
            literal(text)
            if ordered and column.by_bytes
            else f"{literal(text)}::{column.upstream_type if self._is_upstream else column.downstream_type}"
            for column, text in zip(self._plan.key.columns, key, strict=True)
        ]

    def _range(self, after: Bound, up_to: Bound) -> str:
        if self._plan.way == "place":
            limits = [(">=", after), ("<", up_to)]
            return " AND ".join(f"ctid {sign} '({bound[0]},0)'::tid" for sign, bound in limits if bound is not None)
        columns = ", ".join(self._ordered())
        limits = [(">", after), ("<=", up_to)]
        return " AND ".join(
            f"({columns}) {sign} ({', '.join(self._literals(bound, ordered=True))})"
            for sign, bound in limits
            if bound is not None
        )

    def _among(self, keys: Sequence[Key]) -> str:
        plan = self._plan.key
        names = ["ctid"] if plan is None else [quoted(column.name) for column in plan.columns]
        values = [self._literals(key, ordered=False) for key in keys]
        if len(names) == 1:
            return f"{names[0]} IN ({', '.join(value[0] for value in values)})"
        return f"({', '.join(names)}) IN ({', '.join('(' + ', '.join(value) + ')' for value in values)})"
