"""The cost of a cluster grows with its size, not with the square of it, whatever is wrong with it."""

import sys
from collections import Counter
from collections.abc import Callable
from types import CodeType, FrameType
from typing import Any

import pytest
from msgspec.structs import replace

from leadline_streams.judge import retiring
from leadline_streams.judge.incident import MOST_ALERTS
from tests.unit.streams import crowds
from tests.unit.streams.crowds import Crowd

SIZE = 150
VERY_MANY = (200, pytest.param(5000, marks=pytest.mark.slow))
ROUNDS = 9
BREAKS_AT = 4
MOST_GROWTH = 2.2
"""Of twice the size: 2 is linear, and 4 the square."""
MOST_GROWTH_OF_ONE = 2.6
"""The same of one function: that of most of them is hidden in the whole while a cluster is small."""

Break = Callable[[Crowd], None] | None


def paused(size: int) -> Crowd:
    """Standbys whose replay is paused."""
    return crowds.star(size, paused=True)


def lines(make: Callable[[int], Crowd], size: int, fails: Break) -> Counter[CodeType]:
    """Lines that are executed while a cluster is judged, by function: the same on every machine, however busy.

    Each turn of a loop counts, also of one that calls nothing.
    """
    world, counts = make(size), Counter[CodeType]()
    for second in range(ROUNDS):
        if second == BREAKS_AT and fails is not None:
            fails(world)
        counts += counted(world.step)
    return counts


def counted(run: Callable[[], object]) -> Counter[CodeType]:
    """Lines that a call executes, by function."""
    counts = Counter[CodeType]()

    def count(frame: FrameType, event: str, _: object) -> Any:
        if event == "line":
            counts[frame.f_code] += 1
        return count

    before = sys.gettrace()
    sys.settrace(count)
    try:
        run()
    finally:
        sys.settrace(before)
    return counts


@pytest.mark.slow
@pytest.mark.parametrize(
    ("make", "fails"),
    [
        (crowds.star, None),
        (crowds.star, crowds.lose_all),
        (crowds.star, crowds.stop_all),
        (paused, None),
        (crowds.strangers, crowds.stop_all),
        (crowds.rivals, None),
        (crowds.unwatched, None),
        (crowds.lost_slots, None),
        (crowds.subscriptions, None),
        (crowds.chain, crowds.stop_all),
        (crowds.orphans, None),
        (crowds.nameless, None),
        (crowds.without_slots, crowds.stop_all),
        (crowds.forsaken, None),
        (crowds.copying, None),
        (crowds.created_on_standbys, None),
        (crowds.copy_slots, None),
    ],
)
def test_twice_the_size_is_twice_the_cost(make: Callable[[int], Crowd], fails: Break) -> None:
    """From the first sample on, while it is discovered, while it fails and while the causes are looked for."""
    lines(make, 8, fails)  # what is computed once for the process
    once, twice = lines(make, SIZE, fails), lines(make, 2 * SIZE, fails)
    assert twice.total() <= MOST_GROWTH * once.total()
    most = {code.co_name: (once[code], twice[code]) for code in twice if twice[code] > 20 * SIZE}
    assert {name: counts for name, counts in most.items() if counts[1] > MOST_GROWTH_OF_ONE * counts[0]} == {}


@pytest.mark.parametrize("size", [8, *(pytest.param(size, marks=pytest.mark.slow) for size in (24, 64))])
def test_neighbours_that_change_all_the_time_are_looked_at_for_a_bounded_time(size: int) -> None:
    """At once while a cluster is small; beyond that so seldom that comparing all with all costs no more a second."""
    assert restless(2 * size) <= 3 * restless(size)


def restless(size: int) -> int:
    """Lines of finding links while each standby of a cluster connects anew each second."""
    world, counts = crowds.star(size), Counter[CodeType]()
    for second in range(6):
        primary, *standbys = world.servers.values()
        rows = tuple(replace(row, pid=row.pid + 1) for row in primary.fields["downstreams"])
        primary.set(downstreams=rows)
        for server in standbys:
            server.set(upstream=replace(server.fields["upstream"], pid=1000 + second))
        counts += counted(world.step)
    return sum(count for code, count in counts.items() if "engines" in code.co_filename)


class Counted(str):
    """A name that counts how often it is hashed or compared: loops over tuples and sets execute no lines."""

    __slots__ = ()
    uses = 0

    def __eq__(self, other: object) -> bool:
        Counted.uses += 1
        return super().__eq__(other)

    def __hash__(self) -> int:
        Counted.uses += 1
        return super().__hash__()


def uses(size: int) -> int:
    """Of very many names while a subscription, its publisher and very many lost slots are judged."""
    world = crowds.subscriptions(20)
    up, down = world.servers.values()
    mine, theirs, hidden = (tuple(Counted(f"{of}{n}") for n in range(size)) for of in ("mine", "theirs", "hidden"))
    subscribed = tuple(replace(each, publications=mine, enabled=True) for each in down.fields["subscriptions"])
    down.set(subscriptions=subscribed, not_permitted=hidden)
    slots = tuple(replace(slot, database="app") for slot in up.fields["slots"])
    up.set(slots=slots, database="app", publications=theirs, not_permitted=hidden)
    Counted.uses = 0
    for _ in range(40):
        world.step()
    return Counted.uses


def test_twice_the_names_are_twice_the_comparisons() -> None:
    """Of publications, and of groups that a role may not read."""
    assert uses(400) <= MOST_GROWTH * uses(200)


@pytest.mark.parametrize("nodes", [200, pytest.param(2000, marks=pytest.mark.slow)])
def test_very_many_nodes_are_one_cluster(nodes: int) -> None:
    """Each link is found."""
    world = crowds.star(nodes)
    for _ in range(6):
        world.step()
    assert len(world.state.memory.links) == nodes - 1
    assert not any(link.agentless for link in world.state.memory.links.values())


@pytest.mark.parametrize("slots", VERY_MANY)
def test_very_many_lost_slots_are_one_incident(slots: int) -> None:
    """It shows the first of their alerts; each of them is on the alerts topic.

    https://github.com/louislam/uptime-kuma/issues/4779 (2800 of 3230 monitors fail: 28,000 messages).
    """
    world = crowds.lost_slots(slots)
    for _ in range(10):
        world.step()
        assert len(world.state.memory.incidents) <= 1
    assert len(world.incidents[0].alerts) == min(slots, MOST_ALERTS)
    (line,) = [entry.what for entry in world.incidents[-1].timeline if entry.what.startswith("slot_lost fires")]
    assert line.startswith(f"slot_lost fires {slots} times at once, first: ")
    assert line.endswith(f"; {MOST_ALERTS} of them are shown here") is (slots > MOST_ALERTS)
    assert sum(each.rule == "slot_lost" and each.to == "firing" for each in world.transitions) >= slots
    assert world.first_cause() == "slot_invalidated"


def gone(size: int, later_s: float) -> int:
    """Lines of two looks for nodes that are gone: half of a primary's standbys and their slots are since a while."""
    world = crowds.star(size)
    for _ in range(3):
        world.step()
    primary, left = world.servers["pg-0"], size // 2
    for number in range(left, size):
        del world.servers[f"pg-{number}"]
    primary.set(downstreams=primary.fields["downstreams"][: left - 1], slots=primary.fields["slots"][: left - 1])
    for _ in range(12):
        world.step(4.0)
    state, memory = world.state, world.state.memory
    parts = (memory, state._judgement, state._alerting, state._wiring)

    def look() -> None:
        for now in (later_s, later_s + 90_000.0):
            retiring.sweep(*parts, memory.arrivals.horizon + now, [])

    counts = counted(look)
    assert len(memory.nodes) == left
    return counts.total()


@pytest.mark.parametrize("later_s", [0.0, 1e7])
def test_twice_the_nodes_that_are_gone_are_twice_the_cost(later_s: float) -> None:
    """Of looking for a successor of each, and of forgetting all of them: by evidence after a day, or by time."""
    gone(8, later_s)
    assert gone(320, later_s) <= MOST_GROWTH * gone(160, later_s)
