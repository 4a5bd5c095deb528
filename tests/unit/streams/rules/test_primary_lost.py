"""``primary_lost``: a crash is critical at once; a restart, a failure of the agent and a successor are not."""

from typing import Any

from msgspec.structs import replace

from tests.unit.streams.rules import play
from tests.unit.streams.world import Server, World

REFUSED = "refused: connection refused"
STOPPING = {"error": "query failed: the database system is shutting down", "error_code": "57P03"}


def crashed(up: Server, down: Server) -> None:
    """Nothing listens any more, and the receiver is gone."""
    up.set(up=False, error=REFUSED)
    down.set(upstream=replace(down.fields["upstream"], status=None, message_age_s=None))


def streaming() -> tuple[World, Server, Server]:
    """A pair that has streamed for ten seconds."""
    world = World()
    up, down = world.pair()
    play.stream(world, 10)
    return world, up, down


def test_a_crash_is_critical_within_seconds() -> None:
    """The first record of the incident is critical, names the crash, and no second page follows."""
    world, up, down = streaming()
    crashed(up, down)
    play.look(world, 7)
    assert [(step.to, step.severity) for step in play.of(world, "primary_lost")] == [
        ("pending", "critical"),
        ("firing", "critical"),
    ]
    assert "and pg-2 lost it" in play.last(world, "primary_lost").summary
    assert (world.incidents[0].severity, world.incidents[0].causes[0].code) == ("critical", "primary_down")
    play.look(world, 90)
    assert {one.generation for one in world.incidents} == {1}
    up.set(up=True, error=None)
    play.stream(world, 60)
    assert play.last(world, "primary_lost").to == "resolved"
    assert world.incidents[-1].state == "resolved"


def test_a_restart_that_is_announced_is_quiet() -> None:
    """The server says that it stops; for the time of a restart nobody is notified, however long nothing listens."""
    world, up, down = streaming()
    up.set(up=False, **STOPPING)
    play.look(world, 3)
    crashed(up, down)
    up.set(error_code=None)
    play.look(world, 20)
    assert play.of(world, "primary_lost") == []
    assert world.incidents == []


def test_a_server_that_is_back_soon_is_quiet() -> None:
    """It was started again at once, and recovers for a while."""
    world, up, down = streaming()
    crashed(up, down)
    play.look(world, 3)
    up.set(error="query failed: the database system is starting up", error_code="57P03")
    play.look(world, 20)
    up.set(up=True, error=None, error_code=None)
    play.stream(world, 20)
    assert play.life(world, "primary_lost") == ["pending", "ok"]
    assert world.incidents == []


def test_a_standby_that_still_receives_is_a_witness() -> None:
    """The agent alone cannot get there."""
    world, _, _ = streaming()
    play.stream(world, 40, lambda up, _: up.set(up=False, error=REFUSED))
    assert play.of(world, "primary_lost") == []


def test_without_anybody_who_lost_it_nothing_is_known() -> None:
    """``node_down`` is a warning, and critical when it lasts."""
    world = World()
    up = world.add("pg-1", "primary")
    play.look(world, 10)
    up.set(up=False, error=REFUSED)
    play.look(world, 40)
    assert play.of(world, "primary_lost") == []
    assert play.last(world, "node_down").to == "firing"


def test_a_silent_agent_whose_neighbours_lost_the_server_is_a_crash() -> None:
    """The host is down, with its agent."""
    world, up, down = streaming()
    crashed(up, down)
    up.silent = True
    play.look(world, 20)
    assert play.last(world, "primary_lost").to == "firing"
    assert world.incidents[-1].severity == "critical"


def test_a_silent_agent_alone_is_no_crash() -> None:
    """The standby was cut off long before."""
    world, up, down = streaming()
    play.cut(up, down)
    play.look(world, 60)
    up.silent = True
    play.look(world, 30)
    assert play.of(world, "primary_lost") == []


def test_a_primary_that_was_replaced_is_not_lost() -> None:
    """The standby takes writes within seconds."""
    world, up, down = streaming()
    crashed(up, down)
    play.look(world, 2)
    down.node = replace(down.node, role="primary", timeline=2)
    fields: dict[str, Any] = {"upstream": None}
    down.set(**fields, positions=replace(down.fields["positions"], current_lsn="0/2000000", received_lsn=None))
    play.look(world, 40)
    assert "firing" not in play.life(world, "primary_lost")
