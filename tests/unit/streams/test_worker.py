"""The worker with Kafka in memory: the order of its effects, a crash at any moment, and the reasons to stop."""

import asyncio
from random import Random
from types import SimpleNamespace
from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from leadline.clock import ManualClock
from leadline.errors import ProblemFound, UnreachableError
from leadline.model.lag import LagRollup
from leadline.model.observation import Tick
from leadline.model.status import LinkStatus, NodeStatus
from leadline.settings.common import KafkaSettings
from leadline.settings.secret import Secret
from leadline.settings.stream import DeadLetterSettings, StreamSettings
from leadline.signature import SignatureCheck, Signer
from leadline.wire import INCIDENTS, OBSERVATIONS, Outgoing
from leadline_streams.judge.status import Forgotten
from leadline_streams.runtime import saving
from leadline_streams.runtime.cluster_failure import REFUSED_LEAST
from leadline_streams.runtime.snapshot import Saved
from leadline_streams.runtime.transport import Opening
from leadline_streams.runtime.worker import RECOVERY_S, RENEW_S, STUCK_S, Worker
from tests.unit.properties import histories
from tests.unit.streams import memory_log
from tests.unit.streams.memory_log import (
    AT,
    Count,
    Counts,
    MemoryLog,
    chunk,
    forgiving,
    pause,
    sample,
    settings,
)
from tests.unit.streams.world import World

TICK = Tick(at=AT)


async def ready(log: MemoryLog, clock: ManualClock, given: StreamSettings | None = None) -> tuple[Worker, Opening]:
    """A worker that has taken up partition 0."""
    worker = log.restart(clock, given or forgiving())
    await worker.claim()
    worker.assign()
    await pause()
    (opening,) = [opening for opening in worker._partitions if opening.partition == 0]
    return worker, opening


async def test_a_state_is_written_only_after_its_transitions_are_acknowledged() -> None:
    """Otherwise a crash between the two would lose them."""
    log, clock = MemoryLog(), ManualClock()
    for seq in range(3):
        log.append(sample("orders", seq))
    worker, opening = await ready(log, clock)
    await worker.process(chunk(opening, log.samples[0]))
    await pause()
    assert {topic for topic, _ in log.waiting} == {"alerts", "lag"}
    log.ack(("lag", 0))
    await pause()
    assert {topic for topic, _ in log.waiting} == {"alerts"}
    log.ack(("alerts", None))
    await pause()
    assert {topic for topic, _ in log.waiting} == {"state"}


async def test_a_worker_of_very_many_clusters_saves_each_less_often(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(saving, "STATES_PER_S", 0.1)
    log, clock = MemoryLog(), ManualClock()
    for number in range(8):
        log.append(sample(f"cluster-{number}"))
    worker, opening = await ready(log, clock, settings(flush_s=10.0))
    await worker.process(chunk(opening, log.samples[0]))
    assert worker._partitions[opening].flush_s == 10.0
    await worker.process(chunk(opening, log.samples[0]))
    assert worker._partitions[opening].flush_s == 80.0


async def test_alerts_are_sent_before_status_and_status_before_rollups() -> None:
    """Notifying waits for nothing. A status and its tombstone keep their order, in the partition of the samples."""
    log, clock = MemoryLog(), ManualClock()
    log.append(sample("orders"), partition=3)
    world = World()
    world.pair()
    for _ in range(20):
        world.stream(*world.servers.values())
        world.step()
    published = [output for output in world.outputs if isinstance(output, LinkStatus | NodeStatus | LagRollup)]
    (gone,) = {output.link for output in published if isinstance(output, LinkStatus)}
    outputs = [*published, Forgotten(gone), *Count("orders", seen=2).tick(AT)]
    judge = Count("orders")
    judge.outputs = outputs
    worker = log.worker = Worker(forgiving(), clock, SimpleNamespace(new=lambda *_: judge), log, {})
    await worker.claim()
    worker.assign()
    await pause()
    (opening,) = worker._partitions
    await log.settle(worker.process(chunk(opening, log.samples[3])))
    topics = [record.topic for record in log.written if record.topic != "state"]
    assert list(dict.fromkeys(topics)) == ["alerts", "status", "lag"]
    status = log.topic("status")
    assert {record.partition for record in status} == {3}
    links = [record.value is None for record in status if record.key == gone.encode()]
    assert (len(links) > 1, links[-1], any(links[:-1])) == (True, True, False)


async def test_it_says_whether_something_was_sent_that_people_wait_for() -> None:
    """An alert or an incident, not a roll-up or a state alone."""
    log, clock = MemoryLog(), ManualClock()
    for seq in range(4):
        log.append(sample("orders", seq))
    worker, opening = await ready(log, clock)
    assert not await worker.process(chunk(opening, log.samples[0][:2]))
    assert await worker.process(chunk(opening, log.samples[0][2:3]))
    assert not await worker.process(chunk(opening, log.samples[0][3:]))
    assert [topic for topic, _ in log.waiting] == ["lag", "alerts"]


async def test_offsets_are_committable_only_once_the_states_behind_them_are_acknowledged() -> None:
    """A commit that runs ahead of a state would skip records after a crash."""
    log, clock = MemoryLog(), ManualClock()
    for seq in range(3):
        log.append(sample("orders", seq))
    worker, opening = await ready(log, clock)
    await worker.process(chunk(opening, log.samples[0]))
    log.ack(("alerts", None)), log.ack(("lag", 0))
    await pause()
    assert worker.committable() == {0: 0}
    log.ack(("state", 0))
    await pause()
    assert worker.committable() == {0: 3}


async def test_a_cluster_without_transitions_holds_the_commit_until_its_turn_to_be_written() -> None:
    """Its turn comes within two flush intervals."""
    log, clock = MemoryLog(), ManualClock()
    log.append(sample("orders"))
    worker, opening = await ready(log, clock)
    await log.settle(worker.process(chunk(opening, log.samples[0])))
    assert worker.committable() == {0: 0}
    clock.advance(20.0)
    log.append(b"", key=b"billing")
    await log.settle(worker.process(chunk(opening, log.samples[0][1:])))
    assert worker.committable() == {0: 2}


async def test_a_partition_that_is_given_up_is_put_away_and_committed_first() -> None:
    """The next owner then starts exactly there."""
    log, clock = MemoryLog(), ManualClock()
    log.append(sample("orders"))
    worker, opening = await ready(log, clock)
    await log.settle(worker.process(chunk(opening, log.samples[0])))
    await log.settle(worker.release())
    assert log.committed == {0: 1}
    assert [Saved.unpack(record.value or b"").applied for record in log.topic("state")] == [1]


async def test_a_chunk_fetched_for_an_earlier_opening_is_void() -> None:
    """It may have waited in a queue across a rebalance."""
    log, clock = MemoryLog(), ManualClock()
    for seq in range(3):
        log.append(sample("orders", seq))
    worker, earlier = await ready(log, clock)
    await log.settle(worker.release())
    await worker.claim()
    worker.assign()
    await pause()
    await log.settle(worker.process(chunk(earlier, log.samples[0])))
    assert log.written == []


async def test_bad_records_go_to_the_dead_letters_and_delay_nobody() -> None:
    """With the original key, value and headers, the reason and the origin; the good ones are judged."""
    log, clock = MemoryLog(), ManualClock()
    log.append(b"\xff\x00 garbage", key=b"orders")
    log.append(sample("orders"), key=b"billing")
    log.append(sample("orders", error="bad"))
    for seq in range(3):
        log.append(sample("orders", seq))
    worker, opening = await ready(log, clock)
    await log.settle(worker.process(chunk(opening, log.samples[0])))
    assert len(log.topic("alerts")) == 1
    letters = log.topic("deadletters")
    assert [(letter.key, letter.value) for letter in letters] == [(r.key, r.value) for r in log.samples[0][:3]]
    about = [{name.removeprefix("leadline-deadletter-"): value for name, value in letter.headers} for letter in letters]
    assert [marks["reason"] for marks in about] == [b"not_json", b"invalid", b"future"]
    assert (about[1]["topic"], about[1]["partition"], about[1]["offset"]) == (b"samples", b"0", b"1")
    assert about[1]["ce_source"] == b"/agents/orders/pg-1"


async def test_offsets_wait_for_the_dead_letters_too() -> None:
    """A bad record that is not yet safe elsewhere must be read again."""
    log, clock = MemoryLog(), ManualClock()
    log.append(b"garbage")
    worker, opening = await ready(log, clock)
    processing = asyncio.ensure_future(worker.process(chunk(opening, log.samples[0])))
    await pause()
    assert worker.committable() == {0: 0}
    await log.settle(processing)
    assert worker.committable() == {0: 1}


async def test_a_worker_that_can_use_nothing_stops_with_its_dead_letters_written() -> None:
    """Draining a topic into the dead letters would hide the fault; without them nothing would show it."""
    log, clock = MemoryLog(), ManualClock()
    for _ in range(101):
        log.append(b"garbage")
    worker, opening = await ready(log, clock, settings(deadletters=DeadLetterSettings(max_ratio=1.0)))
    await log.settle(worker.process(chunk(opening, log.samples[0])))
    with pytest.raises(ProblemFound, match=r"more than 100 records in a row, .* samples\[0\] offset 100"):
        await worker.failed
    assert len(log.topic("deadletters")) == 101
    assert worker.committable() == {0: 0}


async def test_a_defect_in_the_judgement_sets_the_record_aside_and_the_cluster_back() -> None:
    """The cluster returns to its last written state, so that no transition counts as sent that was not."""
    log, clock = MemoryLog(), ManualClock()
    for seq in range(2):
        log.append(sample("orders", seq))
    log.append(sample("orders", 2, error="defect"))
    for seq in range(3, 6):
        log.append(sample("orders", seq))
    worker, opening = await ready(log, clock)
    await log.settle(worker.process(chunk(opening, log.samples[0])))
    assert [orjson.loads(record.value or b"")["summary"] for record in log.topic("alerts")] == ["[3, 4, 5]"]
    (letter,) = log.topic("deadletters")
    assert dict(letter.headers)["leadline-deadletter-reason"] == b"unprocessable"
    assert dict(letter.headers)["leadline-deadletter-detail"] == b"ZeroDivisionError: half-way"


async def test_a_record_that_kafka_refuses_stops_the_worker() -> None:
    """Nothing is judged after it."""
    log, clock = MemoryLog(), ManualClock()
    for seq in range(6):
        log.append(sample("orders", seq))
    worker, opening = await ready(log, clock)
    log.refuses = lambda record: record.topic == "alerts"
    await log.settle(worker.process(chunk(opening, log.samples[0][:3])))
    with pytest.raises(ConnectionError):
        await worker.failed
    await log.settle(worker.process(chunk(opening, log.samples[0][3:])))
    assert log.topic("alerts") == log.topic("state") == []


async def test_a_state_that_is_too_large_stops_nobody(caplog: pytest.LogCaptureFixture) -> None:
    """Neither its cluster nor the others; what was read is not read again."""
    log, clock = MemoryLog(), ManualClock()
    log.append(sample("a-cluster-with-many-nodes"))
    for seq in range(3):
        log.append(sample("orders", seq))
    worker, opening = await ready(log, clock)
    log.most_bytes = len(Saved(0, 4, Count("orders", 3, [0, 1, 2]).dump()).pack())
    await log.settle(worker.process(chunk(opening, log.samples[0])))
    await log.settle(worker.release())
    kept = {record.key: Saved.unpack(record.value or b"").state for record in log.topic("state")}
    assert kept == {b"a-cluster-with-many-nodes": b"", b"orders": Count("orders", 3, [0, 1, 2]).dump()}
    assert not worker.failed.done()
    assert log.committed == {0: 4}
    assert "the state of cluster a-cluster-with-many-nodes is not saved" in caplog.text


async def test_a_tick_is_written_into_every_partition() -> None:
    """Silence is then an event in each of them."""
    log, clock = MemoryLog(), ManualClock()
    log.samples[0], log.samples[1] = [], []
    worker, _ = await ready(log, clock)
    beating = asyncio.ensure_future(worker.beat())
    await pause()
    beating.cancel()
    await log.settle()
    ticks = log.topic("samples")
    assert {tick.partition for tick in ticks} == {0, 1}
    assert all(isinstance(OBSERVATIONS.decode(tick.value), Tick) and tick.key is None for tick in ticks)


async def test_a_partition_from_which_nothing_comes_stops_the_worker() -> None:
    """A service manager starts a new one; a worker that looks alive and judges nothing helps nobody."""
    log, clock = MemoryLog(), ManualClock()
    log.append(TICK)
    worker, opening = await ready(log, clock)
    clock.advance(STUCK_S)
    await log.settle(worker.process(chunk(opening, log.samples[0])))
    worker.check_progress()
    assert not worker.failed.done()
    clock.advance(STUCK_S + 1)
    worker.check_progress()
    with pytest.raises(UnreachableError, match=r"nothing has come from samples\[0\]"):
        await worker.failed


async def test_a_worker_without_an_assignment_for_long_stops() -> None:
    """Recovery has known ways to hang."""
    clock = ManualClock()
    worker = MemoryLog().restart(clock, forgiving())
    clock.advance(RECOVERY_S + 1)
    worker.check_progress()
    with pytest.raises(UnreachableError, match="no assignment"):
        await worker.failed


def expected(log: MemoryLog) -> dict[str, list[str]]:
    """The transitions of one fold over all records without a pause: summaries by cluster."""
    found: dict[str, list[str]] = {}
    for records in log.samples.values():
        folds: dict[str, Any] = {}
        for record in records:
            seen = OBSERVATIONS.decode(record.value)
            if isinstance(seen, Tick):
                outputs = [output for fold in folds.values() for output in fold.tick(seen.at)]
            else:
                name = seen.node.cluster
                fold = folds.setdefault(name, Counts().new(name))
                fold.enqueue(seen)
                outputs = fold.evaluate()
            for output in outputs:
                if hasattr(output, "alert_id"):
                    found.setdefault(output.cluster, []).append(output.summary)
    return found


def seen_by_sinks(log: MemoryLog) -> dict[str, list[str]]:
    """The transitions written, without repetitions; a repetition that differs is an error."""
    found: dict[str, dict[int, str]] = {}
    for record in log.topic("alerts"):
        step = orjson.loads(record.value or b"")
        assert found.setdefault(step["cluster"], {}).setdefault(step["seq"], step["summary"]) == step["summary"]
        assert step["seq"] <= len(found[step["cluster"]]), "a sink saw a later step before an earlier one"
    return {cluster: [steps[seq] for seq in sorted(steps)] for cluster, steps in found.items()}


@given(seed=st.integers(0, 2**32))
@histories()
def test_killed_at_any_moment_it_comes_to_the_same_transitions(seed: int) -> None:
    """Whatever was written, acknowledged or committed by then; some are written twice, none is lost or different."""
    asyncio.run(_killed_now_and_then(Random(seed)))


async def _killed_now_and_then(random: Random) -> None:
    log, clock = MemoryLog(), ManualClock()
    log.samples[0], log.samples[1] = [], []
    for seq in range(random.randint(0, 60)):
        partition, cluster = random.choice(((0, "orders"), (0, "billing"), (1, "stock"), (0, None), (1, None)))
        log.append(TICK if cluster is None else sample(cluster, seq), partition)
    for _ in range(random.randint(1, 4)):
        await _live_a_while(log, clock, random)
        _die(log, random)
    worker = log.restart(clock, forgiving())
    await worker.claim()
    worker.assign()
    await pause()
    for opening in list(worker._partitions):
        if rest := log.samples[opening.partition][opening.start :]:
            await log.settle(worker.process(chunk(opening, rest)))
    await log.settle(worker.release())
    assert not worker.failed.done()
    assert seen_by_sinks(log) == expected(log)
    assert log.committed == {number: len(records) for number, records in log.samples.items()}


async def _live_a_while(log: MemoryLog, clock: ManualClock, random: Random) -> None:
    worker = log.restart(clock, forgiving())
    await worker.claim()
    worker.assign()
    await pause()
    read = {opening: opening.start for opening in worker._partitions}
    for act in random.choices(
        ("read", "ack", "commit", "wait", "rebalance"), (6, 8, 3, 2, 0.3), k=random.randint(1, 60)
    ):
        if act == "read" and read:
            opening = random.choice(list(read))
            records = log.samples[opening.partition][read[opening] : read[opening] + random.randint(1, 6)]
            if records:
                read[opening] += len(records)
                await worker.process(chunk(opening, records))
        elif act == "ack" and log.waiting:
            log.ack(random.choice(list(log.waiting)))
        elif act == "commit":
            await log.flush()
        elif act == "wait":
            clock.advance(random.choice((0.5, 5.0, 30.0)))
        elif act == "rebalance":
            await log.settle(worker.release())
            await worker.claim()
            worker.assign()
            await pause()
            read = {opening: opening.start for opening in worker._partitions}
        await pause()


def _die(log: MemoryLog, random: Random) -> None:
    """Kafka may have received any beginning of each queue."""
    for queue in list(log.waiting):
        for _ in range(random.randint(0, len(log.waiting[queue]))):
            log.ack(queue, lost=True)


async def test_what_another_worker_has_taken_over_is_dropped(caplog: pytest.LogCaptureFixture) -> None:
    """Without its partitions the worker goes on, until the group gives it some again."""
    log, clock = MemoryLog(), ManualClock()
    for seq in range(3):
        log.append(sample("orders", seq))
    worker, opening = await ready(log, clock)
    log.taken_over = True
    await log.settle(worker.process(chunk(opening, log.samples[0])))
    assert log.written == []
    assert worker.committable() == {}
    assert "another worker has taken over" in caplog.text
    worker.check_progress()
    assert not worker.failed.done()
    await worker.claim()
    worker.assign()
    await pause()
    assert worker.committable() == {0: 0}
    assert log.claimed == [{0}, {0}]


async def test_a_state_that_was_never_written_is_not_restored() -> None:
    """Nor are the outputs that it counts as sent: whoever had the partition meanwhile may have sent none of them."""
    log, clock = MemoryLog(), ManualClock()
    for seq in range(3):
        log.append(sample("orders", seq))
    worker, opening = await ready(log, clock)
    log.taken_over = True
    await log.settle(worker.process(chunk(opening, log.samples[0])))
    assert await worker.claim(), "Faust reads all states again"
    worker.assign()
    await pause()
    (opening,) = worker._partitions
    await log.settle(worker.process(chunk(opening, log.samples[0])))
    assert seen_by_sinks(log) == expected(log)
    assert not await worker.claim(), "and not a second time"


async def test_states_of_partitions_that_went_to_another_worker_are_not_kept() -> None:
    """The other one may forget a cluster, which would be back with its alerts when the partition is."""
    log, clock = MemoryLog(), ManualClock()
    log.append(sample("orders"))
    log.append(sample("billing"), partition=1)
    worker, opening = await ready(log, clock)
    (other,) = set(worker._partitions) - {opening}
    await log.settle(worker.process(chunk(opening, log.samples[0])), worker.process(chunk(other, log.samples[1])))
    await log.settle(worker.release())
    assert set(worker._blobs) == {b"orders", b"billing"}
    del log.samples[1]
    assert not await worker.claim()
    assert set(worker._blobs) == {b"orders"}


async def test_a_worker_that_gets_nothing_back_stops() -> None:
    """The group may still take it for the owner: then nobody judges, until it has left."""
    log, clock = MemoryLog(), ManualClock()
    for seq in range(3):
        log.append(sample("orders", seq))
    worker, opening = await ready(log, clock)
    log.taken_over = True
    await log.settle(worker.process(chunk(opening, log.samples[0])))
    clock.advance(STUCK_S + 1)
    worker.check_progress()
    with pytest.raises(UnreachableError, match="no assignment of samples in time"):
        await worker.failed


async def test_partitions_that_were_taken_over_are_put_away_nowhere() -> None:
    """The worker that wakes to a rebalance lets them go, and goes on."""
    log, clock = MemoryLog(), ManualClock()
    for seq in range(2):
        log.append(sample("orders", seq))
    worker, opening = await ready(log, clock)
    await log.settle(worker.process(chunk(opening, log.samples[0])))
    log.taken_over = True
    await log.settle(worker.release())
    assert log.topic("state") == []
    assert log.committed == {}
    assert not worker.failed.done()


@pytest.mark.parametrize(("after_s", "claimed"), [(0.0, [{0}]), (RENEW_S, [{0}, {0}])])
async def test_claims_are_renewed_before_kafka_forgets_them(after_s: float, claimed: list[set[int]]) -> None:
    log, clock = MemoryLog(), ManualClock()
    log.samples[0] = []
    worker, _ = await ready(log, clock)
    worker.check_progress = lambda: None  # type: ignore[method-assign]  # nothing is read here
    clock.advance(after_s)
    beating = asyncio.ensure_future(worker.beat())
    await pause()
    beating.cancel()
    await log.settle()
    assert log.claimed == claimed


async def test_only_what_is_signed_is_judged() -> None:
    """A forged sample, or tick, goes to the dead letters with the reason; the worker's own ticks are signed."""
    log, clock, secret = MemoryLog(), ManualClock(), Secret("battery-staple")
    log.append(sample("orders"))
    log.append(TICK)
    honest = memory_log.record(sample("orders", 1), 2)
    honest.headers += tuple(Signer(secret).sign(Outgoing("", b"orders", honest.value, [])).headers)
    log.samples[0].append(honest)
    worker, opening = await ready(
        log, clock, StreamSettings(kafka=KafkaSettings(topic_prefix="", signing_secret=secret))
    )
    beating = asyncio.ensure_future(worker.beat())
    await pause()
    beating.cancel()
    await log.settle(worker.process(chunk(opening, log.samples[0])), worker.release())
    refused = [dict(letter.headers)["leadline-deadletter-offset"] for letter in log.topic("deadletters")]
    assert refused == [b"0", b"1"]
    (state,) = log.topic("state")
    assert Saved.unpack(state.value or b"").state == Count("orders", 1, [1]).dump()
    for tick in log.topic("samples"):
        SignatureCheck(secret).check(tick)


async def test_forged_records_are_reported_about_clusters_that_exist() -> None:
    """Whoever has no key can raise an incident about no other, and changes nothing of the judgement."""
    log, clock, secret = MemoryLog(), ManualClock(), Secret("battery-staple")
    honest = memory_log.record(sample("orders", 1), 0)
    honest.headers += tuple(Signer(secret).sign(Outgoing("", b"orders", honest.value, [])).headers)
    log.samples[0].append(honest)
    for seq in range(REFUSED_LEAST):
        log.append(sample("orders", seq))
        log.append(sample("invented", seq))
    given = StreamSettings(kafka=KafkaSettings(topic_prefix="", signing_secret=secret))
    worker, opening = await ready(log, clock, given)
    await log.settle(worker.process(chunk(opening, log.samples[0])), worker.release())
    (incident,) = [INCIDENTS.decode(each.value) for each in log.topic("incidents")]
    assert incident.cluster == "orders"
    assert "unsigned" in str(incident.causes)
    assert {state.key for state in log.topic("state")} == {b"orders"}
    assert len(log.topic("deadletters")) == 2 * REFUSED_LEAST
