"""A standby that is fed by the archive alone, and gets nothing from it."""

import pytest

from leadline.model.host import Archiver
from leadline.model.replication import Positions, Upstream
from tests.unit.streams.world import QUICK, World

ASKS, BUSY = "Timeout/RecoveryRetrieveRetryInterval", None
HAS = "00000001000000000000000C"
"""Ends at 0/D000000."""
STANDS, HAS_ALL = "0/9000000", "0/D000000"


@pytest.mark.parametrize(
    ("replayed", "wait", "archived_s", "fails"),
    [
        (STANDS, ASKS, 31.0, True),
        (STANDS, ASKS, 5.0, False),
        (STANDS, BUSY, 31.0, False),
        (HAS_ALL, ASKS, 31.0, False),
    ],
    ids=["asks for what is there", "it came just now", "replays", "has all"],
)
def test_looking_begins_when_restore_command_fails(
    replayed: str, wait: str | None, archived_s: float, fails: bool
) -> None:
    """The first look shows it, where the archive has had for long what the standby asks for again and again."""
    world = World(replication_cut_off=QUICK)
    up, down = world.pair()
    up.settings.update(archive_timeout="60", wal_segment_size="16777216")
    down.settings.update(restore_command="cp", primary_conninfo="")
    for second in range(12):
        up.set(
            positions=Positions(current_lsn="0/D000060"),
            archiver=Archiver(archived=7, last_archived_wal=HAS, last_archived_s=archived_s + second),
        )
        down.set(
            positions=Positions(replayed_lsn=replayed, startup_wait=wait),
            upstream=Upstream(configured=False, status=None),
        )
        world.step()
        if second == 1:
            world.send_settings()
    up.set(archiver=Archiver(archived=8, last_archived_wal=HAS, last_archived_s=0.5))
    for _ in range(4):
        world.step()
    assert [link.verdict == "cut_off" for link in world.state.memory.links.values()] == [fails]
    assert [link.kind for link in world.state.memory.links.values()] == ["archive"]
    assert ("replication_cut_off" in world.fired()) == fails
    assert [cause.code for cause in world.causes] == (["archive_broken_for_standby"] if fails else [])
