"""One server: its start, its settings, its end."""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

from leadline.errors import UnreachableError
from leadline_lab.sandbox.fleet import Fleet
from leadline_lab.sandbox.guard import descendants, parent
from leadline_lab.sandbox.postgres import Server
from leadline_lab.sandbox.wait import eventually
from tests.fixtures.postgres_versions import binaries_for

ROOT = Path(__file__).parents[4]


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    """One server for this file; each test leaves it running with default settings."""
    with Fleet(binaries_for(18)) as fleet:
        yield fleet.primary("pg-1")


def test_restart_keeps_the_data_and_the_port(server: Server) -> None:
    """A clean stop ends every process; the start after it finds all that was written."""
    port = server.port
    server.query("CREATE TABLE kept AS SELECT 1 AS n")
    server.stop()
    assert not server.running
    server.start()
    assert (server.value("SELECT n FROM kept"), server.port) == (1, port)


def test_kill_is_a_crash(server: Server) -> None:
    """After kill -9 nothing of it runs, and the next start recovers."""
    pids = [server.pid, *descendants(server.pid)]
    server.kill()
    assert [pid for pid in pids if Path(f"/proc/{pid}").exists()] == []
    server.start()
    assert "automatic recovery in progress" in server.server_log.read_text()


def test_a_frozen_server_accepts_and_does_not_answer(server: Server) -> None:
    """The kernel takes the connection, nobody answers; thawed, it goes on."""
    server.freeze()
    with pytest.raises(psycopg.OperationalError, match="timeout"):
        psycopg.connect(server.dsn(connect_timeout="1"))
    server.thaw()
    assert server.value("SELECT 1") == 1


def test_a_frozen_server_can_be_closed() -> None:
    """Even its stopped processes are gone afterwards, and so is the folder."""
    with Fleet(binaries_for(18)) as fleet:
        server = fleet.primary("pg-1")
        pids = [server.pid, *descendants(server.pid)]
        server.freeze()
    assert [pid for pid in pids if Path(f"/proc/{pid}").exists()] == []
    assert not fleet.folder.exists()


def test_settings_are_seen_when_configure_returns(server: Server) -> None:
    """Plain, list-valued and dotted names; None takes them back."""
    server.configure(work_mem="5MB", synchronous_standby_names="a, b", **{"leadline.note": "it's"})
    shown = "SELECT current_setting('work_mem'), current_setting('synchronous_standby_names')"
    assert server.query(shown) == [("5MB", "a, b")]
    assert server.value("SELECT current_setting('leadline.note')") == "it's"
    server.configure(work_mem=None, synchronous_standby_names=None, **{"leadline.note": None})
    assert server.query(shown) == [("4MB", "")]


def test_a_query_without_columns_gives_its_rows(server: Server) -> None:
    """Rows of nothing are rows; a statement without a result has none."""
    assert server.query("SELECT FROM generate_series(1, 2)") == [(), ()]
    assert server.query("DO $$ BEGIN END $$") == []


def test_a_failed_start_says_what_the_log_says(server: Server) -> None:
    """The reason is in the error; once repaired, the server starts."""
    server.configure(shared_preload_libraries="no_such_library")
    server.stop()
    with pytest.raises(UnreachableError, match=r'PostgreSQL pg-1 did not start(.|\n)*"no_such_library"'):
        server.start()
    altered = server.data / "postgresql.auto.conf"
    altered.write_text("")
    server.start()


def test_a_server_that_is_down_has_no_pid(server: Server) -> None:
    """The error says what to do."""
    server.stop()
    with pytest.raises(UnreachableError, match="start it first"):
        _ = server.pid
    server.start()


def test_the_password_is_needed(server: Server) -> None:
    """No other user of the machine gets in over TCP."""
    with pytest.raises(psycopg.OperationalError, match="no password supplied"):
        psycopg.connect(server.address())


def test_the_data_is_nobody_elses(server: Server) -> None:
    """The folder lets in its owner only."""
    assert server.data.parent.stat().st_mode & 0o077 == 0


OWNER = """
import time
from pathlib import Path
from leadline_lab.sandbox.fleet import Fleet
fleet = Fleet(Path({binaries!r}))
server = fleet.primary("pg-1")
if {frozen}:
    server.freeze()
print(fleet.folder, server.pid, flush=True)
time.sleep(600)
"""


@pytest.mark.parametrize("frozen", [False, True], ids=["running", "frozen"])
def test_killing_the_owner_leaves_nothing(frozen: bool) -> None:
    """kill -9 to who started it ends the server, its children and the guard, even when stopped; the folder goes too."""
    script = OWNER.format(binaries=str(binaries_for(18)), frozen=frozen)
    with subprocess.Popen([sys.executable, "-c", script], cwd=ROOT, stdout=subprocess.PIPE, text=True) as owner:
        assert owner.stdout is not None
        folder, pid = owner.stdout.readline().split()
        left = descendants(owner.pid)
        assert int(pid) in left
        owner.kill()
    eventually("all are gone", lambda: not [pid for pid in left if Path(f"/proc/{pid}").exists()])
    assert not Path(folder).exists()


def test_killing_the_guard_leaves_no_process() -> None:
    """The guard is the one that could be killed instead: then the kernel kills the server."""
    with Fleet(binaries_for(18)) as fleet:
        server = fleet.primary("pg-1")
        left = [server.pid, *descendants(server.pid)]
        guard = parent(server.pid)
        assert guard
        os.kill(guard, signal.SIGKILL)
        eventually("all are gone", lambda: not [pid for pid in left if _alive(pid)])
        assert not server.running


def _alive(pid: int) -> bool:
    """Is it there and no zombie, which whoever inherited it has yet to bury?"""
    try:
        return "State:\tZ" not in Path(f"/proc/{pid}/status").read_text()
    except FileNotFoundError:
        return False


def test_a_server_runs_without_shared_memory_of_posix() -> None:
    """As in a container whose /dev/shm it may not write to."""
    with Fleet() as fleet:
        server = fleet.primary("pg-1", {"dynamic_shared_memory_type": "mmap"})
        standby = fleet.standby("pg-2", server, settings={"dynamic_shared_memory_type": "mmap"})
        fleet.wait_caught_up()
        assert standby.value("SHOW dynamic_shared_memory_type") == "mmap"
