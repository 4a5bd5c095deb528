"""Sends every change of a server to PagerDuty when it is seen, where the settings ask for it."""

import logging
from collections.abc import Iterator, Sequence
from itertools import groupby
from random import random
from typing import Any, Final

from leadline import metrics
from leadline.clock import Clock
from leadline.model.change_record import ChangeRecord
from leadline.settings.sink import SinkSettings
from leadline.wire import CHANGES
from leadline_sinks.notify.apart import DEFECTS
from leadline_sinks.notify.group_watch import GroupWatch, has_share
from leadline_sinks.notify.kafka_reader import (
    POLL_MS,
    commit,
    consume,
    consumer_group,
    decode,
    is_replayed,
    new_consumer,
    wait_in_group,
)
from leadline_sinks.notify.pacing import RandomNumber, delay_s
from leadline_sinks.notify.routing import may_receive
from leadline_sinks.notify.sink import GiveUp, Outcome, Reason, Retry
from leadline_sinks.pagerduty.sink import PagerDutySink

MAX_AGE_S: Final = 86400.0
"""Older changes are not sent: PagerDuty shows those of the last day with an alert."""
EVERY_S: Final = 1.0
"""Change events are this far apart, so that alerts have most of what PagerDuty takes in a minute."""
AT_ONCE: Final = 500

log = logging.getLogger(__name__)


class ChangeConsumer:
    """The consumer of one target. Its offsets are committed when PagerDuty has accepted or rejected the changes."""

    def __init__(
        self,
        target: str,
        settings: SinkSettings,
        sink: PagerDutySink,
        clock: Clock,
        random_number: RandomNumber = random,
    ) -> None:
        self._target = target
        self._settings = settings
        self._sink = sink
        self._clock = clock
        self._random_number = random_number

    async def run(self) -> None:
        """Send until cancelled. While Kafka or PagerDuty is away, wait."""
        await consume(f"{self._target} changes", self._new_consumer, self._follow, self._clock)

    async def close(self) -> None:
        """Release connections."""
        await self._sink.close()

    async def _follow(self, consumer: Any) -> None:
        watch = GroupWatch(self._target, self._clock)
        while not watch.is_stuck(moves=has_share(consumer)):
            fetched = await consumer.getmany(timeout_ms=POLL_MS, max_records=AT_ONCE)
            for at, records in fetched.items():
                for group in self.due(records):
                    await self._announce(consumer, group)
                if at in consumer.assignment():
                    await commit(consumer, {at: records[-1].offset + 1}, self._target)

    def due(self, records: Sequence[Any]) -> Iterator[list[ChangeRecord]]:
        """The changes to send, of one server and one time each, in their order."""
        found = [decode(CHANGES, record) for record in records if not is_replayed(record)]
        wanted = [each for each in found if each is not None and self._is_wanted(each)]
        for _, group in groupby(wanted, key=lambda each: (each.cluster, each.change.node, each.change.at)):
            yield list(group)

    def _is_wanted(self, record: ChangeRecord) -> bool:
        old = (self._clock.now() - record.change.at).total_seconds() > MAX_AGE_S
        return not old and may_receive(self._settings, self._target, record.cluster, record.datacenter)

    async def _announce(self, consumer: Any, changes: Sequence[ChangeRecord]) -> None:
        failures = 0
        while True:
            try:
                outcome: Outcome = await self._sink.announce(changes)
            except DEFECTS as error:  # it must not stop the notifications
                log.exception("a change cannot be sent to %s", self._target)
                outcome = GiveUp(Reason.REJECTED, f"defect in Leadline: {type(error).__name__}")
            match outcome:
                case Retry() if not self._is_wanted(changes[0]):  # it is too old by now
                    metrics.SINK_GIVEN_UP.labels(self._target, str(outcome.reason)).inc()
                case Retry(reason, detail, after_s):
                    failures += 1
                    metrics.SINK_FAILURES.labels(self._target, str(reason)).inc()
                    if failures == 1:
                        log.warning("cannot send changes to %s: %s; retrying", self._target, detail)
                    wait_s = max(after_s or 0.0, delay_s(failures, self._random_number))
                    await wait_in_group(consumer, wait_s, self._clock)
                    continue
                case GiveUp(reason, detail):
                    metrics.SINK_FAILURES.labels(self._target, str(reason)).inc()
                    log.warning("%s did not accept a change event: %s", self._target, detail)
            await wait_in_group(consumer, EVERY_S, self._clock)
            return

    def _new_consumer(self) -> Any:
        prefix = self._settings.kafka.topic_prefix
        group = f"{consumer_group(prefix, self._target)}.changes"
        return new_consumer(self._settings.kafka, prefix + CHANGES.name, group=group)
