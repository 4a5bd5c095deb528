"""`leadline sink` as a process: targets, each with its own share of Kafka, and the incident log."""

import asyncio
import logging
from collections.abc import Coroutine, Sequence
from typing import Any

from leadline.clock import Clock
from leadline.settings.sink import SinkSettings
from leadline.stopping import end, told_to_stop
from leadline_sinks.incident_log.log_consumer import TARGET as INCIDENT_LOG
from leadline_sinks.incident_log.log_consumer import Recording
from leadline_sinks.notify.context import Known
from leadline_sinks.notify.context_consumer import Follower
from leadline_sinks.notify.incident_consumer import Feed
from leadline_sinks.notify.kafka_writer import Journal
from leadline_sinks.notify.notifier import Courier
from leadline_sinks.notify.sink import Recorder, Sink
from leadline_sinks.targets import recorder, sink

log = logging.getLogger(__name__)


async def run(settings: SinkSettings, names: Sequence[str], clock: Clock) -> None:
    """Tell people through the targets named, until SIGTERM or until cancelled; then end what is in flight and leave.

    Kafka has to be there at the start only. Raises UsageError when a file of certificates cannot be used.
    """
    journal = Journal(settings.kafka, clock)
    sinks: dict[str, Sink] = {name: sink(settings, name, clock) for name in names if name != INCIDENT_LOG}
    logs: list[Recorder] = [recorder(settings, clock)] if INCIDENT_LOG in names else []
    feeds: list[Feed] = []
    known = Known(sinks)
    follower = Follower(settings.kafka, known, lambda: _wake(feeds), clock)
    for name, each in sinks.items():
        courier = Courier(name, each, settings, known, journal.write, clock)
        feeds.append(Feed(name, settings, courier, follower, clock))
    work: list[Coroutine[Any, Any, None]] = [feed.run() for feed in feeds]
    work += [Recording(settings, each, journal, clock).run() for each in logs]
    log.info("telling %s", ", ".join(names))
    try:
        await _until_told_to_stop(follower.run(), work)
    finally:
        await journal.close()
        closing = [*(each.close() for each in sinks.values()), *(each.close() for each in logs)]
        await asyncio.gather(*closing)


def _wake(feeds: Sequence[Feed]) -> None:
    for feed in feeds:
        feed.wake()


async def _until_told_to_stop(following: Coroutine[Any, Any, None], work: list[Coroutine[Any, Any, None]]) -> None:
    """Run everything until SIGTERM; what follows the topics ends last. Raises what one of them died of."""
    follower = asyncio.create_task(following)
    workers = [asyncio.create_task(each) for each in work]
    stopping = asyncio.create_task(told_to_stop())
    try:
        ended, _ = await asyncio.wait({stopping, follower, *workers}, return_when=asyncio.FIRST_COMPLETED)
    finally:
        await end(stopping, *workers)
        await end(follower)
    for task in ended:
        task.result()
