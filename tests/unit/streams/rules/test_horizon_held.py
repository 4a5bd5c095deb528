"""``horizon_held``."""

from msgspec.structs import replace

from leadline.model.observation import Activity, Session
from tests.unit.streams.rules import play
from tests.unit.streams.world import QUICK, Server, World

OLD = 120_000_000


def transaction(age: int) -> Activity:
    """A session whose snapshot is this many transactions old."""
    return Activity(oldest=(Session(pid=4711, user="app", state="idle in transaction", age_s=7200.0, xmin_age=age),))


def test_an_old_transaction_fires_and_is_named() -> None:
    """The session that holds vacuum back is the cause; the alert ends with its transaction."""
    world = World(horizon_held=QUICK)
    world.pair()
    play.stream(world, 5)
    play.stream(world, 10, lambda up, _: up.set(activity=transaction(OLD)))
    fired = play.last(world, "horizon_held")
    assert (fired.to, fired.severity, fired.value) == ("firing", "warning", OLD)
    assert "session pid 4711 keeps vacuum on pg-1" in fired.summary
    assert world.first_cause() == "vacuum_held_by_transaction"
    assert "SELECT pg_terminate_backend(4711)" in {step.sql for step in world.causes[0].steps}
    play.stream(world, 10, lambda up, _: up.set(activity=Activity()))
    assert play.last(world, "horizon_held").to == "resolved"


def test_a_standbys_feedback_fires_and_is_named() -> None:
    """The slot, or without one the sender, holds the snapshot; the step looks at the standby's sessions."""
    for holder in ("slots", "downstreams"):
        world = World(horizon_held=QUICK)
        world.pair()
        play.stream(world, 5)

        def feedback(up: Server, _: Server, holder: str = holder) -> None:
            up.set(**{holder: tuple(replace(each, xmin_age=3 * OLD) for each in up.fields[holder])})

        play.stream(world, 10, feedback)
        assert play.last(world, "horizon_held").severity == "warning"
        assert world.first_cause() == "vacuum_held_by_feedback"
        assert world.causes[0].steps[-1].node == "pg-2"


def test_prepared_transactions_are_named_as_not_seen() -> None:
    """They hold snapshots too, whose age the samples do not have."""
    world = World(horizon_held=QUICK)
    world.pair()
    play.stream(world, 5)
    held = replace(transaction(OLD), prepared_transactions=2, prepared_oldest_s=9000.0)
    play.stream(world, 10, lambda up, _: up.set(activity=held))
    (unseen,) = world.causes[0].not_seen
    assert (unseen.name, unseen.value) == ("prepared_transactions", "2")


def test_a_young_horizon_is_normal() -> None:
    """Below a million transactions nothing is measured."""
    world = World(horizon_held=QUICK)
    world.pair()
    play.stream(world, 60, lambda up, _: up.set(activity=transaction(900_000)))
    assert world.transitions == []


def test_a_standby_is_not_measured() -> None:
    """Its own queries hold its upstream back, which is measured there."""
    world = World(horizon_held=QUICK)
    world.pair()
    play.stream(world, 60, lambda _, down: down.set(activity=transaction(OLD)))
    assert world.transitions == []
