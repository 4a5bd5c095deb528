"""``collation_changed``."""

from leadline.model.tables import DatabaseState
from tests.unit.streams.rules import play

OTHER = DatabaseState(name="shop", collation_recorded="2.31", collation_actual="2.36")


def test_a_standby_with_another_library() -> None:
    """The primary is right: the standby gets its library, and no index of the primary is touched."""
    world = play.databases("collation_changed", OTHER, on="pg-2")
    assert play.last(world, "collation_changed").to == "firing"
    assert world.first_cause() == "collation_library_changed"
    assert "2.31" in world.causes[0].summary
    assert "here and not on pg-1" in world.causes[0].summary
    assert "keep pg-2 out of a failover" in str(world.causes[0].steps)
    assert "REINDEX" not in str(world.causes[0].steps)
    assert not world.incidents


def test_a_primary_with_another_library() -> None:
    """Its indexes are built again before the recorded version is refreshed."""
    world = play.databases("collation_changed", OTHER)
    steps = str(world.causes[0].steps)
    assert 0 < steps.index("REINDEX") < steps.index("REFRESH COLLATION VERSION")
