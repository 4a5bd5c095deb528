"""Whoever cannot be judged, saved or written is set aside alone, and people are notified until it is judged again."""

from random import randbytes
from types import SimpleNamespace
from typing import Any

import msgspec
import pytest
from aiokafka.errors import CorruptRecordException

from leadline import wire
from leadline.clock import ManualClock, moment
from leadline.deadletters import MAX_KEPT_BYTES, Rejected, Unreadable
from leadline.model.alert import Evidence
from leadline.model.incident import Incident, TimelineEntry
from leadline.model.observation import Tick
from leadline.wire import INCIDENTS, MAX_RECORD_BYTES, Outgoing
from leadline_streams.runtime import cluster_failure
from leadline_streams.runtime.cluster_failure import QUIET_S, REFUSED_LEAST, RULE, ClusterFailure
from leadline_streams.runtime.fitting import fitted
from leadline_streams.runtime.partition import LOST_S, MOST_DEFECTS, STEPS_PER_RECORD, Partition
from leadline_streams.runtime.saving import StateWriter
from leadline_streams.runtime.snapshot import Saved
from leadline_streams.runtime.worker import Worker
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
)


def tick(seconds: float) -> Tick:
    return Tick(at=moment(AT.timestamp() + seconds))


async def judged(log: MemoryLog, factory: Any = None) -> Worker:
    """A worker that has judged everything in a topic, and saved it."""
    states = {each.key: each.value for each in log.topic("state") if each.key and each.value}
    worker = log.worker = Worker(forgiving(), ManualClock(), factory or Counts(), log, states)
    await worker.claim()
    worker.assign()
    await pause()
    (opening,) = worker._partitions
    start = worker._partitions[opening].position
    await log.settle(worker.process(chunk(opening, log.samples[0][start:])))
    await log.settle(worker.release())
    assert not worker.failed.done()
    assert log.committed == {0: len(log.samples[0])}
    return worker


def reported(log: MemoryLog) -> list[Incident]:
    """The incidents on the topic."""
    return [INCIDENTS.decode(each.value) for each in log.topic("incidents")]


class Poisoned(Count):
    """A judgement that fails at samples that are marked."""

    def enqueue(self, seen: Any, spooled: bool = False, packed: bytes = b"") -> None:
        if seen.error == "poison":
            raise OverflowError("date value out of range")
        super().enqueue(seen, spooled)


class Poison(Counts):
    """Makes such judgements."""

    def new(self, cluster: str, seq_floor: int = 0) -> Count:
        return Poisoned(cluster)

    def load(self, data: bytes) -> Count:
        state = Counts().load(data)
        return Poisoned(state.cluster, state.seen, state.last)


async def test_people_are_notified_of_a_record_that_cannot_be_judged_until_all_can() -> None:
    """Once, and by a worker that takes over meanwhile, too."""
    log = MemoryLog()
    for each in (sample("orders"), tick(0), sample("orders", 1, "poison"), sample("orders", 2, "poison"), tick(1)):
        log.append(each)
    await judged(log, Poison())
    (opened,) = reported(log)
    assert (opened.cluster, opened.state, opened.rules, opened.seq) == ("orders", "open", [RULE], 1)
    assert opened.causes[0].code == "judgement_defect"
    assert "OverflowError" in opened.causes[0].evidence_for[0].value
    assert opened.causes[0].steps
    assert len(log.topic("deadletters")) == 2
    log.append(tick(QUIET_S))
    log.append(tick(QUIET_S + 2))
    await judged(log, Poison())
    assert [(each.incident_id, each.seq, each.state) for each in reported(log)[1:]] == [
        (opened.incident_id, 2, "resolved")
    ]


async def test_the_same_records_read_again_are_the_same_incident() -> None:
    """A worker is killed after the incident was written, and before the state was."""
    log = MemoryLog()
    for each in (sample("orders"), tick(0), sample("orders", 1, "poison"), tick(1)):
        log.append(each)
    await judged(log, Poison())
    log.written = [each for each in log.written if each.topic != "state"]
    log.committed.clear()
    await judged(log, Poison())
    assert reported(log)[0] == reported(log)[1]


@pytest.mark.parametrize("known", [True, False])
async def test_people_are_notified_of_a_cluster_whose_records_cannot_be_used(known: bool) -> None:
    """Whether it was ever judged or not; a few such records are no incident."""
    log = MemoryLog()
    log.append(tick(0))
    if known:
        log.append(sample("orders"))
    for _ in range(REFUSED_LEAST - 1):
        log.append(b"garbage", key=b"orders")
    log.append(b"garbage", key=b"\xff")
    await judged(log)
    assert reported(log) == []
    log.append(tick(1))
    log.append(b"garbage", key=b"orders")
    worker = await judged(log)
    if known:
        (opened,) = reported(log)
        assert (opened.cluster, opened.causes[0].code) == ("orders", "records_refused")
    assert not worker.failed.done()


async def test_a_state_that_cannot_be_read_stops_nobody() -> None:
    """Its cluster is judged anew, with numbers above those that were used; the state is in the dead letters."""
    floors: list[int] = []

    class Anew(Counts):
        def new(self, cluster: str, seq_floor: int = 0) -> Count:
            floors.append(seq_floor)
            return super().new(cluster)

    log = MemoryLog()
    for seq in range(5):
        log.append(sample("orders", seq))
        log.append(sample("billing", seq))
    lost = Saved(0, 3, b"not a fold").pack()
    log.written.append(Outgoing("state", b"orders", lost, [], 0))
    log.written.append(Outgoing("state", b"billing", b"\x63 of another version", [], 0))
    log.written.append(Outgoing("state", b"\xff", b"\x63", [], 0))
    log.written.append(Outgoing("state", b"good", Saved(0, 4, Count("good", 7).dump()).pack(), [], 0))
    log.append(tick(1))
    await judged(log, Anew())
    assert {each.cluster: each.causes[0].code for each in reported(log)} == {
        "orders": "state_unreadable",
        "billing": "state_unreadable",
    }
    assert {each.key: each.value for each in log.topic("deadletters")}[b"orders"] == lost
    states = {each.key: Saved.unpack(each.value or b"") for each in log.topic("state")[4:]}
    assert {key: Counts().load(saved.state).seen for key, saved in states.items()} == {
        b"orders": 4,
        b"billing": 6,
        b"good": 8,
    }
    assert 3 * STEPS_PER_RECORD in floors


async def test_a_batch_of_states_that_the_client_cannot_read_stops_nobody() -> None:
    """Their cluster is not known: a cluster that shows now without a state is judged anew, and people hear of it.

    https://github.com/faust-streaming/faust/issues/432 (recovery waits for ever for an offset that cannot be read).
    """
    log = MemoryLog()
    for seq in range(3):
        log.append(sample("orders", seq))
        log.append(sample("good", seq))
    log.written.append(Outgoing("state", b"good", Saved(0, 4, Count("good", 7).dump()).pack(), [], 0))
    log.unusable = [
        Unreadable(7, 9, 0, 0, CorruptRecordException("a wrong checksum"), "state", 0),
        record(b"no key", 9, key=None),
    ]
    log.append(tick(1))
    await judged(log)
    (opened,) = reported(log)
    assert (opened.cluster, opened.causes[0].code) == ("orders", "state_unreadable")
    letters = [dict(each.headers) for each in log.topic("deadletters")]
    assert [(each["leadline-deadletter-topic"], each["leadline-deadletter-offset"]) for each in letters] == [
        (b"state", b"7"),
        (b"state", b"9"),
    ]


def test_a_cluster_that_begins_much_later_has_lost_nothing() -> None:
    """However many states could not be read when the worker began."""
    held = Partition(0, 0, Counts(), {}, flush_s=10.0)
    held.expect_lost("a wrong checksum", 0.0)
    folded = held.fold([record(sample("new"), 0), record(tick(1), 1)], LOST_S)
    assert not [output for _, output in folded.outputs if isinstance(output, Incident)]


async def test_a_state_that_is_too_large_is_reported_and_an_older_one_is_not_used() -> None:
    """Its numbers were used since: incidents with the same ones would be taken for old ones."""
    floors: list[int] = []

    class Large(Count):
        def dump(self) -> bytes:
            return super().dump() if self.seen < 3 else randbytes(5000)

    class Grows(Counts):
        def new(self, cluster: str, seq_floor: int = 0) -> Count:
            floors.append(seq_floor)
            return Large(cluster)

        def load(self, data: bytes) -> Count:
            state = super().load(data)
            return Large(state.cluster, state.seen, state.last)

    log = MemoryLog()
    log.most_bytes = 4000
    log.append(sample("orders", 0))
    log.append(tick(0))
    await judged(log, Grows())
    log.append(sample("orders", 1))
    await judged(log, Grows())
    assert reported(log) == []
    log.append(tick(1))
    await judged(log, Grows())
    assert [cause.code for cause in reported(log)[-1].causes] == ["state_unreadable"]
    assert floors == [0, STEPS_PER_RECORD * 3]


async def test_people_are_notified_of_a_state_that_is_too_large_while_its_cluster_is_judged() -> None:
    """Before a restart makes it begin anew."""
    log = MemoryLog()
    log.most_bytes = 4000
    log.samples[0] = []
    await log.claim()
    held = Partition(0, 0, Counts(), {}, flush_s=10.0)
    held.fold([record(sample("orders"))], 0.0)
    (cluster,) = held.clusters.values()
    writer = StateWriter(log, "state", lambda error: pytest.fail(str(error)))
    writer.save(0, cluster, randbytes(5000))
    await log.settle(writer.written())
    assert cluster.saved == 1
    folded = held.fold([record(tick(1), 1)], 0.0)
    ((_, found),) = [each for each in folded.outputs if isinstance(each[1], Incident)]
    assert found.causes[0].code == "state_too_large"


async def test_a_state_from_which_nothing_can_be_judged_is_given_up() -> None:
    """However often it is loaded again, it would fail again."""

    class Broken(Count):
        def tick(self, now: Any) -> list[Any]:
            raise ZeroDivisionError

    class Breaks(Counts):
        def load(self, data: bytes) -> Count:
            return Broken("orders")

    log = MemoryLog()
    log.written.append(Outgoing("state", b"orders", Saved(0, 0, b"[]").pack(), [], 0))
    for seconds in range(MOST_DEFECTS + 3):
        log.append(tick(seconds))
    worker = await judged(log, Breaks())
    codes = [cause.code for cause in reported(log)[-1].causes]
    assert codes == ["judgement_defect", "state_unreadable"]
    assert len(log.topic("deadletters")) == MOST_DEFECTS
    assert not worker.failed.done()


def test_a_record_that_the_client_cannot_read_sets_nothing_back() -> None:
    """It is skipped with the rest of its batch, and the dead letter says where it is."""

    class Batch(list[Any]):
        base_offset, next_offset, max_timestamp, timestamp_type = 1, 4, 0, 0

        def __iter__(self) -> Any:
            yield record(sample("orders"), 1)
            raise UnicodeDecodeError("utf-8", b"\xff", 0, 1, "invalid start byte")

    held = Partition(0, 0, Counts(), {}, flush_s=10.0)
    found = chunk(SimpleNamespace(partition=0, start=0), [])  # type: ignore[arg-type]
    found.batches[:] = [[record(sample("orders"), 0)], Batch(), [record(sample("orders"), 4)]]
    folded = held.fold(found, 0.0)
    (bad,) = folded.rejected
    assert (folded.judged, bad.record.offset) == (3, 2)
    assert "offset 2 to 3" in bad.detail
    assert isinstance(bad.record, Unreadable)


@pytest.mark.parametrize("size", [100, MAX_KEPT_BYTES, 5_000_000])
def test_a_letter_is_never_too_large_for_kafka(size: int) -> None:
    """Whatever is long in it: the key, a header, or the value."""
    for key, headers, value in [
        (b"x" * size, (), b""),
        (b"", (("h" * size, b""),), b""),
        (b"", (("h", b"x" * size), ("none", None)), b"y" * size),
    ]:
        letter = Rejected(SimpleNamespace(**vars(record(value)) | {"key": key, "headers": headers}), "x", "é" * 9999)
        out = letter.letter("deadletters", AT)
        parts = [out.key or b"", out.value or b"", *(name.encode() + (text or b"") for name, text in out.headers)]
        assert sum(map(len, parts)) < 1_000_000


def incident(**changes: Any) -> Incident:
    found = ClusterFailure.begin("orders", AT.timestamp()).noted("judgement_defect", "x", AT.timestamp()).incident
    assert found is not None
    return type(found)(**{field: getattr(found, field) for field in found.__struct_fields__} | changes)


def test_an_output_that_is_too_large_is_shortened_and_says_so() -> None:
    """Readers refuse larger ones, and nobody would be notified."""
    large = incident(
        alerts=[f"a_{number}" for number in range(100_000)],
        title="t" * 1_000_000,
        labels={str(number): "x" * 100 for number in range(10_000)},
        timeline=[TimelineEntry(at=AT, what="\u202e" * 20_000) for _ in range(100)],
    )
    short = INCIDENTS.decode(fitted(large, "", None, MAX_RECORD_BYTES).value)
    assert (short.incident_id, short.seq, short.state) == (large.incident_id, large.seq, large.state)
    assert short.alerts[0] == "a_0"
    assert "too large" in short.timeline[-1].what
    small = incident()
    assert fitted(small, "", None, MAX_RECORD_BYTES) == wire.outgoing(small, "")


def test_what_cannot_be_shortened_is_refused() -> None:
    """Its cluster is set aside then."""
    with pytest.raises(ValueError, match="the limit is 1000"):
        fitted(incident(incident_id="i" * 2000), "", None, 1000)


@pytest.mark.slow
def test_two_thousand_rivals_are_one_incident_that_can_be_read() -> None:
    """Evidence of each would be more than readers take."""
    world = crowds.rivals(500)
    for _ in range(8):
        world.step()
    newest = world.incidents[-1]
    evidence = [Evidence(name="n" * 200, value=str(number)) for number in range(4000)]
    cause = type(newest.causes[0])(
        **{field: getattr(newest.causes[0], field) for field in newest.causes[0].__struct_fields__}
        | {"evidence_for": evidence}
    )
    large = type(newest)(
        **{field: getattr(newest, field) for field in newest.__struct_fields__} | {"causes": [cause] * 3}
    )
    assert len(fitted(large, "", None, MAX_RECORD_BYTES).value or b"") <= MAX_RECORD_BYTES


def test_a_failure_is_saved_with_its_state() -> None:
    """A state without one has no place for it."""
    known = ClusterFailure.begin("orders", AT.timestamp()).noted("judgement_defect", "x", AT.timestamp())
    saved = Saved(3, 17, b"state", cluster_failure.pack(known))
    again = Saved.unpack(saved.pack())
    assert (again, cluster_failure.unpack(again.failure)) == (saved, known)
    assert Saved(3, 17, b"state").pack()[0] == 7
    with pytest.raises(ValueError, match="decompressed"):
        Saved.unpack(saved.pack()[:15])


def test_a_failure_that_becomes_critical_ends_the_acknowledgement() -> None:
    """Records that cannot be used are a warning; a state that is lost beside them is a reason to notify again."""
    failure = ClusterFailure.begin("orders", 0.0)
    for second in range(REFUSED_LEAST):
        failure = failure.noted("records_refused", "bad", float(second))
    assert failure.incident is not None
    assert (failure.incident.severity, failure.incident.generation) == ("warning", 1)
    worse = failure.noted("state_unreadable", "garbage", 30.0).incident
    assert worse is not None
    assert (worse.severity, worse.generation, worse.seq) == ("critical", 2, 2)
    again = msgspec.structs.replace(failure, incident=worse).noted("judgement_defect", "KeyError", 40.0).incident
    assert again is not None
    assert (again.severity, again.generation) == ("critical", 2)
