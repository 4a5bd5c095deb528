"""The verifier as a process: compares one table at a time, and reports what is known of each link.

What was proven is in Kafka: a process that is started again goes on with the table whose proof is oldest, and repeats
the findings of the last records until there is something newer. A comparison that is interrupted goes on from its file.
"""

import asyncio
import logging
from collections.abc import Sequence
from datetime import datetime
from typing import Final, Protocol
from uuid import uuid4

from leadline import metrics
from leadline.clock import Clock
from leadline.errors import LeadlineError
from leadline.model.finding import FindingReport
from leadline.model.ids import LinkId
from leadline.model.verification import SchemaDifference, SequenceDifference, Verification
from leadline.settings.verify import VerifiedLinkSettings, VerifySettings
from leadline.shutdown import end, shutdown_requested
from leadline.signature import Signer
from leadline.topic_table import latest
from leadline.wire import VERIFICATIONS
from leadline_verify.findings import findings_of
from leadline_verify.outcome import VerifyReport
from leadline_verify.scheduled import gauges, record
from leadline_verify.scheduled.publishing import CLIENT, send
from leadline_verify.scheduled.schedule import KnownLink, TableState, next_turn

VALID: Final = 5
"""Findings hold for so many intervals between two reports."""

log = logging.getLogger(__name__)


class DataComparison(Protocol):
    """Compares two servers. Each function connects for itself, and raises LeadlineError when it cannot."""

    async def tables(self, link: VerifiedLinkSettings) -> Sequence[str]:
        """The names of the tables that the link carries, as far as the settings choose them."""
        ...

    async def definitions(
        self, link: VerifiedLinkSettings
    ) -> tuple[Sequence[SchemaDifference], Sequence[SequenceDifference]]:
        """The differences beyond rows."""
        ...

    async def compare(self, link: VerifiedLinkSettings, table: str) -> VerifyReport:
        """Compare one table within the budget."""
        ...


class Verifier:
    """All links of one process."""

    def __init__(self, settings: VerifySettings, comparison: DataComparison, clock: Clock) -> None:
        self._settings, self._comparison, self._clock = settings, comparison, clock
        self._signer = Signer(settings.kafka.signing_secret, settings.signing_keys())
        self._boot = uuid4().hex
        self._seq = 0
        self._records: dict[LinkId, Verification] = {}
        self._states: dict[LinkId, KnownLink] = {}
        self._changed: set[LinkId] = set()
        """Links whose record Kafka does not have yet."""
        self._news = asyncio.Event()

    async def begin(self) -> None:
        """Read what was proven before. Raises UnreachableError."""
        known = await latest(self._settings.kafka, VERIFICATIONS, CLIENT)
        now = self._clock.now()
        for link in self._settings.links:
            before = known.get(link.link)
            kept = record.begun(link, now) if before is None else record.of_settings(before, link)
            self._records[link.link] = kept
            if kept != before:
                self._changed.add(link.link)
        gauges.show(self._records.values())

    async def report(self) -> None:
        """Publish what is known of each link, each interval and whenever it changes. Kafka may be away."""
        while True:
            self._news.clear()
            try:
                await self._publish()
            except LeadlineError as error:
                metrics.VERIFY_FAILURES.inc()
                log.warning("%s", error)
            await self._wait(self._settings.report_every_s)

    async def work(self) -> None:
        """Compare the table that is due, for ever."""
        while True:
            turn = next_turn(self._settings.links, self._states, self._clock.now(), self._settings.report_every_s)
            if turn.link is None:
                await self._clock.sleep(turn.wait_s)
                continue
            link = turn.link
            try:
                if not turn.table:
                    await self._list(link)
                else:
                    await self._compare(link, turn.table)
            except LeadlineError as error:
                self._failed(link, turn.table, str(error))
            self._changed.add(link.link)
            self._news.set()
            gauges.show(self._records.values())

    async def _publish(self) -> None:
        changed, now = sorted(self._changed), self._clock.now()
        self._seq += 1
        reports = [
            FindingReport(
                cluster=each.cluster,
                source=f"verify {each.link}"[:255],
                boot=self._boot,
                seq=self._seq,
                sent_at=now,
                valid_s=VALID * self._settings.report_every_s,
                findings=findings_of(each, now),
            )
            for each in self._records.values()
        ]
        await send(
            self._settings.kafka,
            self._signer,
            [*(record.fitting(self._records[name]) for name in changed), *reports],
        )
        self._changed -= set(changed)

    async def _wait(self, longest_s: float) -> None:
        """Until there is something new, or an interval has passed."""
        waiting = {asyncio.ensure_future(self._news.wait()), asyncio.ensure_future(self._clock.sleep(longest_s))}
        try:
            await asyncio.wait(waiting, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for task in waiting:
                task.cancel()

    async def _list(self, link: VerifiedLinkSettings) -> None:
        names = await self._comparison.tables(link)
        schema, sequences = await self._comparison.definitions(link)
        kept = record.with_tables(self._records[link.link], names)
        self._keep(link, record.with_definitions(kept, schema, sequences), self._clock.now())
        log.info("%s has %d tables to compare", link.link, len(names))

    async def _compare(self, link: VerifiedLinkSettings, table: str) -> None:
        report = await self._comparison.compare(link, table)
        gauges.count(report)
        kept = record.with_report(self._records[link.link], report, uuid4().hex, self._settings.keys)
        self._keep(link, kept, self._states[link.link].listed_at)
        for each in report.tables:
            log.info("%s %s is %s, %d rows", link.link, record.plain_name(each.table), each.state, each.rows_upstream)

    def _keep(self, link: VerifiedLinkSettings, kept: Verification, listed_at: datetime) -> None:
        self._records[link.link] = kept
        self._states[link.link] = KnownLink(
            {
                each.table: TableState(
                    each.compared_at,
                    each.equal_at,
                    each.refused is not None or each.coverage >= 1 or each.difference is not None,
                )
                for each in kept.tables
            },
            listed_at,
        )

    def _failed(self, link: VerifiedLinkSettings, table: str, why: str) -> None:
        now = self._clock.now()
        metrics.VERIFY_FAILURES.inc()
        log.warning("%s: %s", f"{link.link} {table}".strip(), why)
        self._records[link.link] = record.failed(self._records[link.link], why, now)
        self._states[link.link] = KnownLink({}, now, failed=True)


async def run(settings: VerifySettings, comparison: DataComparison, clock: Clock) -> None:
    """Compare and report until SIGTERM or until cancelled. Raises UnreachableError when Kafka is away at the start."""
    verifier = Verifier(settings, comparison, clock)
    await verifier.begin()
    log.info("comparing %s", ", ".join(each.link for each in settings.links))
    tasks = [asyncio.create_task(verifier.report()), asyncio.create_task(verifier.work())]
    stopping = asyncio.create_task(shutdown_requested())
    try:
        ended, _ = await asyncio.wait({stopping, *tasks}, return_when=asyncio.FIRST_COMPLETED)
    finally:
        await end(stopping, *tasks)
    for task in ended:
        task.result()
