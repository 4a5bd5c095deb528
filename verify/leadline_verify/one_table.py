"""Compares one table by its plan, and says what is known of it in the end."""

import hashlib
from collections.abc import Callable, Sequence
from typing import Final

import msgspec

from leadline.clock import Clock
from leadline_verify import repair
from leadline_verify.barrier import Barrier
from leadline_verify.canary import PlantedRow
from leadline_verify.checkpoint import TableProgress
from leadline_verify.confirming import TwoSides
from leadline_verify.limits import Pace
from leadline_verify.outcome import RowFinding, TableResult, TableState, UndecidedPart
from leadline_verify.plan import TablePlan
from leadline_verify.reading import CannotCompare, SideReader, TooSlow
from leadline_verify.row_report import RowReport
from leadline_verify.statements import Statements
from leadline_verify.table_walk import TableWalk
from leadline_verify.whole_table import compare_whole

SHARE: Final = 0.5
"""A table of which fewer rows were seen than this share of the server's estimate is counted."""


class OneTable:
    """The comparison of tables of one link, one after the other."""

    def __init__(
        self,
        upstream: SideReader,
        downstream: SideReader,
        barrier: Barrier,
        pace: Pace,
        canary: PlantedRow,
        clock: Clock,
        on_row: Callable[[RowFinding], None],
        *,
        seeds: Sequence[int],
        show_values: bool,
        marks_suffice: bool,
    ) -> None:
        self._upstream, self._downstream, self._barrier = upstream, downstream, barrier
        self._pace, self._canary, self._clock, self._on_row = pace, canary, clock, on_row
        self._seeds, self._show_values, self._marks_suffice = seeds, show_values, marks_suffice

    async def compare(
        self, plan: TablePlan, before: TableProgress | None, on_chunk: Callable[[TableProgress], None]
    ) -> tuple[TableResult, str]:
        """The result, and the reason for which the run ends before the table is complete, if it does.

        ``before``: the progress of an earlier process, which counts when the table's plan is the same.
        """
        progress = TableProgress(fingerprint=fingerprint(plan))
        if before is not None and before.fingerprint == progress.fingerprint:
            if before.result is not None:
                return before.result, ""
            progress = before
        sides = self._sides(plan)
        if plan.way == "whole":
            return await self._whole(plan, sides, progress, on_chunk)
        report = RowReport(plan, self._clock, self._on_row, show_values=self._show_values)
        walk = TableWalk(plan, sides, self._pace, self._canary, report, self._clock, progress, on_chunk)
        try:
            ended_early = await walk.run()
            missed = "" if ended_early else await self._missed(plan, sides, walk.progress)
        except CannotCompare as error:
            return self._finish(plan, walk.progress, on_chunk, refused=str(error)), ""
        if ended_early:
            return self._result(plan, walk.progress, reason=f"the run ended within it: {ended_early}"), ended_early
        return self._finish(plan, walk.progress, on_chunk, missed=missed), ""

    async def repair(self, plan: TablePlan, rows: Sequence[RowFinding]) -> list[str]:
        """The statements that would repair these rows; none is run."""
        if not rows:
            return []
        above, below = await RowReport(plan, self._clock, self._on_row).values(self._sides(plan), rows)
        return list(repair.statements(plan, rows, above, below))

    def _sides(self, plan: TablePlan) -> TwoSides:
        return TwoSides(
            self._upstream,
            self._downstream,
            Statements(plan, "upstream", self._seeds),
            Statements(plan, "downstream", self._seeds),
            self._barrier,
            self._clock,
            self._marks_suffice,
        )

    async def _whole(
        self, plan: TablePlan, sides: TwoSides, progress: TableProgress, on_chunk: Callable[[TableProgress], None]
    ) -> tuple[TableResult, str]:
        if reason := await self._pace.before_chunk():
            return self._result(plan, progress, reason=f"the run ended before it: {reason}"), reason
        try:
            outcome = await compare_whole(sides, self._pace.limits.max_lag_s)
            if self._canary.is_due and not outcome.undecided:
                await self._canary.run_whole(sides)
        except TooSlow:
            refused = (
                f"its digest takes longer than the statement timeout of {self._pace.limits.statement_timeout_s:g} s"
            )
            return self._finish(plan, progress, on_chunk, refused=refused), ""
        except CannotCompare as error:
            return self._finish(plan, progress, on_chunk, refused=str(error)), ""
        undecided = (UndecidedPart(after="", up_to="", reason=outcome.undecided),) if outcome.undecided else ()
        progress = msgspec.structs.replace(
            progress,
            all_read=True,
            chunks=1,
            chunks_differed_at_first=int(not outcome.equal_at_first),
            chunks_different=int(outcome.differs),
            chunks_undecided=int(bool(outcome.undecided)),
            rows_upstream=outcome.rows_upstream,
            rows_downstream=outcome.rows_downstream,
            differing_rows=max(1, abs(outcome.rows_upstream - outcome.rows_downstream)) if outcome.differs else 0,
            undecided=undecided,
        )
        await self._pace.after_chunk(outcome.rows_upstream)
        return self._finish(plan, progress, on_chunk), ""

    async def _missed(self, plan: TablePlan, sides: TwoSides, progress: TableProgress) -> str:
        """The reason for which rows may have been left out, when far fewer were seen than the server estimates."""
        estimate = plan.upstream.estimate
        if plan.row_filter or estimate is None or progress.rows_upstream >= estimate * SHARE or progress.undecided:
            return ""
        try:
            (count,) = await self._upstream.row(sides.up.count())
        except TooSlow:
            return f"{progress.rows_upstream:,} rows were seen of about {estimate:,}, and counting them takes too long"
        if progress.rows_upstream >= count * SHARE:
            return ""
        return f"only {progress.rows_upstream:,} rows of {count:,} were seen"

    def _finish(
        self,
        plan: TablePlan,
        progress: TableProgress,
        on_chunk: Callable[[TableProgress], None],
        *,
        missed: str = "",
        refused: str = "",
    ) -> TableResult:
        result = self._result(plan, progress, reason=refused or missed, refused=bool(refused))
        on_chunk(msgspec.structs.replace(progress, result=result))
        return result

    def _result(
        self, plan: TablePlan, progress: TableProgress, *, reason: str = "", refused: bool = False
    ) -> TableResult:
        return TableResult(
            table=plan.upstream.shown,
            downstream_table=plan.downstream.shown,
            state=_state(progress, reason, refused),
            reason=reason or next((part.reason for part in progress.undecided), ""),
            rows_upstream=progress.rows_upstream,
            rows_downstream=progress.rows_downstream,
            estimate_upstream=plan.upstream.estimate,
            estimate_downstream=plan.downstream.estimate,
            chunks=progress.chunks,
            chunks_differed_at_first=progress.chunks_differed_at_first,
            chunks_different=progress.chunks_different,
            chunks_undecided=progress.chunks_undecided + len(progress.put_off),
            differing_rows=progress.differing_rows,
            undecided=progress.undecided,
            notes=plan.notes if plan.way != "whole" else (*plan.notes, "it has no key: rows that differ are not named"),
            compared_at=self._clock.now(),
        )


def _state(progress: TableProgress, reason: str, refused: bool) -> TableState:
    """A difference counts whatever else is not known; equal is only what was read from end to end."""
    if progress.differing_rows:
        return "different"
    if refused and not progress.chunks:
        return "not_compared"
    if reason or progress.undecided or progress.put_off or not progress.all_read:
        return "undecided"
    return "equal"


def fingerprint(plan: TablePlan) -> str:
    """Changes with the columns, the key and the filters of a table, not with its size."""
    parts = (plan.columns, plan.way, plan.key, plan.row_filter, plan.downstream_filter, plan.major)
    return hashlib.sha256(msgspec.json.encode(parts)).hexdigest()
