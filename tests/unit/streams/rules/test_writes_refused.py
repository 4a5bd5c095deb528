"""``writes_refused``."""

from leadline.model.tables import DatabaseState
from tests.unit.streams.rules import play
from tests.unit.streams.world import QUICK, World

READ_ONLY = DatabaseState(name="shop", read_only=True)


def test_a_database_that_refuses_writes() -> None:
    """On a primary; a standby refuses them anyhow."""
    world = play.databases("writes_refused", READ_ONLY)
    assert play.last(world, "writes_refused").summary.startswith("database shop of pg-1 refuses writes")
    assert world.first_cause() == "default_read_only"
    assert "ALTER DATABASE shop RESET default_transaction_read_only" in str(world.causes[0].steps)
    assert not play.of(play.databases("writes_refused", READ_ONLY, on="pg-2"), "writes_refused")


def test_a_server_that_refuses_writes() -> None:
    """By its configuration; the summary names the change."""
    world = World(writes_refused=QUICK)
    server = world.add("pg-1", "primary")
    server.settings.update(default_transaction_read_only="off")
    world.send_settings()
    play.look(world, 5)
    server.settings.update(default_transaction_read_only="on")
    world.send_settings()
    play.look(world, 20)
    assert play.last(world, "writes_refused").summary.startswith("every database of pg-1 refuses writes")
    assert "was changed from off to on" in world.causes[0].summary
    server.settings.update(default_transaction_read_only="off")
    world.send_settings()
    play.look(world, 20)
    assert play.last(world, "writes_refused").to == "resolved"
