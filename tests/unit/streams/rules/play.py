"""Short plays for the rules: a pair or a subscription lives for some seconds, and a test says what is otherwise."""

from collections.abc import Callable
from typing import Any

from msgspec.structs import replace

from leadline.model.alert import Transition
from leadline.model.tables import DatabaseState
from tests.unit.streams.world import QUICK, Server, World

Change = Callable[[Server, Server], None]
"""Done to upstream and downstream after they were made to look well, before each look."""


def stream(world: World, seconds: int, change: Change | None = None, **positions: int) -> None:
    """pg-1 and pg-2, created by ``world.pair()``, stream."""
    up, down = world.servers["pg-1"], world.servers["pg-2"]
    for _ in range(seconds):
        world.stream(up, down, **positions)
        if change is not None:
            change(up, down)
        world.step()


def subscribe(world: World, seconds: int, change: Change | None = None, **fields: Any) -> None:
    """pg-3 subscribes to pg-1; both are created when they are not there. ``fields`` of the subscription."""
    for name, system in (("pg-1", "7001"), ("pg-3", "7003")):
        if name not in world.servers:
            world.add(name, "primary", system_id=system)
    up, down = world.servers["pg-1"], world.servers["pg-3"]
    for _ in range(seconds):
        world.subscribe(up, down, **fields)
        if change is not None:
            change(up, down)
        world.step()


def look(world: World, seconds: int) -> None:
    """Nothing changes; the servers are looked at."""
    for _ in range(seconds):
        world.step()


def cut(up: Server, down: Server) -> None:
    """Both servers run, and nothing connects them."""
    up.set(downstreams=(), slots=tuple(replace(slot, active=False) for slot in up.fields["slots"]))
    down.set(upstream=replace(down.fields["upstream"], status=None))


def of(world: World, rule: str) -> list[Transition]:
    """The alerts of one rule, in order."""
    return [transition for transition in world.transitions if transition.rule == rule]


def life(world: World, rule: str) -> list[str]:
    """The states that one rule's alerts went through."""
    return [transition.to for transition in of(world, rule) if transition.reason != "diagnosed"]


def last(world: World, rule: str) -> Transition:
    """The newest transition of one rule."""
    return of(world, rule)[-1]


def facts(transition: Transition) -> dict[str, str]:
    """A transition's evidence by name."""
    return {evidence.name: evidence.value for evidence in transition.evidence}


def databases(rule: str, *states: DatabaseState, on: str = "pg-1") -> World:
    """A pair that streams, one of which reports these databases once."""
    world = World(**{rule: QUICK})
    world.pair()
    stream(world, 3)
    world.servers[on].set(databases=states)
    stream(world, 1)
    world.servers[on].set(databases=None)
    stream(world, 25)
    return world
