"""``publication_missing``."""

from msgspec.structs import replace

from tests.unit.streams.rules import play
from tests.unit.streams.world import QUICK, Server, World


def publishes(*names: str, database: str = "app") -> play.Change:
    """The publisher's agent is connected to a database with these publications; the slot is in ``app``."""

    def change(up: Server, down: Server) -> None:
        up.set(
            database=database,
            publications=names,
            slots=tuple(replace(slot, database="app") for slot in up.fields["slots"]),
        )

    return change


def test_one_of_two_is_dropped() -> None:
    """Named, with what becomes of its changes; over when it is back."""
    world = World(publication_missing=QUICK)
    play.subscribe(world, 10, publishes("orders", "users"), publications=("orders", "users"))
    assert world.transitions == []
    play.subscribe(world, 10, publishes("orders"), publications=("orders", "users"))
    fired = play.last(world, "publication_missing")
    assert (fired.to, fired.severity, fired.verdict) == ("firing", "critical", "broken")
    assert fired.summary == ("users of subscription sub on pg-3 is not on pg-1: changes are skipped without an error")
    play.subscribe(world, 15, publishes("orders", "users"), publications=("orders", "users"))
    assert play.last(world, "publication_missing").to == "resolved"


def test_an_agent_in_another_database_says_nothing() -> None:
    """Publications are seen in the database the agent is connected to; that another has none means nothing."""
    world = World(publication_missing=QUICK)
    play.subscribe(world, 20, publishes(database="postgres"), publications=("orders",))
    assert world.transitions == []
