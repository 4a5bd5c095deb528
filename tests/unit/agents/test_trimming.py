"""A look at a server that has very much: what says most is sent, and how much is not, is counted."""

from typing import Any

import pytest
from hypothesis import given
from msgspec.structs import replace

from leadline import wire
from leadline.clock import ManualClock
from leadline.model.observation import Sample
from leadline.model.pg_vitals import PostgresqlVitals
from leadline.model.replication import Slot, Subscription
from leadline.model.tables import Tables
from leadline.rows import GROUPS, MOST_ROWS
from leadline_agents.trimming import CHOSEN_S, SHOWN_HEALTHY_S, Trimmer
from leadline_agents.wire_form import WireForm
from tests.unit.agents.test_wire_form import looks
from tests.unit.strategies import values

SLOT = Slot(
    name="",
    kind="logical",
    plugin="pgoutput",
    database="app",
    active=True,
    restart_lsn="2A/10000000",
    confirmed_lsn="2A/10000100",
    retained_bytes=0,
    catalog_xmin_age=1000,
    wal_status="reserved",
    safe_wal_bytes=99_999_999,
    inactive_s=None,
    spill_txns=10,
    spill_bytes=1000,
    total_txns=30,
    total_bytes=100_000,
)


def slot(number: int, **fields: Any) -> Slot:
    """One of very many."""
    return replace(SLOT, name=f"customer_{number:05d}", **fields)


def look(*slots: Slot, **fields: Any) -> Sample:
    """At a server with these slots."""
    first, *_ = looks(seconds=1)
    return replace(first, slots=slots, **fields)


@pytest.fixture
def clock() -> ManualClock:
    """A clock that stands still."""
    return ManualClock()


@pytest.fixture
def trimmer(clock: ManualClock) -> Trimmer:
    """Of one server."""
    return Trimmer(clock)


def test_five_thousand_slots_are_sent_and_read(trimmer: Trimmer) -> None:
    """All of them, as whole sample and as vitals."""
    sample = look(*(slot(number) for number in range(5000)))
    assert trimmer.fitted(sample) is sample
    assert len(wire.OBSERVATIONS.decode(wire.encode(sample)).slots) == 5000  # type: ignore[union-attr]
    form = WireForm(PostgresqlVitals, ManualClock())
    form.of(sample)
    assert not isinstance(form.of(replace(sample, seq=2)), Sample)


def test_those_that_fail_are_sent_and_the_others_are_counted(trimmer: Trimmer) -> None:
    """The order of those that are sent is that of the server."""
    lost = {7, 6_000, 14_999}
    slots = [slot(n, **({"wal_status": "lost"} if n in lost else {})) for n in range(15_000)]
    sent = trimmer.fitted(look(*slots))
    assert len(wire.encode(sent)) <= wire.MAX_OBSERVATION_BYTES
    assert len(sent.slots) + sent.left_out["slots"] == 15_000
    assert len(sent.slots) > 5000
    assert {each.name for each in sent.slots} >= {f"customer_{n:05d}" for n in lost}
    assert list(sent.slots) == sorted(sent.slots, key=lambda each: each.name)


@pytest.mark.slow
def test_the_same_rows_are_sent_while_they_are_as_urgent_as_others(trimmer: Trimmer, clock: ManualClock) -> None:
    """Whatever their numbers are: other rows could not stand on the whole sample before. Then the worst are chosen."""

    def names(turn: int) -> set[str]:
        slots = (slot(n, active=False, retained_bytes=(n * 7919 * turn) % 15_013) for n in range(15_000))
        return {each.name for each in trimmer.fitted(look(*slots)).slots}

    before = names(1)
    clock.advance(1.0)
    assert names(2) == before
    clock.advance(CHOSEN_S)
    assert names(2) != before


@pytest.mark.slow
def test_a_row_is_sent_for_a_while_after_its_failure(trimmer: Trimmer, clock: ManualClock) -> None:
    """So that readers see that it is over."""
    many = [slot(n, retained_bytes=1000) for n in range(15_000)]
    trimmer.fitted(look(*many, slot(99_999, active=False)))
    clock.advance(CHOSEN_S)
    assert trimmer.fitted(look(*many, slot(99_999))).slots[-1].name == "customer_99999"
    clock.advance(SHOWN_HEALTHY_S + 1)
    assert trimmer.fitted(look(*many, slot(99_999))).slots[-1].name != "customer_99999"


def test_what_kafka_refused_becomes_less(trimmer: Trimmer) -> None:
    """A topic may take smaller records."""
    sample = look(*(slot(number) for number in range(5000)))
    size = len(wire.encode(sample))
    assert len(wire.encode(trimmer.fitted(sample, refused_bytes=size))) <= size / 2


def test_lists_of_tables_give_way_before_any_row(trimmer: Trimmer) -> None:
    """They are not read at each look anyway."""
    tables = {"everything": tuple(f"public.{n}_{'x' * 50}" for n in range(100_000))}
    sent = trimmer.fitted(look(*(slot(n) for n in range(100)), subscribes=tables, tables=Tables()))
    assert sent.subscribes is None
    assert (len(sent.slots), sent.tables) == (100, None)
    assert sent.left_out == {"tables": 1, "subscribes": 1}


def test_no_kind_of_row_takes_the_room_of_all_others(trimmer: Trimmer) -> None:
    """The most numerous give way first."""
    subscriptions = tuple(Subscription(name=f"sub_{n:050d}") for n in range(100))
    sent = trimmer.fitted(look(*(slot(n) for n in range(15_000)), subscriptions=subscriptions))
    assert len(sent.subscriptions) == 100


@given(sample=values(Sample))
def test_a_usual_look_is_sent_as_it_is(sample: Sample) -> None:
    """Whatever it shows."""
    assert Trimmer(ManualClock()).fitted(sample) is sample


@given(sample=values(Sample))
def test_what_is_not_sent_is_counted(sample: Sample) -> None:
    """However little Kafka takes."""
    sent = Trimmer(ManualClock()).fitted(sample, refused_bytes=1000)
    for group in GROUPS:
        left = sent.left_out.get(group, 0) - sample.left_out.get(group, 0)
        assert len(getattr(sent, group)) + left == len(getattr(sample, group)) <= MOST_ROWS
