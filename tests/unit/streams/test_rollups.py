"""Roll-ups of a link's lag: each window of ten seconds and of a minute is written once, with what was sampled in it."""

from collections import Counter

import pytest

from leadline.model.lag import LagRollup
from leadline.model.replication import Downstream, Positions
from leadline_streams.engines.postgresql.lsn import format_lsn
from tests.unit.streams.world import World


def run(world: World, seconds: int, *, behind: int = 0) -> None:
    """The standby has replayed all but ``behind`` bytes."""
    for _ in range(seconds):
        world.stream(world.servers["pg-1"], world.servers["pg-2"], replayed=world.lsn - behind)
        world.step()


def rollups(world: World, window_s: float) -> list[LagRollup]:
    """The records of one kind, in the order of their windows."""
    return [output for output in world.outputs if isinstance(output, LagRollup) and output.window_s == window_s]


@pytest.fixture
def world() -> World:
    """A pair whose primary writes 100 kB a second."""
    world = World()
    world.pair()
    return world


def test_each_window_is_written_once(world: World) -> None:
    """One record each ten seconds and one each minute, without a gap."""
    run(world, 185)
    for window_s, least in ((10.0, 17), (60.0, 2)):
        found = rollups(world, window_s)
        assert len(found) >= least
        assert [(record.end - record.start).total_seconds() for record in found] == [window_s] * len(found)
        assert [record.start for record in found[1:]] == [record.end for record in found[:-1]]
        assert {(record.cluster, record.link, record.datacenter) for record in found} == {
            ("orders", "orders/pg-1->pg-2", "fra1")
        }


def test_a_minute_is_the_sum_of_its_parts(world: World) -> None:
    """Samples, verdicts, extremes and the average, also while the lag changes."""
    run(world, 65)
    run(world, 30, behind=2_000_000)
    run(world, 95)
    for minute in rollups(world, 60.0):
        parts = [part for part in rollups(world, 10.0) if minute.start <= part.start < minute.end]
        assert minute.samples == sum(part.samples for part in parts)
        assert minute.verdicts == sum((Counter(part.verdicts) for part in parts), Counter())
        assert sum(minute.verdicts.values()) == minute.samples
        assert minute.lag_max_s == max(part.lag_max_s or 0.0 for part in parts)
        assert minute.lag_min_s == min(part.lag_min_s or 0.0 for part in parts)
        assert minute.bytes_max == max(part.bytes_max or 0 for part in parts)
        total_s = sum((part.lag_avg_s or 0.0) * part.samples for part in parts)
        assert minute.lag_avg_s == pytest.approx(total_s / minute.samples, abs=0.002)
        assert (minute.verdict, minute.lag_last_s) == (parts[-1].verdict, parts[-1].lag_last_s)
    assert any(minute.lag_max_s for minute in rollups(world, 60.0))


def test_lag_in_seconds_and_bytes(world: World) -> None:
    """A standby that stays two seconds' worth of writes behind has two seconds of lag in each number."""
    run(world, 20)
    run(world, 40, behind=200_000)
    last = rollups(world, 10.0)[-1]
    lags = (last.lag_min_s, last.lag_avg_s, last.lag_max_s, last.lag_last_s)
    assert lags == pytest.approx((2.0, 2.0, 2.0, 2.0), abs=0.2)
    assert (last.unit, last.bytes_last, last.bytes_max) == ("bytes", 200_000, 200_000)
    assert (last.transactions_last, last.transactions_max) == (None, None)


def test_samples_without_a_known_lag_are_counted_and_not_averaged() -> None:
    """They have a verdict; minimum, average and maximum are of the other samples, None without any."""
    world = World()
    primary = world.add("pg-1", "primary")
    for second in range(1, 62):
        position = format_lsn(world.lsn - 200_000) if second >= 26 else None
        row = Downstream(name="reader", state="streaming", write_lsn=position, flush_lsn=position, replay_lsn=position)
        primary.set(positions=Positions(current_lsn=format_lsn(world.lsn)), downstreams=(row,))
        world.step()
    unknown, mixed, known = rollups(world, 10.0)[1], rollups(world, 10.0)[2], rollups(world, 10.0)[4]
    assert (unknown.samples, unknown.lag_min_s, unknown.lag_avg_s, unknown.bytes_max) == (10, None, None, None)
    assert unknown.verdicts == {"unknown": 10}
    assert (mixed.samples, mixed.verdicts["unknown"]) == (10, 6)
    assert mixed.lag_avg_s == pytest.approx(known.lag_avg_s, abs=0.2)
