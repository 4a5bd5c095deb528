"""Properties: two independent faults on one cluster, in any order and overlap, are two incidents; one is one."""

from collections.abc import Collection
from itertools import combinations, pairwise
from typing import Any, NamedTuple

import pytest
from hypothesis import assume, example, given
from hypothesis import strategies as st

from leadline.catalogue.entry import LATE
from leadline.model.incident import Incident
from leadline_streams.judge.one_moment import AT_ONCE_S
from leadline_streams.judge.policy import Policy
from leadline_streams.rules import RULES
from tests.unit.properties import histories, length
from tests.unit.streams.fleet import Fleet
from tests.unit.streams.world import QUICK

SOON: dict[str, Any] = {**dict.fromkeys(RULES, QUICK), "replication_lag": {**QUICK, "warning": 3.0}}
LATEST = length(40, deep=130)
"""Seconds after the first fault at which the second one begins at the latest."""


CHAIN = ["pg-1", "pg-2", "pg-3", "pg-6"]
"""Each follows the one before it."""
FOLLOWERS = {"pg-1": {"pg-2", "pg-4", "pg-5"}, "pg-2": {"pg-3"}, "pg-3": {"pg-6"}}


class Fault(NamedTuple):
    """Something wrong with one server."""

    kind: str
    server: str
    cause: str
    """Code and subject of the cause that must come first."""

    @property
    def below(self) -> set[str]:
        """The servers that are late behind this one."""
        return {
            *FOLLOWERS.get(self.server, ()),
            *(CHAIN[CHAIN.index(self.server) + 1 :] if self.server in CHAIN else ()),
        }

    def masks(self, other: "Fault") -> bool:
        """Whether the other one cannot be seen while this one lasts."""
        follows = other.server in FOLLOWERS.get(self.server, ())
        return self.server == other.server or (self.kind == "down" and follows and other.kind in ("apart", "failing"))


def _standby(name: str, link: str) -> list[Fault]:
    return [
        Fault("paused", name, f"replay_paused_by_operator orders/{link}"),
        Fault("apart", name, f"standby_cannot_connect orders/{link}"),
        Fault("down", name, f"standby_down orders/{name}"),
    ]


FAULTS = [
    *_standby("pg-2", "pg-1->pg-2"),
    *_standby("pg-3", "pg-2->pg-3"),
    *_standby("pg-6", "pg-3->pg-6"),
    *_standby("pg-4", "pg-1->pg-4"),
    Fault("failing", "pg-5", "subscriber_duplicate_key orders/pg-5/subscription/sub"),
    Fault("down", "pg-1", "primary_down orders/pg-1"),
]


PAIRS = [(one, other) for one in FAULTS for other in FAULTS if not (one.masks(other) or other.masks(one))]
SIBLINGS = {"standby_cannot_connect orders/pg-1->pg-2", "standby_cannot_connect orders/pg-1->pg-4"}
"""Links of one upstream, of which nobody can know that they have two roots where they end in one moment."""


def play(fleet: Fleet, seconds: int, *faults: Fault) -> None:
    """Let these faults last for so long."""
    by_kind: dict[str, set[str]] = {"paused": set(), "apart": set(), "down": set()}
    for fault in faults:
        if fault.kind != "failing":
            by_kind[fault.kind].add(fault.server)
    fleet.run(seconds, failing=any(fault.kind == "failing" for fault in faults), **by_kind)  # type: ignore[arg-type]


def healthy() -> Fleet:
    """A fleet that has been healthy for ten seconds."""
    fleet = Fleet(Policy(quiet_s=5.0, rules=SOON), deep=True)
    fleet.run(10)
    return fleet


def newest(fleet: Fleet) -> list[Incident]:
    """The newest record of each incident that was not merged into another."""
    last = {one.incident_id: one for one in fleet.incidents}
    return [one for one in last.values() if one.merged_into is None]


def first(incident: Incident) -> str:
    """The first cause as ``Fault`` has it."""
    return f"{incident.causes[0].code} {incident.causes[0].subject.id}"


@pytest.mark.slow
@example(
    (
        Fault("apart", "pg-3", "standby_cannot_connect orders/pg-2->pg-3"),
        Fault("paused", "pg-4", "replay_paused_by_operator orders/pg-1->pg-4"),
    ),
    40,
    28,
    False,
)
@example(
    (
        Fault("apart", "pg-3", "standby_cannot_connect orders/pg-2->pg-3"),
        Fault("paused", "pg-2", "replay_paused_by_operator orders/pg-1->pg-2"),
    ),
    73,
    30,
    True,
)
@histories()
@given(st.sampled_from(PAIRS), st.integers(0, LATEST), st.integers(20, 60), st.booleans())
def test_two_independent_faults_are_two_incidents(
    pair: tuple[Fault, Fault], between: int, both: int, first_ends_first: bool
) -> None:
    """Each has its own first cause, its own alerts, and ends. What is late behind both is a part of one at a time."""
    one, other = pair
    assume({one.cause, other.cause} != SIBLINGS or between > AT_ONCE_S)
    fleet = healthy()
    play(fleet, between, one)
    play(fleet, both, one, other)
    play(fleet, 20, other if first_ends_first else one)
    play(fleet, 60)
    found = newest(fleet)
    assert sorted(first(each) for each in found) == sorted([one.cause, other.cause]), [each.title for each in found]
    common = set(found[0].alerts) & set(found[1].alerts)
    steps = [step for step in fleet.transitions if step.alert_id in common]
    assert all(step.rule in LATE for step in steps)
    assert {step.subject.downstream for step in steps} <= one.below | other.below
    assert {each.state for each in found} == {"resolved"}


def lasting(fleet: Fleet, spans: dict[Fault, tuple[int, int]]) -> None:
    """Let each fault last from one second to another, and a minute pass after the last."""
    moments = sorted({moment for span in spans.values() for moment in (0, *span)})
    for start, end in pairwise(moments):
        play(fleet, end - start, *(each for each, span in spans.items() if span[0] <= start < span[1]))
    play(fleet, 70)


def independent(faults: Collection[Fault]) -> bool:
    """Whether each of them can be seen whatever the others do."""
    return not any(one.masks(other) for one in faults for other in faults if one is not other)


TRIPLES = [three for three in combinations(FAULTS, 3) if independent(three)]


@pytest.mark.slow
@histories()
@given(
    st.sampled_from(TRIPLES),
    st.tuples(*[st.integers(0, LATEST)] * 3),
    st.tuples(*[st.integers(20, 60)] * 3),
)
def test_three_independent_faults_are_three_incidents(
    three: tuple[Fault, ...], begin: tuple[int, ...], last: tuple[int, ...]
) -> None:
    """In any order and overlap: each has been the first cause of an open incident, and is that of one that ended."""
    starts = {fault.cause: start for fault, start in zip(three, begin, strict=True)}
    together = [starts[cause] for cause in SIBLINGS & starts.keys()]
    assume(len(together) < 2 or abs(together[0] - together[1]) > AT_ONCE_S)
    fleet = healthy()
    lasting(fleet, {f: (start, start + length) for f, start, length in zip(three, begin, last, strict=True)})
    causes = {each.cause for each in three}
    assert causes <= {first(each) for each in fleet.incidents if each.state == "open"}
    assert sorted(first(each) for each in newest(fleet)) == sorted(causes)
    assert {each.state for each in newest(fleet)} == {"resolved"}


@pytest.mark.slow
@histories()
@given(st.sampled_from(PAIRS), st.integers(5, 60), st.integers(0, 60))
def test_a_fault_that_returns_beside_another(pair: tuple[Fault, Fault], away: int, before: int) -> None:
    """It reopens its incident with one generation more, or is another one; the other fault's is neither."""
    one, other = pair
    assume({one.cause, other.cause} != SIBLINGS)
    fleet = healthy()
    play(fleet, before, other)
    play(fleet, 30, one, other)
    play(fleet, away, other)
    play(fleet, 30, one, other)
    play(fleet, 20, other)
    play(fleet, 60)
    found = newest(fleet)
    assert {first(each) for each in found} == {one.cause, other.cause}
    (lasting_,) = [each for each in found if first(each) == other.cause]
    assert lasting_.reopened == []
    returned = [each for each in found if first(each) == one.cause]
    assert len(returned) == 1
    assert {each.state for each in found} == {"resolved"}


@pytest.mark.slow
@pytest.mark.parametrize(
    "spans",
    [
        {"paused pg-2": (79, 189), "apart pg-3": (19, 99), "paused pg-6": (28, 59)},
        {"down pg-1": (55, 86), "apart pg-3": (26, 89), "paused pg-2": (65, 163)},
        {"apart pg-2": (28, 70), "apart pg-4": (3, 41), "down pg-3": (54, 159)},
        {"apart pg-2": (0, 20), "down pg-3": (30, 50), "paused pg-6": (7, 27)},
        {"apart pg-2": (61, 81), "down pg-3": (45, 65), "paused pg-6": (0, 20)},
    ],
)
def test_three_faults_are_three_incidents(spans: dict[str, tuple[int, int]]) -> None:
    """Each has been the first cause of an open incident, and is that of one that ended."""
    faults = {each: span for each in FAULTS if (span := spans.get(f"{each.kind} {each.server}"))}
    fleet = healthy()
    lasting(fleet, faults)
    causes = {each.cause for each in faults}
    assert causes <= {first(each) for each in fleet.incidents if each.state == "open"}
    assert sorted(first(each) for each in newest(fleet)) == sorted(causes)


@pytest.mark.slow
@example(Fault("down", "pg-2", "standby_down orders/pg-2"), 61)
@histories()
@given(st.sampled_from(FAULTS), st.integers(20, LATEST + 40))
def test_one_fault_is_one_incident(fault: Fault, seconds: int) -> None:
    """However far down the chain it shows, and whatever else it makes fire."""
    fleet = healthy()
    play(fleet, seconds, fault)
    play(fleet, 60)
    (found,) = newest(fleet)
    assert first(found) == fault.cause
    severities = [each.severity for each in fleet.incidents]
    rose = severities[0] == "warning" and "critical" in severities  # a long lag becomes critical
    assert found.generation == (2 if rose else 1)
