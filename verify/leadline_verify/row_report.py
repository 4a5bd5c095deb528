"""Describes confirmed rows: which columns differ, their values when asked for; and hands each on as it is found."""

from collections.abc import Callable, Sequence
from typing import Final

from leadline.clock import Clock
from leadline_verify.confirming import BATCH, ConfirmedRow, TwoSides
from leadline_verify.outcome import RowFinding
from leadline_verify.plan import TablePlan
from leadline_verify.reading import CannotCompare, SideReader, TooSlow
from leadline_verify.statements import Key

CTID: Final = "ctid"
Texts = dict[Key, tuple[str | None, ...]]
Named = dict[Key, dict[str, str | None]]


class RowReport:
    """The description of differing rows of one table."""

    def __init__(
        self, plan: TablePlan, clock: Clock, publish: Callable[[RowFinding], None], *, show_values: bool = False
    ) -> None:
        """``publish``: called once for each row, in the order in which they are found."""
        self._plan, self._clock, self._publish, self._show_values = plan, clock, publish, show_values
        self._names = [column.name for column in plan.columns]

    async def rows(self, sides: TwoSides, found: Sequence[ConfirmedRow]) -> tuple[RowFinding, ...]:
        """Describe confirmed rows. Their columns are read after the confirmation; none for a row that changed since."""
        described: list[RowFinding] = []
        for start in range(0, len(found), BATCH):
            described += await self._batch(sides, found[start : start + BATCH])
        return tuple(described)

    def publish(self, rows: Sequence[RowFinding]) -> None:
        """Hand rows on."""
        for row in rows:
            self._publish(row)

    async def values(self, sides: TwoSides, rows: Sequence[RowFinding]) -> tuple[Named, Named]:
        """The compared columns of rows by key, on the upstream and on the downstream. Nothing without a key."""
        found: tuple[Named, Named] = ({}, {})
        for start in range(0, len(rows) if self._plan.key is not None else 0, BATCH):
            keys = [tuple(text or "" for text in row.key.values()) for row in rows[start : start + BATCH]]
            for side, texts in zip(found, await self._values_of(sides, keys), strict=True):
                side.update({key: dict(zip(self._names, row, strict=True)) for key, row in texts.items()})
        return found

    async def _batch(self, sides: TwoSides, found: Sequence[ConfirmedRow]) -> list[RowFinding]:
        changed = [row.key for row in found if row.kind == "changed"]
        columns = await self._columns(sides, changed) if changed else {}
        keys = [row.key for row in found]
        above, below = await self._values_of(sides, keys) if self._show_values else ({}, {})
        return [
            RowFinding(
                table=self._plan.upstream.shown,
                key=self._key(row.key),
                kind=row.kind,
                columns=columns.get(row.key, ()),
                upstream_hash=row.upstream_hash,
                downstream_hash=row.downstream_hash,
                upstream_values=self._values(above, row, columns),
                downstream_values=self._values(below, row, columns),
                confirmed_at=self._clock.now(),
            )
            for row in found
        ]

    async def _columns(self, sides: TwoSides, keys: Sequence[Key]) -> dict[Key, tuple[str, ...]]:
        above = await _texts(sides.upstream, sides.up.columns_of(keys), len(self._names))
        below = await _texts(sides.downstream, sides.down.columns_of(keys), len(self._names))
        return {
            key: tuple(
                name for name, first, second in zip(self._names, above[key], below[key], strict=True) if first != second
            )
            for key in keys
            if key in above and key in below
        }

    async def _values_of(self, sides: TwoSides, keys: Sequence[Key]) -> tuple[Texts, Texts]:
        width = len(self._names)
        above = await _texts(sides.upstream, sides.up.values_of(keys), width)
        return above, await _texts(sides.downstream, sides.down.values_of(keys), width)

    def _key(self, key: Key) -> dict[str, str | None]:
        if self._plan.key is None:
            return {CTID: key[0]}
        return {column.name: text for column, text in zip(self._plan.key.columns, key, strict=True)}

    def _values(
        self,
        side: Texts,
        row: ConfirmedRow,
        columns: dict[Key, tuple[str, ...]],
    ) -> dict[str, str | None] | None:
        if row.key not in side:
            return None
        shown = columns.get(row.key) or self._names
        return {name: text for name, text in zip(self._names, side[row.key], strict=True) if name in shown}


async def _texts(reader: SideReader, statement: str, width: int) -> Texts:
    """The last columns by key. Nothing when the server does not answer in time: the rows are reported without."""
    try:
        return {tuple(row[:-width]): tuple(row[-width:]) for row in await reader.rows(statement)}
    except (TooSlow, CannotCompare):
        return {}
