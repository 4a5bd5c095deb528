"""A reader gets exactly the samples that an agent made, in whichever form each was sent."""

from datetime import timedelta
from typing import Any

import pytest
from aiokafka.record.default_records import DefaultRecordBatchBuilder
from hypothesis import given
from msgspec.structs import replace

from bench.fleet import fleet
from leadline import wire
from leadline.clock import ManualClock
from leadline.model.finding import EngineVitals
from leadline.model.host import Cost, Disk
from leadline.model.observation import Sample
from leadline.model.pg_vitals import PostgresqlVitals
from leadline.model.vitals import Vitals
from leadline_agents.wire_form import AGAIN_S, WHOLE_EVERY_S, WireForm
from tests.unit.strategies import values

STANDBYS = 2
CLUSTER = "cluster-00000"


class Agent:
    """The looks of one node, and the samples that a reader makes of what is sent."""

    def __init__(self, vitals: type[EngineVitals] | None = PostgresqlVitals) -> None:
        self.clock = ManualClock()
        self.form = WireForm(vitals, self.clock)
        self.base: Sample | None = None

    def sends(self, sample: Sample, delivery: Any = None) -> bool:
        """Whether it sends the sample whole; the reader has it in any case."""
        sent = wire.OBSERVATIONS.decode(wire.encode(self.form.of(sample, delivery)))
        self.clock.advance(1.0)
        exact = wire.OBSERVATIONS.decode(wire.encode(sample))
        if isinstance(sent, Sample):
            assert sent == exact
            self.base = sent
            return True
        assert isinstance(sent, Vitals)
        assert self.base is not None
        assert (sent.base, sent.boot, sent.node) == (self.base.seq, self.base.node.boot, self.base.node.name)
        assert sent.sent_at == exact.sent_at  # type: ignore[union-attr]
        assert sent.fits(self.base)
        assert sent.whole(self.base) == exact
        return False


def looks(node: int = 0, seconds: int = 40) -> list[Sample]:
    """Those at a primary, or at one of its standbys."""
    return list(fleet(1, seconds))[node :: 1 + STANDBYS]


@given(sample=values(Sample))
def test_any_sample(sample: Sample) -> None:
    """Whatever a server shows, after something else and again."""
    agent = Agent()
    usual, *_ = looks(seconds=1)
    for seen in (usual, sample, replace(sample, seq=sample.seq // 2, cost=Cost(statement_ms=1.5)), usual):
        agent.sends(seen)


@pytest.mark.parametrize("node", range(1 + STANDBYS))
def test_a_quiet_minute(node: int) -> None:
    """The first look is whole, one soon after it, and then one each 30 s."""
    agent = Agent()
    whole = [agent.sends(sample) for sample in looks(node, 65)]
    assert [second for second, sent in enumerate(whole) if sent] == [0, AGAIN_S, AGAIN_S + WHOLE_EVERY_S]


def test_after_anything_that_may_have_lost_the_base_the_next_look_is_whole() -> None:
    """It is given what it depends on: records dropped, connections opened."""
    agent = Agent()
    deliveries = [(0, 1), (0, 1), (16, 1), (16, 1), (16, 2), (16, 2)]
    whole = [agent.sends(sample, delivery) for sample, delivery in zip(looks(), deliveries, strict=False)]
    assert whole == [True, False, True, False, True, False]


def test_a_server_that_did_not_answer_is_sent_whole_before_and_after() -> None:
    """No vitals stand on a look without an answer, or on one from before it."""
    agent = Agent()
    first, second, third, fourth, fifth = looks(seconds=5)
    down = Sample(node=third.node, seq=third.seq, at=third.at, sent_at=third.sent_at, up=False, error="gone")
    whole = [agent.sends(sample) for sample in (first, second, down, fourth, fifth)]
    assert whole == [True, False, True, True, False]


CHANGES: list[dict[str, Any]] = [
    {"node.role": "standby"},
    {"node.timeline": 2},
    {"interval_s": 2.0},
    {"downstreams": ()},
    {"slots": ()},
    {"activity": None},
    {"conflicts": {"shop": {"lock": 1}}},
    {"not_permitted": ("disk",)},
    {"downstreams.pid": 99},
    {"downstreams.state": "catchup"},
    {"downstreams.sync_state": "sync"},
    {"slots.active": False},
    {"slots.wal_status": "lost"},
    {"activity.sync_waiters": 1},
    {"archiver.failed": 1},
]


@pytest.mark.parametrize("change", CHANGES, ids=lambda change: next(iter(change)))
def test_a_change_that_is_not_one_of_the_numbers_is_sent_whole_at_once(change: dict[str, Any]) -> None:
    """And what follows stands on that."""
    agent = Agent()
    first, second, third, fourth, fifth = looks(seconds=5)
    whole = [agent.sends(sample) for sample in (first, second, *(changed(each, change) for each in (third, fourth)))]
    assert whole == [True, False, True, False]
    assert agent.sends(fifth)


def changed(sample: Sample, change: dict[str, Any]) -> Sample:
    ((path, value),) = change.items()
    group, _, field = path.partition(".")
    if field:
        inside = getattr(sample, group)
        value = tuple(replace(each, **{field: value}) for each in inside) if isinstance(inside, tuple) else value
        value = value if isinstance(inside, tuple) else replace(inside, **{field: value})
    return replace(sample, **{group: value})


def test_a_group_that_few_samples_have_is_sent_whole_once() -> None:
    """Vitals stand on the sample that has it, and make samples without it."""
    agent = Agent()
    first, second, third, *_ = looks()
    disk = Disk(wal_bytes=1, wal_files=1)
    assert [agent.sends(sample) for sample in (first, replace(second, disk=disk), third)] == [True, True, False]


def test_waits_change_at_each_look_and_are_sent_with_the_numbers() -> None:
    """On a busy server senders and the startup process wait for something else each time."""
    agent = Agent()
    first, second, third, *_ = looks()
    busy = replace(second, downstreams=tuple(replace(row, wait="IO/WalRead") for row in second.downstreams))
    assert [agent.sends(sample) for sample in (first, busy, third)] == [True, False, False]
    agent = Agent()
    first, second, *_ = looks(1)
    assert first.positions is not None
    none = replace(second, positions=replace(second.positions, startup_wait=None))  # type: ignore[type-var]
    assert [agent.sends(sample) for sample in (first, none)] == [True, False]


def test_times_that_vitals_cannot_have_are_sent_whole() -> None:
    """A server whose clock is centuries wrong is still seen."""
    agent = Agent()
    first, second, *_ = looks()
    assert agent.sends(first)
    assert agent.sends(replace(second, at=second.at + timedelta(days=365 * 100)))


def test_a_sample_that_readers_refuse_is_sent_as_it_is() -> None:
    """It is for them to say so; no vitals stand on it."""
    agent = Agent()
    first, second, third, *_ = looks()
    large = replace(second, login="x" * wire.MAX_OBSERVATION_BYTES)
    assert agent.sends(first)
    assert agent.form.of(large) is large
    assert agent.sends(third)


def test_an_engine_without_vitals_sends_whole_samples() -> None:
    """So does an agent whose setting says so."""
    agent = Agent(vitals=None)
    assert all(agent.sends(sample) for sample in looks(seconds=5))


def test_a_record_has_350_bytes_at_most() -> None:
    """In the mean of a minute of a primary and its standbys, with key and headers."""
    sizes = []
    for node in range(1 + STANDBYS):
        agent = Agent()
        for sample in looks(node, 60):
            sent = agent.form.of(sample)
            record = wire.outgoing(sent, "") if isinstance(sent, Sample) else wire.outgoing_vitals(sent, CLUSTER, "")
            sizes.append(size(record))
            agent.clock.advance(1.0)
    assert 200 < sum(sizes) / len(sizes) <= 350


def size(record: wire.Outgoing) -> int:
    """Of a record in a batch of its own agent, the batch left out."""
    batch = DefaultRecordBatchBuilder(2, 0, 0, -1, -1, -1, 1 << 20)
    empty = batch.size()
    batch.append(0, 1_800_000_000_000, record.key, record.value, record.headers)
    return batch.size() - empty
