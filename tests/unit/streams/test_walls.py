"""Whatever one cluster, node or producer sends, the others are judged, and time goes on."""

import asyncio
import threading
from random import Random
from typing import Any

import pytest
from hypothesis import given
from hypothesis import settings as settings_of
from hypothesis import strategies as st
from msgspec.structs import replace

from leadline.clock import ManualClock, moment
from leadline.model.alert import Transition
from leadline.model.incident import Incident
from leadline.model.lag import LagRollup
from leadline.model.observation import Tick
from leadline.settings.stream import DeadLetterSettings
from leadline.wire import encode
from leadline_streams.assembly import ClusterFactory
from leadline_streams.judge import cluster
from leadline_streams.judge.policy import Policy
from leadline_streams.judge.state import LARGE
from leadline_streams.runtime import partition
from leadline_streams.runtime.beside import beside
from leadline_streams.runtime.partition import LARGE_BYTES, Partition
from leadline_streams.runtime.worker import TURN_S, Worker
from tests.unit.streams import crowds
from tests.unit.streams.memory_log import (
    AT,
    Count,
    Counts,
    MemoryLog,
    chunk,
    forgiving,
    pause,
    record,
    sample,
    settings,
)
from tests.unit.streams.world import World, at

HOUR_S = 3600.0


class Unwritable:
    """An output that no record can be made of."""


class Poisoned(Count):
    """A judgement that breaks at one step from a sample of its cluster on that is marked."""

    def __init__(self, *args: Any, step: str) -> None:
        super().__init__(*args)
        self.step = step
        self.broken = False

    def enqueue(self, seen: Any, spooled: bool = False, packed: bytes = b"") -> None:
        self.broken |= seen.error == "poison"
        if self.broken and self.step == "enqueue":
            raise OverflowError("date value out of range")
        super().enqueue(seen, spooled)

    def evaluate(self) -> list[Any]:
        if self.broken and self.step == "evaluate":
            raise RecursionError("too deep")
        outputs: list[Any] = super().evaluate()
        return [*outputs, Unwritable()] if self.broken and self.step == "send" else outputs

    def dump(self) -> bytes:
        if self.broken and self.step == "dump":
            raise ValueError("year 10000 is out of range")
        return super().dump()


class Poison(Counts):
    """Makes judgements that break at one step."""

    def __init__(self, step: str) -> None:
        self.step = step

    def new(self, cluster: str, seq_floor: int = 0) -> Count:
        return Poisoned(cluster, step=self.step)

    def load(self, data: bytes) -> Count:
        state = Counts().load(data)
        return Poisoned(state.cluster, state.seen, state.last, step=self.step)


async def taken_up(log: MemoryLog, step: str) -> Worker:
    """A worker over judgements that break at a step."""
    log.worker = Worker(forgiving(), ManualClock(), Poison(step), log, {})
    await log.worker.claim()
    log.worker.assign()
    await pause()
    return log.worker


@pytest.mark.parametrize("step", ["enqueue", "evaluate", "send", "dump"])
@settings_of(max_examples=25, deadline=None)
@given(seed=st.integers(0, 2**32))
def test_a_cluster_that_breaks_at_any_step_is_set_aside_and_the_others_go_on(step: str, seed: int) -> None:
    """Its record is in the dead letters, with the reason; the worker goes on, and so do the offsets."""

    async def play() -> None:
        chance, log = Random(seed), MemoryLog()
        names = ["good", "bad", "other"]
        for number in range(30):
            log.append(sample(chance.choice(names), number))
        log.append(sample("bad", 30, error="poison"))
        for name in names * 3:
            log.append(sample(name, 31))
        worker = await taken_up(log, step)
        (opening,) = worker._partitions
        for first in range(0, len(log.samples[0]), 7):
            await log.settle(worker.process(chunk(opening, log.samples[0][first : first + 7])))
        await log.settle(worker.release())
        assert not worker.failed.done()
        assert log.committed == {0: len(log.samples[0])}
        assert {each.key for each in log.topic("state")} >= {b"good", b"other"}
        assert {each.key for each in log.topic("deadletters")} <= {b"bad"}
        for letter in log.topic("deadletters"):
            assert dict(letter.headers)["leadline-deadletter-reason"] == b"unprocessable"
        if step != "dump":  # a state may be saved for the first time when nothing is read any more
            assert log.topic("deadletters")

    asyncio.run(play())


@pytest.mark.slow
async def test_bad_records_of_one_producer_stop_nobody(caplog: pytest.LogCaptureFixture) -> None:
    """However many they are; they are set aside, which is reported once."""
    log = MemoryLog()
    for seq in range(400):
        log.append(b"garbage", key=b"orders")
        if seq % 100 == 0:
            log.append(sample("billing", seq))
    worker = log.restart(ManualClock(), settings(deadletters=DeadLetterSettings(max_consecutive=20, max_ratio=0.01)))
    await worker.claim()
    worker.assign()
    await pause()
    (opening,) = worker._partitions
    for first in range(0, len(log.samples[0]), 101):
        await log.settle(worker.process(chunk(opening, log.samples[0][first : first + 101])))
    assert not worker.failed.done()
    assert len(log.topic("deadletters")) == 400
    assert log.topic("alerts")
    assert caplog.text.count("of key b'orders', cannot be used") == 1


@pytest.mark.parametrize("value", [b"", b"{", b"9" * 5000, b"[" * 100_000, b'{"kind": "tick", "at": 1e400}'])
def test_a_record_without_a_key_sets_nothing_back(value: bytes) -> None:
    """Whatever it holds, it is a bad record and no more."""
    held = Partition(0, 0, Counts(), {}, flush_s=10.0)
    bad = record(value, 1)
    bad.key = None
    folded = held.fold([record(sample("orders")), bad, record(sample("orders", 1), 2)], 0.0)
    assert (folded.judged, len(folded.rejected)) == (2, 1)


async def test_others_have_a_turn_while_a_large_cluster_is_judged() -> None:
    """Heartbeats, and whoever stops the worker, wait for no more than a few judgements, however many there are."""

    class Slow(ManualClock):
        """Each look at it is a long judgement later."""

        def monotonic(self) -> float:
            self.advance(TURN_S)
            return super().monotonic()

    log, turns = MemoryLog(), 0
    for seq in range(64 * 20):
        log.append(sample("everything", seq))
    log.append(sample("orders"))
    worker = log.restart(Slow(), forgiving())
    await worker.claim()
    worker.assign()
    await pause()
    (opening,) = worker._partitions
    processing = asyncio.ensure_future(worker.process(chunk(opening, log.samples[0])))
    while not log.waiting:
        await asyncio.sleep(0)
        turns += 1
    assert turns >= 20
    await log.settle(processing)
    assert not worker.failed.done()


async def test_whoever_stops_a_worker_waits_for_no_more_than_it_has_begun() -> None:
    """Records that it has read and not judged are judged by the next owner, as if there had been one."""

    class Slow(ManualClock):
        """Each look at it is a long judgement later."""

        def monotonic(self) -> float:
            self.advance(TURN_S)
            return super().monotonic()

    log = MemoryLog()
    for seq in range(64 * 20):
        log.append(sample("orders" if seq % 2 else "billing", seq))
    worker = log.restart(Slow(), forgiving())
    await worker.claim()
    worker.assign()
    await pause()
    (opening,) = worker._partitions
    processing = asyncio.ensure_future(worker.process(chunk(opening, log.samples[0])))
    await pause()
    await log.settle(asyncio.gather(processing, worker.stop()))
    assert not worker.failed.done()
    assert 0 < log.committed[0] < 64 * 20
    worker = log.restart(ManualClock(), forgiving())
    await worker.claim()
    worker.assign()
    await pause()
    (opening,) = worker._partitions
    left = [each for each in log.samples[0] if each.offset >= log.committed[0]]
    await log.settle(worker.process(chunk(opening, left)))
    await log.settle(worker.release())
    assert log.committed[0] == 64 * 20
    whole = Partition(0, 0, Counts(), {}, flush_s=10.0).fold(log.samples[0], 0.0)
    assert len(log.topic("alerts")) == sum(isinstance(output, Transition) for _, output in whole.outputs)


class Waits(Count):
    """Takes until the event loop has done something else; it would take for ever on the loop."""

    is_large = True
    loop_has_turned: threading.Event
    waited: list[bool]

    def evaluate(self) -> list[Any]:
        """Wait for the loop."""
        self.loop_has_turned.clear()
        self.waited.append(self.loop_has_turned.wait(60.0))
        return super().evaluate()


async def test_a_large_cluster_holds_up_no_heartbeat() -> None:
    """However long one call of its judgement takes: it runs beside the event loop, and the same comes of it."""
    log, turned, waited = MemoryLog(), threading.Event(), list[bool]()
    for seq in range(200):
        log.append(sample("large" if seq % 10 == 0 else "orders", seq))

    class Large(Counts):
        def new(self, cluster: str, seq_floor: int = 0) -> Count:
            """One of both is large."""
            if cluster != "large":
                return super().new(cluster, seq_floor)
            made = Waits(cluster)
            made.loop_has_turned, made.waited = turned, waited
            return made

    async def beats() -> None:
        while True:
            turned.set()
            await asyncio.sleep(0)

    worker = log.worker = Worker(forgiving(), ManualClock(), Large(), log, {})
    await worker.claim()
    worker.assign()
    await pause()
    (opening,) = worker._partitions
    beating = asyncio.create_task(beats())
    await worker.process(chunk(opening, log.samples[0]))
    beating.cancel()
    await log.settle(worker.release())
    assert not worker.failed.done()
    assert waited == [True] * 3
    assert log.committed == {0: 200}
    whole = Partition(0, 0, Counts(), {}, flush_s=10.0).fold(log.samples[0], 0.0)
    assert len(log.topic("alerts")) == sum(isinstance(output, Transition) for _, output in whole.outputs)


async def test_what_runs_beside_the_loop_ends_before_whoever_waits_for_it_goes_on() -> None:
    """Cancelled or not: what it changes is nobody else's until then."""
    begun, may_end, ended = threading.Event(), threading.Event(), list[bool]()

    def call() -> None:
        begun.set()
        ended.append(may_end.wait(60.0))

    waiting = asyncio.create_task(beside(call))
    await asyncio.to_thread(begun.wait, 60.0)
    for _ in range(2):
        waiting.cancel()
        await pause()
        assert not waiting.done()
    may_end.set()
    with pytest.raises(asyncio.CancelledError):
        await waiting
    assert ended == [True]


def test_a_cluster_is_large_before_one_call_takes_long() -> None:
    """By what it has, or by the size of the record that brings it."""
    for make in (crowds.star, crowds.rivals, crowds.strangers):
        world = make(LARGE + 1)
        world.step()
        assert world.state.is_large
    seen = crowds.lost_slots(2000).servers["pg-0"].sample(0.0)
    assert len(encode(seen)) > LARGE_BYTES


def test_the_evidence_has_the_first_of_very_many_slots() -> None:
    """Each of as many links whose slot is gone would have the names of all that are there."""
    world = crowds.without_slots(60)
    for _ in range(90):
        world.step()
    values = {
        evidence.value
        for output in world.outputs
        if isinstance(output, Incident)
        for cause in output.causes
        if cause.code == "slot_missing"
        for evidence in cause.evidence_for
        if evidence.name == "slots"
    }
    assert values
    assert all(value.endswith(" and 40 others") and len(value) < 300 for value in values)


def ticked(seconds: float, broker_s: float, offset: int) -> Any:
    """A tick with its time, and that of the broker."""
    found = record(Tick(at=moment(AT.timestamp() + seconds)), offset)
    found.timestamp, found.timestamp_type = int((AT.timestamp() + broker_s) * 1000), 1
    return found


@pytest.mark.parametrize("wrong_s", [HOUR_S, -HOUR_S, 1e9])
def test_a_tick_has_the_time_of_the_broker(wrong_s: float) -> None:
    """A worker whose clock is wrong neither makes nodes silent nor lets a silence pass."""
    seen: list[float] = []

    class Listens(Count):
        def tick(self, now: Any) -> list[Any]:
            seen.append(now.timestamp() - AT.timestamp())
            return []

    held = Partition(0, 0, Counts(), {}, flush_s=10.0)
    held.fold([record(sample("orders"))], 0.0)
    held.clusters[b"orders"].fold = Listens("orders")
    held.fold([ticked(1.0, 1.5, 1), ticked(wrong_s, 2.5, 2)], 0.0)
    assert seen == [1.0, 2.5]


def firing(world: World) -> set[str]:
    """Rules with an alert that fires now."""
    return {alert.rule for alert in world.state.memory.alerts.values() if alert.state == "firing"}


def test_a_state_that_was_ahead_is_judged_in_time_again() -> None:
    """A tick from a wrong clock, where the broker does not set times: what it did passes with it."""
    world = World()
    up, down = world.pair()
    for _ in range(10):
        world.stream(up, down)
        world.step()
    world.outputs += world.state.tick(at(world.time + HOUR_S))
    for _ in range(30):
        world.stream(up, down)
        world.step()
    assert firing(world) == set()
    down.silent = True
    for _ in range(60):
        world.step()
    assert "agent_silent" in firing(world)
    assert abs(world.transitions[-1].event_time.timestamp() - at(world.time).timestamp()) < HOUR_S / 2


def test_the_first_node_of_a_cluster_does_not_set_its_time() -> None:
    """Its own clock is the one that is corrected, where all others and the ticks agree."""
    world = World()
    up, down = world.pair()
    up.ahead_s = HOUR_S
    for _ in range(60):
        world.stream(up, down)
        world.step()
    memory = world.state.memory
    assert abs(memory.arrivals.horizon - at(world.time).timestamp()) < 10.0
    assert abs(memory.nodes["pg-1"].host_ahead_s - HOUR_S) < 10.0
    assert memory.nodes["pg-2"].host_ahead_s == 0.0


DAY_S = 86_400.0


@pytest.mark.parametrize("behind_s", [60.0, DAY_S, 365 * DAY_S, 20_000 * DAY_S])
def test_a_cluster_whose_only_clock_is_far_behind_is_judged(behind_s: float) -> None:
    """As is that of a host that begins in 1970 at each start, and asks nobody for the time. `clock_skew` reports it.

    https://github.com/oxidecomputer/omicron/issues/5899 (samples from 1986, taken before the clock was set).
    """
    held = Partition(0, 0, ClusterFactory(Policy()), {}, 10.0)
    world, offset, outputs = World("orders"), 0, list[Any]()
    server = world.add("pg-1", "primary")
    for second in range(150):
        world.time = float(second)
        seen = server.sample(world.time)
        wrong = moment(at(world.time).timestamp() - behind_s)
        both = replace(seen, at=wrong, sent_at=wrong), Tick(at=at(second + 0.5))
        records = [record(each, offset + number) for number, each in enumerate(both)]
        outputs += [output for _, output in held.fold(records, 0.0).outputs]
        offset += 2
    (cluster,) = held.clusters.values()
    (node,) = cluster.fold.memory.nodes.values()  # type: ignore[attr-defined]
    assert node.answers
    assert node.sample.seq == server.seq
    assert any(isinstance(each, Transition) and each.rule == "clock_skew" and each.to == "firing" for each in outputs)


def test_one_writer_cannot_take_the_memory_of_a_worker(monkeypatch: pytest.MonkeyPatch) -> None:
    """A new cluster in each of its records. Those that are known are judged on; refused ones do not become clusters."""
    monkeypatch.setattr(partition, "MOST_CLUSTERS", 10)
    held = Partition(0, 0, ClusterFactory(Policy()), {}, 10.0)
    world = World("orders")
    server, offset, refused = world.add("pg-1", "primary"), 0, 0
    for second in range(30):
        others = [World(f"c{second}-{number}").add("pg-1", "primary").sample(float(second)) for number in range(20)]
        again = World("again").add("pg-1", "primary").sample(float(second))
        seen = [server.sample(float(second)), *others, *[again] * (second > 0)]
        records = [record(each, offset + number) for number, each in enumerate([*seen, Tick(at=at(second + 0.5))])]
        offset += len(records)
        refused += len(held.fold(records, 0.0).rejected)
    assert len(held.clusters) == 10
    assert refused == 20 * 30 - 9 + 29
    assert held.clusters[b"orders"].fold.memory.nodes["pg-1"].sample.seq == server.seq  # type: ignore[attr-defined]


@pytest.mark.parametrize("interval_s", [1e9, 1e300])
def test_an_interval_is_believed_within_bounds(interval_s: float) -> None:
    """A silence is noticed, whatever a sample says about the next one."""
    world = World()
    up, down = world.pair()
    down.set(interval_s=interval_s)
    for _ in range(10):
        world.stream(up, down)
        world.step()
    assert world.state.memory.arrivals.sources["pg-2"].stale_after_s <= 30 * HOUR_S


def test_what_waits_for_a_slow_node_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    """Judged all at once it would take longer than Kafka waits for a worker."""
    monkeypatch.setattr(cluster, "MOST_WAITING", 50)
    world = World()
    up, down = world.pair()
    for second in range(100):
        world.time = float(second)
        world.stream(up, down)
        world.outputs += world.state.observe(up.sample(second))
        if second < 5:
            world.outputs += world.state.observe(down.sample(second))
    arrivals = world.state.memory.arrivals
    assert len(arrivals.waiting) <= 50
    assert arrivals.horizon >= at(49).timestamp()


def test_rollups_go_on_after_a_wrong_time() -> None:
    """And so does the status: neither waits for the wrong time to come."""
    world = World()
    up, down = world.pair()
    for _ in range(10):
        world.stream(up, down)
        world.step()
    world.outputs += world.state.tick(at(world.time + HOUR_S))
    before = sum(isinstance(output, LagRollup) for output in world.outputs)
    for _ in range(60):
        world.stream(up, down)
        world.step()
    assert sum(isinstance(output, LagRollup) for output in world.outputs) > before + 3
