"""Comparisons of the servers of the settings, each with sessions of its own."""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from dataclasses import replace
from fnmatch import fnmatchcase
from typing import Final

import psycopg
from msgspec import structs

from leadline.clock import Clock
from leadline.errors import UnreachableError
from leadline.model.verification import SchemaDifference, SequenceDifference
from leadline.settings.verify import BudgetSettings, VerifiedLinkSettings
from leadline_agents.engines.postgresql.connection import Connection
from leadline_verify import catalog
from leadline_verify.limits import RunLimits, hours
from leadline_verify.linking import find_link
from leadline_verify.outcome import VerifyReport
from leadline_verify.plan import Planned, TablePlan
from leadline_verify.request import VerifyRequest
from leadline_verify.scheduled.positions import PositionFiles
from leadline_verify.scheduled.record import plain_name
from leadline_verify.schema_diff import reading
from leadline_verify.schema_diff.sequences import sequences_behind
from leadline_verify.schema_diff.tables import schema_differences
from leadline_verify.session import open_session
from leadline_verify.verifying import Run, plan_run

LONGEST_WAIT_S: Final = 60.0
"""A table whose servers are busy, or late, for so long is gone on with later, so that other links have their turn."""


class ServerComparison:
    """Compares on servers, within a budget."""

    def __init__(self, budget: BudgetSettings, clock: Clock, positions: PositionFiles | None = None) -> None:
        """``positions``: where the positions of interrupted comparisons are kept; None for nowhere."""
        self._clock, self._positions = clock, positions
        self._limits = RunLimits(
            max_rows_per_s=budget.rows_per_s,
            max_lag_s=budget.max_lag_s,
            pause_lag_s=budget.pause_lag_s,
            max_active=budget.max_active,
            max_duration_s=budget.max_duration_s,
            statement_timeout_s=budget.statement_timeout_s,
            ends_with_window=True,
            max_wait_s=LONGEST_WAIT_S,
        )

    async def tables(self, link: VerifiedLinkSettings) -> list[str]:
        """The names of the tables that the link carries, as far as the settings choose them."""
        async with self._sessions(link) as (up, down):
            _, _, planned = await plan_run(up, down, self._request(link))
        names = [plain_name(_quoted(each)) for each in planned]
        return [name for name in names if _chosen(link, name)]

    async def definitions(self, link: VerifiedLinkSettings) -> tuple[list[SchemaDifference], list[SequenceDifference]]:
        """The differences beyond rows, of a subscriber."""
        async with self._sessions(link) as (up, down):
            facts = await asyncio.gather(catalog.server_facts(up), catalog.server_facts(down))
            both = await reading.read(up, down, find_link(*facts, link.subscription or None))
        return ([], []) if both is None else (schema_differences(both), sequences_behind(both))

    async def compare(self, link: VerifiedLinkSettings, table: str) -> VerifyReport:
        """Compare one table, from where an interrupted comparison of it has ended."""
        return await Run(self.request(link, table), self._clock, lambda _: None, lambda _: None).verify()

    def request(self, link: VerifiedLinkSettings, table: str) -> VerifyRequest:
        """The comparison of one table as the settings limit it."""
        file = self._positions.file(link.link, table) if self._positions is not None else None
        return replace(self._request(link), tables=(table,), definitions=False, resume=file, resume_must_fit=False)

    def _request(self, link: VerifiedLinkSettings) -> VerifyRequest:
        return VerifyRequest(
            upstream=link.upstream,
            upstream_dsn=link.upstream_dsn.reveal(),
            downstream=link.downstream,
            downstream_dsn=link.downstream_dsn.reveal(),
            subscription=link.subscription or None,
            limits=structs.replace(self._limits, window=hours(link.from_hour, link.to_hour)),
        )

    @contextlib.asynccontextmanager
    async def _sessions(self, link: VerifiedLinkSettings) -> AsyncIterator[tuple[Connection, Connection]]:
        """A session on each side. Raises UnreachableError."""
        timeout_s = self._limits.statement_timeout_s
        try:
            async with contextlib.AsyncExitStack() as stack:
                up = await open_session(link.upstream, link.upstream_dsn.reveal(), timeout_s)
                await stack.enter_async_context(up)
                down = await open_session(link.downstream, link.downstream_dsn.reveal(), timeout_s)
                await stack.enter_async_context(down)
                yield up, down
        except psycopg.Error as error:
            text = error.diag.message_primary or str(error).partition("\n")[0]
            raise UnreachableError(f"{link.upstream} or {link.downstream}: {text}") from None


def _quoted(planned: Planned) -> str:
    return planned.upstream.full_name if isinstance(planned, TablePlan) else planned.table


def _chosen(link: VerifiedLinkSettings, name: str) -> bool:
    wanted = not link.tables or any(fnmatchcase(name, pattern) for pattern in link.tables)
    return wanted and not any(fnmatchcase(name, pattern) for pattern in link.exclude)
