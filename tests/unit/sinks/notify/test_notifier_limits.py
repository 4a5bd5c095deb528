"""The limits that a notifier keeps, and the records that it refuses to go back to."""

from datetime import datetime, timedelta, timezone
from typing import Any

import msgspec
import pytest

from leadline.errors import BadRecord
from leadline.model.delivery import Delivery
from leadline.model.incident import Incident, TimelineEntry
from leadline.wire import INCIDENTS, UNPROCESSABLE, outgoing
from leadline_sinks.notify.context import NotificationContext
from leadline_sinks.notify.kafka_reader import usable
from leadline_sinks.notify.matching import patterns_match
from leadline_sinks.notify.pacing import delay_s
from leadline_sinks.notify.sink import Rate, Reason
from tests.unit.sinks import made
from tests.unit.sinks.notify.test_notifier import TARGET, Setup, accepting, failing, sample


@pytest.mark.parametrize(("rate", "at_once", "in_a_minute"), [(Rate(1.0, 1), 1, 20), (Rate(0.2, 3), 3, 15)])
async def test_a_notifier_keeps_the_rate_of_its_target(rate: Rate, at_once: int, in_a_minute: int) -> None:
    """The burst is sent at once, the others as the rate allows."""
    setup = Setup(rate=rate)
    for number in range(20):
        setup.observe(made.incident(cluster=f"c{number}"))
    await setup.idle()
    assert len(setup.target.attempts) == at_once
    await setup.pass_time(60.0)
    assert len(setup.target.attempts) == in_a_minute


async def test_failed_attempts_count_against_the_rate() -> None:
    """A target that refuses is not asked more often than one that accepts."""
    setup = Setup(rate=Rate(0.5, 1))
    setup.target.answer = failing(Reason.UNREACHABLE)
    for number in range(4):
        setup.observe(made.incident(cluster=f"c{number}"))
    await setup.pass_time(6.5)
    assert len(setup.target.attempts) == 4


async def test_deliveries_are_counted_by_their_outcome() -> None:
    """In the metrics. A failed attempt that is tried again is no delivery."""
    setup = Setup()
    before = sample("leadline_sink_deliveries_total", outcome="sent")
    for name in ("a", "b"):
        setup.observe(made.incident(1, cluster=name))
    await setup.idle()
    setup.target.answer = failing(Reason.TIMEOUT)
    setup.observe(made.resolved(2, cluster="a"))
    await setup.pass_time(10.0)
    assert sample("leadline_sink_deliveries_total", outcome="sent") == before + 2


async def test_the_oldest_notification_that_waits_is_shown() -> None:
    """In the metrics: how long it has waited, in seconds."""
    setup = Setup()
    setup.clock.advance(500.0)
    setup.target.answer = failing(Reason.UNREACHABLE)
    setup.observe(made.incident(1))
    await setup.idle()
    await setup.pass_time(100.0)
    assert sample("leadline_sink_oldest_pending_seconds") == pytest.approx(100.0, abs=1.0)
    setup.target.answer = accepting
    await setup.pass_time(300.0)
    assert sample("leadline_sink_oldest_pending_seconds") == 0.0


async def test_an_older_record_of_an_own_incident_is_ignored() -> None:
    """Kafka may deliver it again after the end was written: the incident stays resolved, and is not resolved twice."""
    setup = Setup()
    setup.target.answer = failing(Reason.FULL)
    setup.observe(made.incident(1))
    await setup.idle()
    (opened,) = setup.self_incidents
    setup.observe(msgspec.structs.replace(opened, seq=5, title="written by another process"))
    setup.observe(opened)
    setup.target.answer = accepting
    await setup.pass_time(31.0)
    assert [(each.seq, each.title) for each in setup.self_incidents[1:]] == [(6, "written by another process")]


def test_a_name_that_is_no_matcher_does_not_match_a_label() -> None:
    """A label is matched by ``label.NAME`` only."""
    about = made.incident(labels={"team": "payments"})
    assert patterns_match({"label.team": "payments"}, about)
    assert not patterns_match({"team": "payments"}, about)


def test_the_last_delivery_of_one_record_is_the_one_with_the_highest_offset() -> None:
    """However often, and in which order, records are read."""
    context = NotificationContext([TARGET])
    for offset in (1, 3, 2, 3, 1):
        context.add_delivery(delivery(seq=1, receipt={"ts": str(offset)}), offset)
    found = context.delivery(made.incident(1).incident_id, TARGET)
    assert found is not None
    assert found.receipt == {"ts": "3"}


def test_a_delivery_that_a_process_wrote_too_late_changes_nothing() -> None:
    """It had lost its partitions: the record that was sent last is the one with the highest ``seq``."""
    context = NotificationContext([TARGET])
    context.add_delivery(delivery(seq=2, state="resolved"), 1)
    context.add_delivery(delivery(seq=1), 2)
    found = context.delivery(made.incident(1).incident_id, TARGET)
    assert found is not None
    assert (found.seq, found.state) == (2, "resolved")


def test_each_failure_doubles_the_wait_up_to_half_a_minute() -> None:
    """Before jitter, from half a second on."""
    waits = [delay_s(failures, lambda: 1.0) for failures in range(1, 9)]
    assert waits == [0.5, 1.0, 2.0, 4.0, 8.0, 16.0, 30.0, 30.0]
    assert delay_s(10_000, lambda: 0.5) == 15.0


def delivery(seq: int, **changes: Any) -> Delivery:
    """A delivery of the same incident to the target."""
    given: dict[str, Any] = {
        "incident_id": made.incident(1).incident_id,
        "target": TARGET,
        "sink": "fake",
        "seq": seq,
        "occasion": "updated",
        "outcome": "sent",
        "severity": "critical",
        "state": "open",
        "first_at": made.START,
        "at": made.START + timedelta(seconds=seq),
    }
    return Delivery(**given | changes)


BEYOND = datetime(9999, 12, 31, 23, 59, 59, tzinfo=timezone(timedelta(hours=-23, minutes=-59)))
"""A time that is not in the years of UTC: it decodes, and cannot be written."""


class Writes(Setup):
    """Its records are written as Kafka has them."""

    async def write(self, value: Delivery | Incident, home: int | None = None) -> int:
        outgoing(value, "")
        return await super().write(value)


async def test_an_incident_that_cannot_be_handled_stops_no_other() -> None:
    """It is left out: no delivery of it can be recorded."""
    setup = Writes()
    setup.observe(made.incident(1, cluster="bad", timeline=[TimelineEntry(at=BEYOND, what="x")]))
    setup.observe(made.incident(1, cluster="orders"))
    await setup.idle()
    assert ("orders", "opened") in setup.target.delivered


@pytest.mark.parametrize("field", ["opened_at", "detected_at", "cause_at"])
def test_a_value_that_cannot_be_written_is_refused_by_readers(field: str) -> None:
    """Before anything is made of it."""
    plain = msgspec.to_builtins(made.incident(1)) | {field: "9999-12-31T23:59:59-23:59"}
    with pytest.raises(BadRecord) as refused:
        usable(INCIDENTS, msgspec.json.encode(plain))
    assert refused.value.reason == UNPROCESSABLE
