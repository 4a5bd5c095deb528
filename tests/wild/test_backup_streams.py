"""Programs that receive WAL for backups: consumers of a kind of their own, which confirm periodically."""

import signal
import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from leadline_lab.faults.topologies import Pair
from leadline_lab.sandbox.fleet import AGENT, REPLICATOR
from leadline_lab.sandbox.postgres import Server
from leadline_lab.sandbox.process import give
from leadline_lab.sandbox.wait import eventually
from leadline_lab.sandbox.workload import writing
from tests.fixtures.commands import Run
from tests.wild.conftest import Wild
from tests.wild.watching import Watching

CYCLES_S = 13
"""Longer than one status interval of ``pg_receivewal``, 10 s by default."""

SENDER = "SELECT 1 FROM pg_stat_replication WHERE"


@contextmanager
def receiving(server: Server, *options: str, name: str = "pg_receivewal") -> Iterator["subprocess.Popen[bytes]"]:
    """``pg_receivewal`` with some options, under the name that it gives itself or that of another program."""
    folder = server.data.parent / f"wal-{name}"
    folder.mkdir(exist_ok=True)
    give(folder)
    dbname = f"{server.address(user=REPLICATOR)} application_name={name}"
    program = server.launch("pg_receivewal", "-D", folder, "--dbname", dbname, *options, farewell=signal.SIGTERM)
    try:
        query = f"{SENDER} application_name = %s AND state = 'streaming'"
        eventually(f"{name} streams", lambda: bool(server.query(query, [name])), 10.0)
        yield program
    finally:
        assert program.stdin is not None
        program.stdin.close()
        program.wait()


@pytest.mark.parametrize(
    ("name", "slot"),
    [
        ("pg_receivewal", ""),
        ("pg_receivewal", "wal_archive"),
        ("barman_receive_wal", "barman"),
        ("offsite-7", "offsite"),
    ],
)
@pytest.mark.situation(10, "WAL is received for backups", "cloudnative-pg#3011", "check_pgactivity#166", "barman#443")
def test_a_wal_archive_by_streaming_is_healthy(wild: Wild, run: Run, pair: Pair, name: str, slot: str) -> None:
    """Through a status cycle under writes, with and without a slot, under any name: nothing is raised."""
    server = pair.primary
    if slot:
        server.query("SELECT pg_create_physical_replication_slot(%s, true)", [slot])
    dsns = server.dsn(user=AGENT), pair.standby.dsn(user=AGENT)
    try:
        with receiving(server, *(["--slot", slot] if slot else []), name=name), writing(server):
            with Watching(*dsns, for_s=0.0) as now:
                now.look(CYCLES_S)
                kinds = {link.downstream: link.kind for link in now.links}
                assert kinds[name] == "backup", kinds
                assert not now.pending, now.history()
            result = run("check", *dsns)
            assert result.code == 0, result.out
            assert "backup" in result.out
        eventually(
            "it has ended",
            lambda: not server.query("SELECT 1 FROM pg_stat_replication WHERE application_name = %s", [name]),
        )
    finally:
        if slot:
            server.query("SELECT pg_drop_replication_slot(%s)", [slot])
    wild.raises_nothing()


@pytest.mark.quick
@pytest.mark.situation(10, "A backup program ends", "barman#443", "check_pgactivity#166")
def test_a_program_that_ends_is_no_cut(wild: Wild, pair: Pair) -> None:
    """It had what it wanted; a link that is over is no link that is cut."""
    with Watching(pair.primary.dsn(user=AGENT), pair.standby.dsn(user=AGENT), for_s=0.0) as now:
        with receiving(pair.primary):
            now.until("the backup link", lambda: any(link.kind == "backup" for link in now.links))
        now.until("the link is forgotten", lambda: all(link.kind != "backup" for link in now.links), 25.0)
        assert not now.pending, now.history()
    wild.raises_nothing()


@pytest.mark.situation(10, "A base backup that creates its slot", "cloudnative-pg#3011", "pgbackrest#1462")
def test_a_base_backup_is_healthy(wild: Wild, run: Run, pair: Pair) -> None:
    """Throttled, so that several looks fall into it, while rows are written."""
    server = pair.primary
    folder = server.data.parent / "base"
    folder.mkdir()
    give(folder)
    arguments = ("-D", folder, "--dbname", server.address(user=REPLICATOR), "-C", "-S", "base", "--max-rate=1M")
    dsns = server.dsn(user=AGENT), pair.standby.dsn(user=AGENT)
    program = server.launch("pg_basebackup", *arguments, "--checkpoint=fast", farewell=signal.SIGTERM)
    try:
        with writing(server), Watching(*dsns, for_s=0.0) as now:
            now.until("the stream of the backup", lambda: any(link.kind == "backup" for link in now.links))
            now.look(8)
            assert not now.pending - {"slot_inactive"}, now.history()
            assert "slot_inactive" not in now.fired, now.history()
            result = run("check", *dsns)
            assert result.code == 0, result.out
    finally:
        assert program.stdin is not None
        program.stdin.close()
        program.wait()
        threading.Event().wait(0.5)
        server.query("SELECT pg_drop_replication_slot(slot_name) FROM pg_replication_slots WHERE slot_name = 'base'")
    wild.raises_nothing()
