"""A run: opens one session on each side, plans, compares table after table, keeps the checkpoint."""

import asyncio
import contextlib
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import psycopg

from leadline.clock import Clock
from leadline.errors import UnreachableError, UsageError
from leadline_agents.engines.postgresql.connection import Connection
from leadline_verify import catalog, repair
from leadline_verify.barrier import Barrier
from leadline_verify.canary import PlantedRow
from leadline_verify.checkpoint import KeptRun, TableProgress
from leadline_verify.limits import Pace
from leadline_verify.linking import FollowedBy, find_link
from leadline_verify.load import ServerLoad
from leadline_verify.one_table import OneTable
from leadline_verify.outcome import RowFinding, TableResult, VerifyReport
from leadline_verify.pages.checking import PageCheck
from leadline_verify.plan import NotComparable, Planned, TablePlan, plan_logical, plan_physical
from leadline_verify.private_file import open_private
from leadline_verify.reading import SideReader
from leadline_verify.replica_lag import ReplicaLag
from leadline_verify.request import RunProgress, VerifyRequest
from leadline_verify.schema_diff import reading
from leadline_verify.schema_diff.sequences import sequences_behind
from leadline_verify.schema_diff.tables import schema_differences
from leadline_verify.selection import select
from leadline_verify.session import open_session
from leadline_verify.statements import PLAIN_SEED, strong_seed
from leadline_verify.table_facts import ServerFacts


class Run:
    """One run."""

    def __init__(
        self,
        request: VerifyRequest,
        clock: Clock,
        on_row: Callable[[RowFinding], None],
        on_progress: Callable[[RunProgress], None],
        on_wait: Callable[[str], None] = lambda _: None,
    ) -> None:
        """``on_row``: called for each confirmed row as it is found, first for those of the checkpoint.

        ``on_wait``: called with the reason while the run waits for its window, a busy server, or the downstream.
        """
        self._request, self._clock = request, clock
        self._on_row, self._on_progress, self._on_wait = on_row, on_progress, on_wait
        self._began = clock.monotonic()
        self._rows = 0
        self._kept = KeptRun(request.resume, clock, must_fit=request.resume_must_fit)

    async def verify(self) -> VerifyReport:
        """Compare. Raises UsageError and UnreachableError; the checkpoint is written in any case."""
        try:
            return await self._verify()
        except psycopg.Error as error:  # in a look at the catalogs, or in a wait
            text = error.diag.message_primary or str(error).partition("\n")[0]
            raise UnreachableError(f"{self._request.upstream} or {self._request.downstream}: {text}") from None

    async def _verify(self) -> VerifyReport:
        request = self._request
        async with contextlib.AsyncExitStack() as stack:
            up, down = await self._open(stack)
            facts, link, planned = await plan_run(up, down, request)
            if request.amcheck and link.kind != "physical":
                raise UsageError(f"--amcheck: it is for physical standbys, and {request.downstream} is a subscriber")
            self._kept.load(self._identity(facts, link))
            for row in self._found(planned):
                self._on_row(row)
            both = await reading.read(up, down, link) if request.definitions else None
            canary = PlantedRow(self._kept.run.canary)
            load = ServerLoad({request.upstream: up, request.downstream: down}, request.limits.max_active)
            barrier = Barrier(up, down, link, self._clock)
            lag = ReplicaLag(barrier, request.downstream, request.limits.pause_lag_s, self._clock)
            above = SideReader(request.upstream, up, self._clock)
            below = SideReader(request.downstream, down, self._clock)
            pace = Pace(request.limits, self._clock, (load.reason, lag.reason), self._on_wait)
            tables = OneTable(
                above,
                below,
                barrier,
                pace,
                canary,
                self._clock,
                self._on_row,
                seeds=(PLAIN_SEED, strong_seed()) if request.strong else (PLAIN_SEED,),
                show_values=request.show_values,
                marks_suffice=link.back is None and not (link.of_standbys and link.kind == "physical"),
            )
            try:
                results, ended_early = await self._tables(tables, canary, planned)
            finally:
                self._kept.save(canary.state, always=True)
            pages = None
            if request.amcheck:
                names = {each.upstream.shown if isinstance(each, TablePlan) else each.table for each in planned}
                everything = not request.tables and request.schema is None
                pages = await PageCheck(above, below, barrier, pace).run(down, facts[1], names, system=everything)
            if request.repair_sql is not None:
                await self._write_repair(request.repair_sql, tables, planned, link, facts[1].database)
        report = VerifyReport(
            upstream=request.upstream,
            downstream=request.downstream,
            link_kind=link.kind,
            database=facts[1].database,
            started_at=self._kept.run.started_at,
            ended_at=self._clock.now(),
            tables=tuple(results),
            differences=tuple(self._found(planned)),
            rows_read=self._rows,
            canary=canary.state,
            ended_early=ended_early,
            schema_differences=tuple(schema_differences(both)) if both is not None else (),
            sequences_behind=tuple(sequences_behind(both)) if both is not None else (),
            pages=pages,
            not_covered=_not_covered(facts[0], link),
        )
        if not ended_early:
            self._kept.end()
        return report

    async def _open(self, stack: contextlib.AsyncExitStack) -> tuple[Connection, Connection]:
        request, timeout_s = self._request, self._request.limits.statement_timeout_s
        up = await stack.enter_async_context(await open_session(request.upstream, request.upstream_dsn, timeout_s))
        down = await stack.enter_async_context(
            await open_session(request.downstream, request.downstream_dsn, timeout_s)
        )
        return up, down

    async def _tables(
        self, tables: OneTable, canary: PlantedRow, planned: Sequence[Planned]
    ) -> tuple[list[TableResult], str]:
        results: list[TableResult] = []
        ended_early = ""
        for at, plan in enumerate(planned):
            if isinstance(plan, NotComparable):
                results.append(_not_compared(plan.table, plan.downstream_table, plan.reason))
                continue
            if ended_early:
                names = plan.upstream.shown, plan.downstream.shown
                results.append(_not_compared(*names, f"the run ended before it: {ended_early}"))
                continue

            def on_chunk(progress: TableProgress, at: int = at, plan: TablePlan = plan) -> None:
                self._note(canary, planned, at, plan, progress)

            name = plan.upstream.shown
            result, ended_early = await tables.compare(plan, self._kept.run.tables.get(name), on_chunk)
            results.append(result)
            self._kept.save(canary.state, always=True)
        return results, ended_early

    async def _write_repair(
        self, file: Path, tables: OneTable, planned: Sequence[Planned], link: FollowedBy, database: str
    ) -> None:
        request = self._request
        text = [repair.head(request.upstream, request.downstream, database, link, self._clock.now())]
        if repair.writes(link):
            for plan in planned:
                if isinstance(plan, TablePlan) and (found := self._kept.run.tables.get(plan.upstream.shown)):
                    text += [f"{line}\n" for line in await tables.repair(plan, found.differences)]
            text.append("COMMIT;\n")
        with open_private(file, "--repair-sql") as opened:
            opened.write("".join(text).encode())

    def _note(
        self, canary: PlantedRow, planned: Sequence[Planned], at: int, plan: TablePlan, progress: TableProgress
    ) -> None:
        """After a chunk: keep the progress of the table, and show it."""
        self._rows += self._kept.note(plan.upstream.shown, progress)
        self._kept.save(canary.state)
        rest = [each.upstream.estimate for each in planned[at:] if isinstance(each, TablePlan)]
        known = [each for each in rest if each is not None]
        self._on_progress(
            RunProgress(
                table=plan.upstream.shown,
                tables_done=at,
                tables=len(planned),
                rows=self._rows,
                rows_left=max(0, sum(known) - progress.rows_upstream) if len(known) == len(rest) else None,
                seconds=self._clock.monotonic() - self._began,
            )
        )

    def _found(self, planned: Sequence[Planned]) -> Iterator[RowFinding]:
        """The differing rows of the tables of this run, those of earlier processes first."""
        for plan in planned:
            if isinstance(plan, TablePlan) and (progress := self._kept.run.tables.get(plan.upstream.shown)):
                yield from progress.differences

    def _identity(self, facts: tuple[ServerFacts, ServerFacts], link: FollowedBy) -> str:
        """The two databases and how one follows the other."""
        upstream, downstream = facts
        name = link.subscription.name if link.subscription else ""
        return (
            f"{link.kind} {upstream.system_id}/{upstream.database} {downstream.system_id}/{downstream.database} {name} "
            f"{self._request.upstream}->{self._request.downstream}"
        )


async def plan_run(
    up: Connection, down: Connection, request: VerifyRequest
) -> tuple[tuple[ServerFacts, ServerFacts], FollowedBy, list[Planned]]:
    """The facts of both servers, how one follows the other, and the tables to compare. Raises UsageError."""
    upstream, downstream = await asyncio.gather(catalog.server_facts(up), catalog.server_facts(down))
    link = find_link(upstream, downstream, request.subscription)
    above, below = await asyncio.gather(catalog.tables(up), catalog.tables(down))
    facts = upstream, downstream
    if link.subscription is None:
        planned = plan_physical(facts, above, below)
    else:
        published = await catalog.published_tables(up, link.subscription.publications)
        subscribed = await catalog.subscribed_tables(down, link.subscription.name)
        planned = plan_logical(facts, above, below, published, subscribed, link)
    return facts, link, select(planned, request.tables, request.schema)


def _not_compared(table: str, downstream_table: str, reason: str) -> TableResult:
    return TableResult(table=table, downstream_table=downstream_table, state="not_compared", reason=reason)


def _not_covered(upstream: ServerFacts, link: FollowedBy) -> tuple[str, ...]:
    found = ["unlogged, temporary and foreign tables"]
    if link.kind == "physical":
        found.append(f"other databases than {upstream.database}, and the system's own tables")
    if upstream.large_objects:
        carried = "" if link.kind == "physical" else ", which logical replication does not carry"
        plural = "s" if upstream.large_objects > 1 else ""
        found.append(f"{upstream.large_objects:,} large object{plural}{carried}")
    return tuple(found)
