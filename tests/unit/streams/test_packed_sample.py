"""A packed sample gives with vitals what the sample itself gives."""

import pytest
from hypothesis import given
from msgspec.structs import replace

from bench.fleet import fleet
from leadline.model.activity import Activity, Session
from leadline.model.finding import EngineVitals
from leadline.model.observation import Sample
from leadline.model.replication import Downstream, Positions, Slot, Subscription
from leadline_streams.judge import packed_sample
from leadline_streams.judge.packed_sample import PackedSample
from tests.unit.strategies import values

LOOKS = list(fleet(1, 2))
PRIMARY, STANDBY = LOOKS[0], LOOKS[1]


@given(base=values(Sample))
def test_whatever_a_sample_has_that_vitals_lack_is_packed(base: Sample) -> None:
    base = replace(base, subscriptions=())
    packed = PackedSample.of(base)
    assert isinstance(packed, PackedSample)
    assert packed.is_like(base)
    assert packed == PackedSample.of(packed.unpack())
    assert bare(packed.unpack()) == bare(base)


@pytest.mark.parametrize(("base", "look"), list(zip(LOOKS[:3], LOOKS[3:], strict=True)))
def test_vitals_make_of_a_packed_sample_what_they_make_of_it(base: Sample, look: Sample) -> None:
    vitals, packed = EngineVitals.of(look, base), PackedSample(base)
    assert vitals is not None
    assert vitals.shape == packed.shape
    assert vitals.whole(packed.unpack()) == vitals.whole(base) == look
    assert packed.is_like(look)


@pytest.mark.parametrize("look", [PRIMARY, STANDBY], ids=["primary", "standby"])
def test_a_packed_sample_is_small(look: Sample) -> None:
    """As objects these two take 3 kB each."""
    packed = PackedSample(look)
    assert len(packed._data) < 400


OTHERS = {
    "database": "other",
    "login": "other",
    "not_permitted": ("slots",),
    "left_out": {"slots": 3},
    "publications": ("pub",),
    "conflicts": {"shop": {"lock": 1}},
    "node": replace(STANDBY.node, version="18.2"),
    "positions": Positions(startup_wait="IPC/RecoveryPause"),
    "upstream": None,
    "activity": Activity(oldest=(Session(pid=7),)),
    "downstreams": (Downstream(name="other"),),
    "slots": (Slot(name="other", active=True),),
    "subscriptions": (Subscription(name="sub"),),
}


@pytest.mark.parametrize("name", OTHERS)
def test_a_packed_sample_is_unlike_one_with_anything_else_in_it(name: str) -> None:
    """The fast path compares the samples then."""
    changed = replace(STANDBY, **{name: OTHERS[name]})
    assert not PackedSample(STANDBY).is_like(changed)


def bare(sample: Sample) -> Sample:
    """A sample without the numbers that vitals have, computed otherwise than by packing."""

    def part(value: object) -> object:
        if isinstance(value, tuple):
            return tuple(part(each) for each in value)
        kind = type(value)
        if kind not in EngineVitals.NUMBERS:
            return value
        defaults = dict.fromkeys(EngineVitals.NUMBERS[kind])
        inner = {name: part(getattr(value, name)) for name in ("oldest",) if hasattr(value, name)}
        return replace(value, **defaults, **inner)  # type: ignore[type-var]

    at = LOOKS[0].at
    fields = {name: part(getattr(sample, name)) for name in Sample.__struct_fields__ if name not in EngineVitals.RARE}
    return replace(sample, **{**fields, **dict.fromkeys(EngineVitals.RARE), "seq": 0, "at": at, "sent_at": at})


def test_samples_of_subscribers_are_not_packed() -> None:
    """They never take the fast path, and causes read their subscriptions again and again."""
    subscriber = replace(STANDBY, subscriptions=(Subscription(name="sub"),))
    assert PackedSample.of(subscriber) is subscriber
    assert not PackedSample(STANDBY).is_like(subscriber)


def test_every_field_of_a_sample_is_packed_or_named() -> None:
    """A field that is added to a sample or its parts is kept without a change here."""
    assert {*packed_sample._OF_SAMPLE, *packed_sample._BESIDE} == {*Sample.__struct_fields__}
