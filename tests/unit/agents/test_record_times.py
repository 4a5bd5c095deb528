"""Times of records that brokers refuse, and accept when they are moved."""

import logging
from datetime import UTC, datetime

import pytest

from leadline.clock import ManualClock, epoch
from leadline_agents.record_times import DOUBLINGS, FIRST_S, RecordTimes

NOW = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
HOUR_S = 3600.0


def times() -> RecordTimes:
    return RecordTimes(ManualClock(NOW))


def test_the_times_of_the_host_as_long_as_they_are_accepted() -> None:
    """Nothing is moved without a refusal."""
    mine = times()
    mine.accepted()
    assert mine.now_ms() == epoch(NOW) * 1000


@pytest.mark.parametrize("ahead_s", [2 * HOUR_S, 30 * 86400.0, 10 * 365 * 86400.0])
def test_moved_back_until_a_broker_accepts(ahead_s: float, caplog: pytest.LogCaptureFixture) -> None:
    """A broker with Kafka's defaults accepts what is at most an hour ahead of its own clock."""
    mine = times()
    broker_s = epoch(NOW) - ahead_s
    with caplog.at_level(logging.WARNING):
        while mine.now_ms() / 1000 > broker_s + HOUR_S:
            mine.refused()
        mine.accepted()
    assert mine.now_ms() / 1000 >= broker_s - ahead_s  # not much further back than the clock is ahead
    first, last = (record.message for record in caplog.records)
    assert "Kafka refuses the time of this host's clock, 2026-01-02 03:04:05 UTC" in first
    assert last.startswith("Kafka accepts times that are moved back by ")


def test_moved_ahead_where_a_broker_refuses_old_times() -> None:
    """Some brokers are set to refuse them. The times further back are tried first."""
    mine = times()
    for _ in range(DOUBLINGS + 1):
        mine.refused()
    assert mine.moved_s == FIRST_S


def test_refused_again_after_being_accepted() -> None:
    """The search begins again, at the smallest move; at its end comes the host's own time."""
    mine = times()
    mine.refused()
    mine.refused()
    mine.accepted()
    mine.refused()
    assert mine.moved_s == -FIRST_S
    for _ in range(2 * DOUBLINGS):
        mine.refused()
    assert mine.moved_s == 0.0
    mine.refused()
    assert mine.moved_s == -FIRST_S
