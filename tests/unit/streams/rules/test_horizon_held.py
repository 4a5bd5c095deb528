"""``horizon_held``."""

from msgspec.structs import replace

from leadline.model.activity import Activity, Session
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

        def held(up: Server, _: Server, holder: str = holder) -> None:
            up.set(**{holder: tuple(replace(each, xmin_age=3 * OLD) for each in up.fields[holder])})

        play.stream(world, 10, held)
        assert play.last(world, "horizon_held").severity == "warning"
        assert world.first_cause() == "vacuum_held_by_feedback"
        assert world.causes[0].steps[-1].node == "pg-2"


def test_an_old_report_on_a_standby_is_named() -> None:
    """The standby's agent shows the session whose snapshot the slot has: with its age, which is known at once."""
    world = World(horizon_held=QUICK)
    world.pair()
    play.stream(world, 5)
    play.stream(world, 8, report(60_002, 720.0))
    fired = play.last(world, "horizon_held")
    assert (fired.to, fired.value) == ("firing", 60_002)
    assert fired.summary.startswith("slot s2 keeps vacuum on pg-1 from removing rows that died within the last 60002 ")
    assert fired.summary.endswith("for 12 min now")
    assert world.first_cause() == "vacuum_held_by_feedback"
    assert "pid 4711 on pg-2" in world.causes[0].summary
    assert (world.causes[0].steps[-1].node, world.causes[0].steps[-1].risk) == ("pg-2", "careful")


def test_the_sign_is_one_snapshot_that_stays() -> None:
    """On a busy server the oldest of many short queries is old in transactions too: it moves with each feedback."""
    world = World(horizon_held={"for_s": 2.0})
    world.pair()
    for _ in range(12):
        for second in range(10):
            play.stream(world, 1, feedback(60_000 + 10_000 * second))
    assert world.transitions == []
    for second in range(20):
        play.stream(world, 1, feedback(60_000 + 10_000 * second))
    assert play.last(world, "horizon_held").to == "firing"


def test_a_prepared_transaction_fires_and_is_named() -> None:
    """It holds vacuum back without a session, for as long as nobody ends it."""
    world = World(horizon_held=QUICK)
    world.pair()
    play.stream(world, 5)
    held = Activity(prepared_transactions=2, prepared_oldest_s=9000.0, prepared_gid="tx-1", prepared_age=60_002)
    play.stream(world, 10, lambda up, _: up.set(activity=held))
    assert "prepared transaction tx-1 keeps vacuum on pg-1" in play.last(world, "horizon_held").summary
    assert world.first_cause() == "orphan_prepared_transaction"
    play.stream(world, 15, lambda up, _: up.set(activity=Activity()))
    assert play.last(world, "horizon_held").to == "resolved"


def test_a_young_horizon_is_normal() -> None:
    """Nor is the catalog of a logical slot, by which no rows of tables are held."""
    world = World(horizon_held=QUICK)
    world.pair()

    def young(up: Server, _: Server) -> None:
        slots = tuple(replace(each, catalog_xmin_age=900_000) for each in up.fields["slots"])
        up.set(activity=transaction(40_000), slots=slots)

    play.stream(world, 60, young)
    assert world.transitions == []


def feedback(age: int) -> play.Change:
    """The standby's slot shows a snapshot of this age."""

    def change(up: Server, _: Server) -> None:
        up.set(slots=tuple(replace(each, xmin_age=age) for each in up.fields["slots"]))

    return change


def report(age: int, age_s: float) -> play.Change:
    """A report has run on the standby for so long, with ``hot_standby_feedback``."""
    session = Session(pid=4711, user="report", state="active", age_s=age_s, xmin_age=age)

    def change(up: Server, down: Server) -> None:
        feedback(age)(up, down)
        down.set(activity=Activity(oldest=(session,)))

    return change


def test_a_standby_is_not_measured() -> None:
    """Its own queries hold its upstream back, which is measured there."""
    world = World(horizon_held=QUICK)
    world.pair()
    play.stream(world, 60, lambda _, down: down.set(activity=transaction(OLD)))
    assert world.transitions == []
