"""Walks over one table in chunks, from its first row to its last, both ends open.

The bounds are keys of the upstream. Rows of the downstream before the first key or after the last one are in the first
and the last chunk. A chunk for which the downstream is too late is put off to the end of the table.
"""

from collections.abc import Callable
from typing import Any, Final

import msgspec

from leadline.clock import Clock
from leadline_verify.canary import PlantedRow
from leadline_verify.checkpoint import Range, TableProgress
from leadline_verify.comparing import RangeOutcome, compare_range
from leadline_verify.confirming import TwoSides
from leadline_verify.limits import Pace
from leadline_verify.outcome import RowFinding, UndecidedPart
from leadline_verify.plan import TablePlan
from leadline_verify.reading import CannotCompare, TooSlow
from leadline_verify.row_report import RowReport
from leadline_verify.statements import Bound

FEWEST_ROWS: Final = 100
"""A chunk of so few rows that still takes longer than the statement timeout is undecided."""
LARGEST_SHARE: Final = 16
"""Without an index each chunk reads the whole table, so there are no more chunks than this."""
ROWS_A_BLOCK: Final = 50
"""For a table that the server has no estimate of."""
SHORT_WAIT_S: Final = 0.5
"""After a wait in vain, until one succeeds."""


class TableWalk:
    """The comparison of one table. ``progress`` is complete after every chunk."""

    def __init__(
        self,
        plan: TablePlan,
        sides: TwoSides,
        pace: Pace,
        canary: PlantedRow,
        report: RowReport,
        clock: Clock,
        progress: TableProgress,
        on_chunk: Callable[[TableProgress], None],
    ) -> None:
        self.progress = progress
        self._plan, self._sides, self._pace, self._canary = plan, sides, pace, canary
        self._report, self._clock, self._on_chunk = report, clock, on_chunk
        self._rows = self._wanted = self._chunk_rows()
        self._late = False

    async def run(self) -> str:
        """Compare the table. Returns the reason for which the run ended before it was complete, or nothing.

        Raises CannotCompare when a server refuses to read the table.
        """
        while not self.progress.all_read:
            if reason := await self._pace.before_chunk():
                return reason
            if self._has_enough():
                return ""
            after = self.progress.after
            up_to = await self._next_bound(after)
            outcome = await self._compare(after, up_to)
            if outcome is None:
                continue
            await self._take(outcome, after, up_to, put_off=outcome.waited_in_vain)
            self._change(after=up_to, all_read=up_to is None)
            if self._canary.is_due and not outcome.undecided:
                differing = {row.key for row in outcome.confirmed}
                await self._canary.run(self._sides, after, up_to, self._pace.limits.max_lag_s, differing)
            self._on_chunk(self.progress)
            await self._pace.after_chunk(outcome.rows_upstream)
        return await self._put_off()

    async def _put_off(self) -> str:
        """Try the chunks again for which the downstream was late. Those for which it still is are undecided."""
        self._late = False
        while self.progress.put_off:
            if reason := await self._pace.before_chunk():
                return reason
            (after, up_to), *rest = self.progress.put_off
            outcome = await self._compare(after, up_to)
            self._change(put_off=tuple(rest))
            if outcome is not None:
                await self._take(outcome, after, up_to, put_off=False, again=True)
            self._on_chunk(self.progress)
        return ""

    async def _compare(self, after: Bound, up_to: Bound) -> RangeOutcome | None:
        """Compare a chunk; None when it is to be tried with fewer rows."""
        limit_s = min(SHORT_WAIT_S, self._pace.limits.max_lag_s) if self._late else self._pace.limits.max_lag_s
        try:
            outcome = await compare_range(self._sides, after, up_to, limit_s)
        except TooSlow:
            if self._rows > FEWEST_ROWS and not self.progress.all_read:
                self._rows = max(FEWEST_ROWS, self._rows // 4)
                return None
            timeout_s = self._pace.limits.statement_timeout_s
            reason = f"its digest takes longer than the statement timeout of {timeout_s:g} s"
            return RangeOutcome(equal_at_first=False, undecided=reason)
        self._late = outcome.waited_in_vain
        self._rows = min(self._wanted, self._rows * 2)
        return outcome

    async def _take(
        self, outcome: RangeOutcome, after: Bound, up_to: Bound, *, put_off: bool, again: bool = False
    ) -> None:
        """Add the outcome of a chunk to the progress."""
        now = self.progress
        room = self._pace.limits.max_differences - len(now.differences)
        found: tuple[RowFinding, ...] = ()
        if outcome.confirmed:
            found = await self._report.rows(self._sides, outcome.confirmed[: max(0, room)])
        undecided: tuple[UndecidedPart, ...] = ()
        if outcome.undecided and not put_off:
            undecided = (
                UndecidedPart(
                    after=_shown(after), up_to=_shown(up_to), reason=outcome.undecided, rows=outcome.open_rows
                ),
            )
        late: tuple[Range, ...] = ((after, up_to),) if put_off else ()
        counted = not put_off
        self._change(
            chunks=now.chunks + (not again),
            chunks_differed_at_first=now.chunks_differed_at_first + (not outcome.equal_at_first and not again),
            chunks_different=now.chunks_different + (bool(outcome.confirmed) and counted),
            chunks_undecided=now.chunks_undecided + (bool(undecided) and not outcome.confirmed),
            rows_upstream=now.rows_upstream + outcome.rows_upstream * counted,
            rows_downstream=now.rows_downstream + outcome.rows_downstream * counted,
            differing_rows=now.differing_rows + len(outcome.confirmed) * counted,
            differences=now.differences + (found if counted else ()),
            undecided=now.undecided + undecided,
            put_off=now.put_off + late,
        )
        if counted and found:
            self._report.publish(found)

    def _has_enough(self) -> bool:
        """End the table when it has more differences than are wanted; the rest of it is undecided."""
        limit = self._pace.limits.max_differences
        if self.progress.differing_rows < limit:
            return False
        reason = f"not compared: {limit:,} differing rows were found before it (--max-differences)"
        part = UndecidedPart(after=_shown(self.progress.after), up_to="", reason=reason)
        self._change(undecided=(*self.progress.undecided, part), all_read=True, put_off=())
        return True

    async def _next_bound(self, after: Bound) -> Bound:
        if self._plan.way == "place":
            return await self._next_block(after)
        try:
            found = await self._sides.upstream.rows(self._sides.up.bound(after, self._rows))
        except TooSlow:
            raise CannotCompare("finding the end of a chunk takes longer than the statement timeout") from None
        return tuple(found[0]) if found else None

    async def _next_block(self, after: Bound) -> Bound:
        table = self._plan.upstream
        a_block = table.estimate / table.pages if table.estimate and table.pages else ROWS_A_BLOCK
        (blocks,) = await self._sides.upstream.row(self._sides.up.blocks())
        end = (int(after[0]) if after else 0) + max(1, int(self._rows / max(1.0, a_block)))
        return (str(end),) if end < blocks else None

    def _chunk_rows(self) -> int:
        wanted = self._pace.limits.chunk_rows
        if self._plan.key is not None and not self._plan.key.is_indexed:
            return max(wanted, (self._plan.upstream.estimate or 0) // LARGEST_SHARE)
        return wanted

    def _change(self, **fields: Any) -> None:
        self.progress = msgspec.structs.replace(self.progress, **fields)


def _shown(bound: Bound) -> str:
    return "" if bound is None else ", ".join(bound)
