"""``archive_failing``."""

from leadline.model.host import Archiver
from tests.unit.streams.rules import play
from tests.unit.streams.world import QUICK, World

HEALTHY = Archiver(archived=10, failed=2, last_archived_s=1.0, last_failed_s=900.0)


def test_attempts_that_fail_fire_and_a_success_ends_it() -> None:
    """Three a minute; the value is their number."""
    world = World(archive_failing=QUICK)
    up = world.add("pg-1", "primary")
    up.set(archiver=HEALTHY)
    play.look(world, 10)
    for second in range(12):
        failed = min(5, 3 + second)
        up.set(archiver=Archiver(archived=10, failed=failed, last_archived_s=60.0, last_failed_s=0.5))
        play.look(world, 1)
    fired = play.last(world, "archive_failing")
    assert (fired.to, fired.value) == ("firing", 3.0)
    up.set(archiver=HEALTHY)
    play.look(world, 15)
    assert play.last(world, "archive_failing").to == "resolved"


def test_one_that_never_worked_fires() -> None:
    """Failures from before the first sample are not counted, and their result is known."""
    world = World(archive_failing=QUICK)
    world.add("pg-1", "primary").set(archiver=Archiver(failed=900, last_failed_wal="01", last_failed_s=5.0))
    play.look(world, 10)
    assert play.last(world, "archive_failing").value == 1.0


def test_constant_failure_becomes_critical() -> None:
    """Whether for minutes, or at every segment of a busy server."""
    world = World(archive_failing=QUICK)
    up = world.add("pg-1", "primary")
    for failed in range(1, 31):
        up.set(archiver=Archiver(failed=failed, last_failed_wal="0B", last_failed_s=0.2))
        play.look(world, 1)
    assert play.last(world, "archive_failing").severity == "critical"


def test_a_backlog_fires_though_every_attempt_works() -> None:
    """It is counted once a minute."""
    world = World(archive_failing=QUICK)
    up = world.add("pg-1", "primary")
    for second in range(20):
        up.set(archiver=Archiver(archived=second, last_archived_s=0.1, ready=300 if second == 5 else None))
        play.look(world, 1)
    assert play.last(world, "archive_failing").summary == "pg-1 archives too slowly: 300 segments wait"


def test_an_attempt_that_never_ends_fires() -> None:
    """It is counted nowhere: neither as a success nor as a failure. One that ends late is none."""
    world = World(archive_failing=QUICK)
    up = world.add("pg-1", "primary")
    for second in range(700):
        up.set(
            archiver=Archiver(archived=7, last_archived_s=float(second % 250), ready=2 if second % 60 == 0 else None)
        )
        play.look(world, 1)
    assert not play.of(world, "archive_failing")
    for second in range(400):
        up.set(archiver=Archiver(archived=7, last_archived_s=30.0 + second, ready=2 if second % 60 == 0 else None))
        play.look(world, 1)
    fired = play.last(world, "archive_failing")
    assert fired.to == "firing"
    assert "no attempt has failed: 2 segments wait" in fired.summary
    assert world.first_cause() == "archiver_failing"
    assert "it hangs, or the archiver does not run" in world.causes[0].summary
    up.set(archiver=Archiver(archived=9, last_archived_s=0.5, ready=0))
    play.look(world, 15)
    assert play.last(world, "archive_failing").to == "resolved"


def test_a_server_that_has_nothing_to_archive_with() -> None:
    """It counts no failure; a command ends it, and /bin/true is one."""
    world = World(archive_failing=QUICK)
    up = world.add("pg-1", "primary")
    up.set(archiver=Archiver(archived=10, last_archived_s=60.0))
    up.settings.update(archive_mode="on", archive_command="", archive_library="")
    world.send_settings()
    play.look(world, 10)
    fired = play.last(world, "archive_failing")
    assert fired.to == "firing"
    assert "archive_command is empty" in fired.summary
    assert world.first_cause() == "archiver_failing"
    up.settings["archive_command"] = "/bin/true"
    world.send_settings()
    play.look(world, 15)
    assert play.last(world, "archive_failing").to == "resolved"
