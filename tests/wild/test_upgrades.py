"""A subscriber that was upgraded by pg_upgrade, from a version that does not keep the tables of subscriptions."""

from pathlib import Path

import pytest

from leadline_lab.faults.topologies import DATABASE, ITEMS
from leadline_lab.sandbox.binaries import programs
from leadline_lab.sandbox.fleet import AGENT, REPLICATOR, Fleet
from leadline_lab.sandbox.postgres import Server
from leadline_lab.sandbox.process import give
from tests.fixtures.commands import Run
from tests.fixtures.postgres_versions import binaries_for
from tests.wild.conftest import Wild
from tests.wild.watching import address

TRUST = "local all all trust\nhost all all 127.0.0.1/32 trust\n"


def upgrade(old: Server, new: Server, old_bin: Path, new_bin: Path) -> None:
    """Run pg_upgrade from a stopped server to a new one, which runs afterwards."""
    for role in (AGENT, REPLICATOR):
        new.query(f"DROP ROLE {role}")
    new.stop()
    new.run("pg_checksums", "--disable", "--no-sync", "-D", new.data)
    hba = (new.data / "pg_hba.conf").read_text()
    for server in (old, new):
        (server.data / "pg_hba.conf").write_text(TRUST)
        give(server.data / "pg_hba.conf")
    ports = ("-p", str(old.port), "-P", str(new.port))
    folders = ("-b", old_bin, "-B", new_bin, "-d", old.data, "-D", new.data)
    new.run("pg_upgrade", "--no-sync", "-U", "postgres", *ports, *folders)
    (new.data / "pg_hba.conf").write_text(hba)
    new.start()


@pytest.mark.situation(
    175, "A subscriber is upgraded by pg_upgrade from 15", "2ndQuadrant/pglogical#285", "PostgreSQL docs: pg_upgrade"
)
def test_a_subscriber_that_was_upgraded(wild: Wild, run: Run) -> None:
    """Its subscription has no table: enabled, it would lose what was written meanwhile. No step just enables it."""
    with Fleet(binaries_for(15), plain=True) as fleet, Fleet(plain=True) as newer:
        publisher = fleet.primary("pg-1")
        publisher.query(f"CREATE DATABASE {DATABASE}")
        publisher.query(ITEMS, dbname=DATABASE)
        old = fleet.subscriber("pg-3", publisher, schema=ITEMS)
        fleet.wait_caught_up()
        old.query("ALTER SUBSCRIPTION pg_3 DISABLE", dbname=DATABASE)
        old.stop()
        publisher.query("INSERT INTO items VALUES (2, 'meanwhile')", dbname=DATABASE)
        new = newer.primary("pg-4")
        new_bin = programs(None).within_reach(newer.folder / "bin").path("postgres").parent
        upgrade(old, new, Path(binaries_for(15) or ""), new_bin)
        wild.begins()
        dsns = [publisher.dsn(DATABASE, AGENT), old.dsn(DATABASE, AGENT, port=new.port)]
        result = run("check", *dsns)
        assert result.code == 1, result.out
        assert f"subscription pg_3 on {address(new)} is disabled" in result.out
        assert "it has no table, as after pg_upgrade" in result.out
        assert "ALTER SUBSCRIPTION pg_3 ENABLE" not in result.out
        wild.answers(next(line for line in result.out.splitlines() if line.startswith("cause")))
