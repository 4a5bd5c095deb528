"""The explanation of a link at a time, for its page: its samples are read from Kafka and judged once more.

That costs more than a page, so it is bounded: one at a time in the console, one for each person, a few that wait, so
many records, and so many seconds. The judgement runs in a thread, in portions, and requests are answered meanwhile.
"""

import asyncio
from collections.abc import Callable, Sequence
from contextlib import aclosing
from datetime import datetime, timedelta
from pathlib import Path
from typing import Final

import msgspec

from leadline.clock import Clock
from leadline.errors import LeadlineError, UsageError
from leadline.recording import Recorded
from leadline.settings.common import KafkaSettings
from leadline.settings.stream import StreamSettings
from leadline.settings.stream_limits import read_limits
from leadline.settings.web_console import WebConsoleSettings
from leadline.signature import SignatureCheck
from leadline.topic_span import NoRight, records_between
from leadline_console.concerned import as_read
from leadline_console.newest import Newest
from leadline_console.read_model import ReadModel
from leadline_streams.explain.explanation import Explanation

MOST_S: Final = 15.0
"""Reading and judging end after so long."""
MOST_RECORDS: Final = 200_000
"""So many records of the partition are read, those of other clusters among them."""
PORTION: Final = 100
"""Records that are judged before another thread has a turn."""
MOST_WAITING: Final = 5
KEPT: Final = 20
KEPT_S: Final = 60.0
"""An explanation is shown again for so long: what was sent since is not in it."""
AFTER: Final = timedelta(seconds=10)
"""A look may be written so long after it was made."""


class LinkExplained(msgspec.Struct, frozen=True, kw_only=True):
    """An explanation, or the reason for which there is none."""

    explanation: Explanation | None = None
    problem: str = ""
    limits: str = ""
    """The file of the limits; that they are the defaults, where none is given."""
    signatures_checked: bool = False


class Explainer:
    """Makes explanations, one after the other, and keeps the newest for a short time."""

    def __init__(self, settings: WebConsoleSettings, clock: Clock) -> None:
        self._settings, self._clock = settings, clock
        self._turn = asyncio.Lock()
        self._asking: set[str] = set()
        self._kept: Newest[tuple[str, datetime, timedelta], tuple[float, LinkExplained]] = Newest(KEPT)

    async def link(self, model: ReadModel, ident: str, at: datetime, back: timedelta, who: str) -> LinkExplained:
        """The explanation of a link at a time, judged from ``back`` before it on, for a person. Nothing is raised."""
        kept = self._kept.get((ident, at, back))
        if kept is not None and self._clock.monotonic() - kept[0] < KEPT_S:
            return kept[1]
        if who in self._asking:
            return LinkExplained(problem="an explanation that you asked for is being made; try again when it is there")
        if len(self._asking) >= MOST_WAITING:
            return LinkExplained(problem="too many people wait for an explanation now; try again in a minute")
        self._asking.add(who)
        try:
            async with self._turn, asyncio.timeout(2 * MOST_S):
                made = await self._made(model, ident, at, back)
        except TimeoutError:
            return LinkExplained(problem=f"Kafka at {self._settings.kafka.bootstrap} does not answer in time")
        finally:
            self._asking.discard(who)
        if made.explanation is not None:
            self._kept.put((ident, at, back), (self._clock.monotonic(), made))
        return made

    async def _made(self, model: ReadModel, ident: str, at: datetime, back: timedelta) -> LinkExplained:
        link = model.links.get(ident)
        if link is None:
            return LinkExplained(problem="the link is not known")
        if at > self._clock.now() + AFTER:
            return LinkExplained(problem="this time is in the future; give an earlier one, in UTC")
        try:
            given, limits = self._limits()
            found = await self._explained(model, given, ident, link.cluster, at, back)
        except NoRight as error:
            return LinkExplained(problem=f"{error}, for the console with CONSOLE_EXPLAINS=yes")
        except LeadlineError as error:
            return LinkExplained(problem=str(error))
        checked = self._settings.kafka.signing_secret is not None
        return LinkExplained(explanation=found, limits=limits, signatures_checked=checked)

    def _limits(self) -> tuple[StreamSettings, str]:
        """The settings of the judgement, and where they were read. Raises UsageError."""
        path = self._settings.web.stream_settings
        if path is None:
            why = "limits are the defaults; with web.stream_settings, the console reads those in force"
            return StreamSettings(), why
        return read_limits(Path(path)), f"limits are those of {path}; what the worker's environment changes is not seen"

    async def _explained(
        self, model: ReadModel, given: StreamSettings, ident: str, cluster: str, at: datetime, back: timedelta
    ) -> Explanation:
        from leadline_streams.assembly import auditor_of, policy_of
        from leadline_streams.explain.traced import TracedReplay

        check = SignatureCheck.of(self._settings.kafka.signing_secret)
        traced = TracedReplay(policy_of(given), check, auditor_of(given), cluster, at)
        if not await judged(self._settings.kafka, self._clock, traced.take, cluster, at, back):
            raise UsageError(
                f"Kafka has no sample of {cluster} between {at - back:%Y-%m-%d %H:%M:%S} and {at:%H:%M:%S} UTC: no "
                "agent reported then, or samples of that time are no longer kept (see topic samples in the reference)"
            )
        try:
            chosen, memory = traced.choose(ident)
        except UsageError:
            raise UsageError(f"no sample of that time shows the link {ident}; choose a longer time before") from None
        about = {chosen.ident, *chosen.links}
        named = [each.id for each in (*memory.incidents, *memory.ended)]
        return traced.explain(chosen, memory, as_read(model, cluster, about, named, at))


async def judged(
    kafka: KafkaSettings,
    clock: Clock,
    take: Callable[[Recorded], bool],
    cluster: str,
    at: datetime,
    back: timedelta,
    most_records: int = MOST_RECORDS,
    most_s: float = MOST_S,
) -> int:
    """Give the samples of a cluster of a time to ``take`` until it returns False; the number of them, without ticks.

    Raises UsageError when there are too many, or when it takes too long, and UnreachableError.
    """
    ends_at, read, own, key = clock.monotonic() + most_s, 0, 0, cluster.encode()
    portion: list[Recorded] = []
    found = records_between(kafka, "samples", "leadline-console", cluster, at - back, at + AFTER)
    async with aclosing(found) as records:
        async for record in records:
            read += 1
            if read > most_records or clock.monotonic() > ends_at:
                raise UsageError(
                    f"judging the samples from {at - back:%H:%M:%S} on takes too long for a page: {read} records were "
                    f"read; choose a shorter time before, or run: leadline explain --cluster {cluster}"
                )
            if record.key not in (None, key):
                continue
            own += record.key is not None
            portion.append(record)
            if len(portion) >= PORTION:
                if not await asyncio.to_thread(_take_all, take, portion):
                    return own
                portion = []
        await asyncio.to_thread(_take_all, take, portion)
    return own


def _take_all(take: Callable[[Recorded], bool], portion: Sequence[Recorded]) -> bool:
    return all(take(record) for record in portion)
