"""A sink that is left without partitions joins its group again."""

import pytest

from leadline.clock import ManualClock
from leadline_sinks.notify.group_watch import JOIN_S, GroupWatch


def test_it_says_so_after_a_while_without_a_share(caplog: pytest.LogCaptureFixture) -> None:
    """Also one that has a share and cannot come to the end of what it must read first.

    https://github.com/confluentinc/confluent-kafka-python/issues/1305 (six minutes without an assignment).
    """
    clock = ManualClock()
    watch = GroupWatch("slack", clock)
    for _ in range(10):
        clock.advance(JOIN_S)
        assert not watch.is_stuck(moves=True)
    clock.advance(JOIN_S - 1.0)
    assert not watch.is_stuck(moves=False)
    assert caplog.text == ""
    clock.advance(1.0)
    assert watch.is_stuck(moves=False)
    assert "slack: no share of the group's partitions" in caplog.text
