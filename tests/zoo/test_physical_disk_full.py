"""The volume of the log is full."""

import contextlib
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psycopg

from leadline_lab.sandbox.fleet import Fleet
from leadline_lab.sandbox.postgres import Server
from leadline_lab.sandbox.process import give
from leadline_lab.sandbox.wait import eventually
from tests.fixtures.fleets import Pair
from tests.require import need
from tests.zoo.rig import Watch

FILL = "SELECT pg_logical_emit_message(true, 'zoo', repeat('x', 900000)), pg_switch_wal()"


@contextmanager
def small_volume(server: Server, size_mb: int) -> Iterator[Path]:
    """The log of a stopped server on a volume of its own."""
    log, volume = server.data / "pg_wal", server.data.parent / "volume"
    volume.mkdir()
    mounted = ["mount", "-t", "tmpfs", "-o", f"size={size_mb}m,mode=700", "tmpfs", str(volume)]
    may = shutil.which("mount") and subprocess.run(mounted, capture_output=True).returncode == 0
    need(bool(may), "the right to mount a tmpfs, for a volume that can be full")
    try:
        shutil.copytree(log, volume, dirs_exist_ok=True)
        for each in (volume, *volume.rglob("*")):
            give(each)
        shutil.rmtree(log)
        log.symlink_to(volume)
        yield volume
    finally:
        subprocess.run(["umount", "--lazy", str(volume)], check=True)


def test_disk_full(fleet: Fleet, watch: Watch) -> None:
    """More log is to be kept than its volume has room for: the primary ends, and cannot start."""
    primary = fleet.primary("pg-1", {"wal_keep_size": "1GB"})
    proxy = fleet.proxy(primary)
    standby = fleet.standby("pg-2", primary, through=proxy)
    primary.stop()
    with small_volume(primary, size_mb=32) as volume:
        primary.start()
        fleet.wait_caught_up()
        rig = watch(Pair(fleet, primary, standby, proxy))
        with contextlib.suppress(psycopg.Error):
            while True:
                primary.query(FILL)
        rig.mark()
        incident = rig.expect(rule="node_down", cause="disk_full", verdict="upstream_unreachable")
        assert "are left on the volume of its log" in incident.causes[0].summary
        eventually("the primary has ended", lambda: not primary.running)
        subprocess.run(["mount", "-o", "remount,size=96m", str(volume)], check=True)
        primary.start()
        rig.expect_resolved()
        primary.stop("immediate")
