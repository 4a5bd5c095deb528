"""``archive_not_kept``."""

import pytest

from leadline.model.host import Archiver
from leadline_agents.engines.postgresql.masking import show_setting
from tests.unit.streams.rules import play
from tests.unit.streams.world import QUICK, World


def archives(command: str, role: str = "primary", **settings: str) -> World:
    """A server that archives with a command."""
    world = World(archive_not_kept=QUICK)
    server = world.add("pg-1", role)
    server.set(archiver=Archiver(archived=7, last_archived_s=3.0))
    server.settings.update(archive_mode="on", archive_command=show_setting("archive_command", command), **settings)
    play.look(world, 2)
    world.send_settings()
    play.look(world, 20)
    return world


@pytest.mark.parametrize(
    "command",
    [
        *("/bin/true", "true", ":", "exit 0", "/usr/bin/true %%p", "true %p", "echo archived %f"),
        *("cp %p /dev/null", "cat %p > /dev/null", "cp %p /mnt/archive/%f || true", "cp %p /mnt/archive/%f &"),
        *("test ! -f /mnt/%f && cp %p /mnt/%f; exit 0", "rsync %p backup:/wal/%f || /bin/true"),
    ],
)
def test_commands_that_keep_nothing(command: str) -> None:
    """Or succeed all the same."""
    world = archives(command)
    fired = play.last(world, "archive_not_kept")
    assert fired.to == "firing"
    assert world.first_cause() == "archive_not_kept"
    assert {step.risk for step in world.causes[0].steps} == {"look"}
    assert not world.incidents


@pytest.mark.parametrize(
    "command",
    [
        *("cp %p /mnt/archive/%f", "test ! -f /mnt/archive/%f && cp %p /mnt/archive/%f"),
        *("pgbackrest --stanza=main archive-push %p", "/usr/local/bin/archive.sh %p %f > /dev/null 2>&1"),
        *("gzip < pg_wal/%f > /mnt/archive/%f.gz", "envdir /etc/wal-g wal-g wal-push %p || exit 1"),
        *("cp %p /mnt/a/%f && cp %p /mnt/b/%f", "test -r %p", "cd .", ""),
    ],
)
def test_commands_of_which_nothing_is_reported(command: str) -> None:
    """A program may keep the segment."""
    assert not play.of(archives(command), "archive_not_kept")


def test_a_command_that_is_not_run() -> None:
    """A library archives instead, or a standby that archives nothing has the settings of its primary."""
    assert not play.of(archives("/bin/true", archive_library="basic_archive"), "archive_not_kept")
    assert not play.of(archives("/bin/true", "standby"), "archive_not_kept")


def test_it_ends_with_the_setting() -> None:
    """At the next settings, or ten seconds later."""
    world = archives("/bin/true")
    world.servers["pg-1"].settings["archive_command"] = "cp %p …%f #1f2e3d4c"
    world.send_settings()
    play.look(world, 25)
    assert play.last(world, "archive_not_kept").to == "resolved"
