"""``server_not_watched``, a standing rule: its alert does not slow the judging of everything else down."""

from collections.abc import Iterator
from typing import Any

import pytest

from leadline_streams.judge.judging import Judging
from tests.unit.streams.rules import play
from tests.unit.streams.world import QUICK, World


def alone(role: str) -> World:
    """A pair of which only one server is watched."""
    world = World(server_not_watched=QUICK)
    world.pair()
    other = {"primary": "pg-2", "standby": "pg-1"}[role]
    world.servers[other].silent = True
    return world


def test_a_standby_that_nobody_watches() -> None:
    """It is named as its upstream shows it, and nobody is woken."""
    world = alone("primary")
    play.stream(world, 40)
    fired = play.last(world, "server_not_watched")
    assert (fired.to, fired.value, fired.subject.node) == ("firing", 1.0, "pg-1")
    assert "is not watched" in fired.summary
    assert world.first_cause() == "server_not_watched"
    assert {step.risk for step in world.causes[0].steps} == {"look"}
    assert not world.incidents


def test_an_upstream_that_nobody_watches() -> None:
    """It is named by its address."""
    world = alone("standby")
    play.stream(world, 40)
    fired = play.last(world, "server_not_watched")
    assert (fired.to, fired.subject.node) == ("firing", "pg-2")


def test_it_ends_when_the_server_is_watched() -> None:
    """The node that showed it need not change for that."""
    world = alone("primary")
    play.stream(world, 40)
    world.servers["pg-2"].silent = False
    play.stream(world, 30)
    assert play.last(world, "server_not_watched").to == "resolved"


def test_a_pair_that_is_watched_whole() -> None:
    """Whoever reports first."""
    world = World(server_not_watched=QUICK)
    world.pair()
    play.stream(world, 60)
    assert not play.of(world, "server_not_watched")


def test_others_are_judged_as_before(monkeypatch: pytest.MonkeyPatch) -> None:
    """While it stands alone the fast path takes what is healthy; beside another alert it does not."""
    world = alone("primary")
    play.stream(world, 40)
    assert not world.state.memory.is_failing
    judged: list[str] = []
    judge_node = Judging.judge_node

    def counted(*arguments: Any) -> Iterator[None]:
        judged.append(arguments[2].name)
        return judge_node(*arguments)

    monkeypatch.setattr(Judging, "judge_node", counted)
    play.stream(world, 30)
    assert not judged
    play.stream(world, 10, lambda up, _: up.set(not_permitted=("downstreams",)))
    assert world.state.memory.is_failing
    assert judged
