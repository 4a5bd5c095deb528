"""The lag of a downstream, by the positions that the upstream had."""

from datetime import UTC, datetime

import pytest

from leadline.clock import ManualClock
from leadline_verify.replica_lag import ReplicaLag

NOON = datetime(2026, 11, 30, 12, tzinfo=UTC)


class Link:
    """An upstream that writes a byte each second, and a downstream that is so many seconds behind."""

    def __init__(self, clock: ManualClock, behind_s: float, *, quiet: bool = False) -> None:
        self.clock, self.behind_s, self.quiet = clock, behind_s, quiet
        self.asked = 0

    async def position(self) -> str:
        self.asked += 1
        return "5" if self.quiet else str(int(self.clock.monotonic()))

    async def has(self, position: str) -> bool:
        return self.clock.monotonic() - self.behind_s >= int(position)


def lag_of(link: Link, limit_s: float | None = 10.0) -> ReplicaLag:
    return ReplicaLag(link, "pg-2", limit_s, link.clock)  # type: ignore[arg-type]


@pytest.mark.parametrize(("behind_s", "held"), [(0, False), (9, False), (12, True), (300, True)])
async def test_a_downstream_that_is_further_behind_than_the_limit_holds_the_run(behind_s: float, held: bool) -> None:
    """Whatever it was before the run began. Positions are read once a second, so up to one is missing."""
    clock = ManualClock(NOON)
    link = Link(clock, behind_s)
    lag = lag_of(link)
    for _ in range(400):
        reason = await lag.reason()
        clock.advance(1)
    assert bool(reason) is held, reason
    if held:
        assert reason == f"pg-2 is {behind_s - 1:.0f} s behind, and the limit is 10 s"


async def test_nothing_is_known_before_a_position_of_this_run_is_reached() -> None:
    clock = ManualClock(NOON)
    lag = lag_of(Link(clock, 3))
    assert await lag.reason() == "pg-2 has not reached the position at which the run began"
    clock.advance(3)
    assert await lag.reason() == ""


async def test_a_quiet_upstream_has_no_lag() -> None:
    """Nothing is behind where nothing is written; the replay timestamp of the standby would grow."""
    clock = ManualClock(NOON)
    clock.advance(5)
    lag = lag_of(Link(clock, 0, quiet=True))
    for _ in range(1000):
        assert await lag.reason() == ""
        clock.advance(10)


async def test_it_asks_at_most_each_second_and_not_without_a_limit() -> None:
    clock = ManualClock(NOON)
    link = Link(clock, 0)
    lag, free = lag_of(link), lag_of(link, None)
    for _ in range(100):
        await lag.reason()
        assert await free.reason() == ""
        clock.advance(0.1)
    assert link.asked == 10
