"""Rows that an agent leaves out of a look that is too large are not seen: neither gone, nor well."""

from typing import Any

import pytest
from msgspec.structs import replace

from leadline import wire
from leadline.model.replication import Positions, Slot
from leadline.rows import MOST_ROWS
from leadline_streams.judge.unseen import unseen
from leadline_streams.runtime.reading import decoded
from tests.unit.streams.rules import play
from tests.unit.streams.world import QUICK, World

LOST = Slot(name="lost", kind="logical", plugin="pgoutput", wal_status="lost")
FINE = Slot(name="fine", kind="logical", plugin="pgoutput", active=True, wal_status="reserved", confirmed_lsn="0/1")


def primary(world: World, *slots: Slot, left_out: int = 7000, seconds: int = 10) -> None:
    """A primary alone, with these slots and others that are left out."""
    server = world.servers.get("pg-1") or world.add("pg-1", "primary")
    server.set(
        slots=slots, left_out={"slots": left_out} if left_out else {}, positions=Positions(current_lsn="0/1000000")
    )
    for _ in range(seconds):
        world.step()


def test_what_is_left_out_is_reported() -> None:
    """With the numbers; a slot that is shown is judged as always."""
    world = World(rule_blind=QUICK, slot_lost={"for_s": 0.0})
    primary(world, FINE, LOST)
    fired = play.last(world, "rule_blind")
    assert fired.summary == (
        "rules are blind on pg-1: slots: 7000 are left out of each look, which would be too large: those that say least"
    )
    assert play.facts(fired) == {"left_out": "slots"}
    assert play.last(world, "slot_lost").to == "firing"
    lines = list(unseen(world.state.memory, world.time))
    assert lines == ["pg-1 has too much for one look: 7000 of its slots are left out, those that say least"]
    primary(world, FINE, LOST, left_out=0)
    assert play.life(world, "rule_blind")[-1] == "resolved"


def test_the_reason_is_reported_with_it() -> None:
    """And that it counts as neither well nor broken."""
    world = World(rule_blind=QUICK)
    primary(world, FINE)
    (cause,) = [each for each in world.transitions if each.reason == "diagnosed"][-1].causes
    assert cause.code == "inputs_refused"
    assert cause.summary.startswith("slots of pg-1 are not seen in full: 7000 are left out of each look")
    assert cause.summary.endswith("what is left out is not judged, and does not count as healthy")
    assert {step.risk for step in cause.steps} == {"look"}


def test_an_alert_about_a_slot_that_is_left_out_is_unknown() -> None:
    """Until the slot is seen again, well or gone."""
    world = World(slot_lost=QUICK, rule_blind={"enabled": False})
    primary(world, FINE, LOST)
    primary(world, FINE)
    assert play.life(world, "slot_lost")[-1] == "unknown"
    primary(world, FINE, replace(LOST, wal_status="reserved", active=True, confirmed_lsn="0/1"))
    assert play.life(world, "slot_lost")[-2:] == ["firing", "resolved"]


@pytest.mark.parametrize(("field", "value"), [("left_out", {"slots": 7000}), ("not_read", ("slots",))])
def test_a_subscription_whose_slot_is_not_seen_is_not_broken(field: str, value: Any) -> None:
    """Its slot may be there: nobody says that it was dropped, and nobody is asked to watch another publisher."""
    world = World(rule_blind={"enabled": False})
    play.subscribe(world, 10)
    assert world.transitions == []
    play.subscribe(world, 20, lambda up, _: up.set(slots=(), **{field: value}))
    assert world.fired() == set()
    assert {link.verdict for link in world.state.memory.links.values()} <= {"healthy", "idle"}


def test_more_rows_than_are_judged_are_cut_when_they_are_read() -> None:
    """Whoever sent them: those that show a failure are judged, and the rest is counted as not seen."""
    world = World()
    server = world.add("pg-1", "primary")
    server.set(slots=(*(Slot(name=f"s{n}", active=True) for n in range(MOST_ROWS + 20_000)), LOST))
    value = wire.encode(server.sample(1.0))
    assert len(value) < wire.MAX_OBSERVATION_BYTES
    seen = decoded(value)
    assert (len(seen.slots), seen.left_out, seen.slots[-1].name) == (MOST_ROWS, {"slots": 20_001}, "lost")
