"""Standbys that cannot go on after a change of their primary: its settings, its tablespaces, its version."""

import threading
from collections.abc import Iterator
from contextlib import suppress

import psycopg
import pytest

from leadline.errors import LeadlineError
from leadline_lab.sandbox.fleet import AGENT, REPLICATOR, Fleet
from leadline_lab.sandbox.postgres import Server
from leadline_lab.sandbox.process import give
from leadline_lab.sandbox.wait import eventually
from tests.fixtures.commands import Run
from tests.fixtures.postgres_versions import binaries_for
from tests.wild.conftest import Wild
from tests.wild.test_identity import agent
from tests.wild.watching import Watching, address

SOON_S = 3.0


@pytest.fixture
def fleet() -> Iterator[Fleet]:
    with Fleet(plain=True, slots=False) as made:
        yield made


def set_minimal(primary: Server) -> None:
    primary.stop()
    primary.configure_files({"cluster_name": "", "wal_level": "minimal", "max_wal_senders": "0"})
    primary.start()


@pytest.mark.quick
@pytest.mark.parametrize("late", [False, True], ids=["watched", "late"])
@pytest.mark.situation(
    920,
    "wal_level = minimal on a primary that has a standby",
    "fly-apps/postgres-flex#155",
    "digoal/blog#22",
)
def test_a_primary_that_replicates_no_more(wild: Wild, run: Run, fleet: Fleet, late: bool) -> None:
    """No sender is in use: the setting is named, and that the standby cannot replay what was written so."""
    primary = fleet.primary("pg-1")
    standby = fleet.standby("pg-2", primary)
    if late:
        set_minimal(primary)
    with Watching(agent(primary), agent(standby), for_s=SOON_S) as watching:
        if not late:
            watching.look(3)
            set_minimal(primary)
        wild.begins()
        cause = watching.names("too_many_wal_senders", 30.0, above=0.9)
        wild.answers(cause.summary)
        assert f"{address(primary)} does not replicate: wal_level = minimal" in cause.summary
        assert "base backup that was left" not in str(cause.steps)
        assert "cannot be replayed" in str(cause.steps)
    result = run("check", agent(primary), agent(standby))
    assert result.code == 1
    assert "does not replicate: wal_level = minimal" in result.out


@pytest.mark.quick
@pytest.mark.situation(
    921,
    "A standby that was restarted with less than its primary has",
    "alphagov/govuk-puppet#6418",
    "sorintlab/stolon#707",
    "CrunchyData/postgres-operator#2952",
)
def test_a_standby_that_was_restarted_with_too_little(wild: Wild, fleet: Fleet) -> None:
    """The primary got more connections first. The standby paused; somebody restarts it, and it ends at once."""
    primary = fleet.primary("pg-1", {"max_connections": "50"})
    standby = fleet.standby("pg-2", primary, settings={"max_connections": "50"})
    with Watching(agent(primary), agent(standby), for_s=SOON_S) as watching:
        watching.look(3)
        primary.stop()
        primary.configure_files({"cluster_name": "", "max_connections": "80"})
        primary.start()
        watching.names("replay_paused_by_parameter", 40.0)
        standby.stop()
        with suppress(LeadlineError):
            standby.start()
        wild.begins()
        cause = watching.names("standby_down", 30.0, above=0.9)
        wild.answers(cause.summary)
        assert "max_connections = 50" in cause.summary
        assert f"the 80 on {address(primary)}" in cause.summary
        (start,) = [each for each in cause.steps if "Start PostgreSQL" in (each.text or "")]
        assert "max_connections" in str(cause.steps[cause.steps.index(start) - 1])


@pytest.mark.quick
@pytest.mark.parametrize("late", [False, True], ids=["watched", "late"])
@pytest.mark.situation(
    922,
    "A tablespace whose directory the standby does not have",
    "cloudnative-pg/cloudnative-pg#4407",
    "bitnami/containers#21548",
    "greenplum-db/gpdb#7554",
)
def test_a_tablespace_that_the_standby_has_no_place_for(wild: Wild, run: Run, fleet: Fleet, late: bool) -> None:
    """The startup process ends, and the server with it. Its server log is read before anybody starts it again."""
    primary = fleet.primary("pg-1")
    standby = fleet.standby("pg-2", primary)
    place = primary.data / "fast"
    place.mkdir()
    give(place)

    def made() -> None:
        primary.query("CREATE TABLESPACE fast LOCATION '/proc/self/cwd/fast'")
        eventually("the standby has ended", lambda: not standby.running)

    if late:
        made()
    with Watching(agent(primary), agent(standby), for_s=SOON_S) as watching:
        if not late:
            watching.look(3)
            made()
        wild.begins()
        cause = watching.names("server_not_seen" if late else "standby_down", 30.0)
        wild.answers(cause.summary)
        assert cause.steps[0].risk == "look"
        assert f"Read the end of the server log of {address(standby)}" in (cause.steps[0].text or "")
        assert not {"split_brain", "primary_lost"} & watching.fired, watching.history()
    result = run("check", agent(primary), agent(standby))
    assert result.code == 1
    assert "promote" not in result.out


@pytest.mark.quick
@pytest.mark.situation(
    923,
    "A primary that was upgraded, and the standby of the old version",
    "EnterpriseDB/repmgr#770",
    "pgautoupgrade/docker-pgautoupgrade#83",
    "patroni/patroni#562",
)
def test_the_standby_of_an_upgraded_primary(wild: Wild, run: Run, fleet: Fleet) -> None:
    """pg_upgrade gives a cluster another system identifier: no setting of the standby repairs that."""
    with Fleet(binaries_for(15), plain=True, slots=False) as before:
        old = before.primary("pg-1")
        standby = before.standby("pg-2", old)
        old.stop()
        upgraded = fleet.primary("pg-1")
        upgraded.query("CREATE ROLE beside")
        password = standby.dsn(user=REPLICATOR).partition("password=")[2].split()[0]
        upgraded.query(f"ALTER ROLE {REPLICATOR} PASSWORD '{password}'")
        standby.configure(primary_conninfo=standby.dsn(user=REPLICATOR, port=upgraded.port))
        with Watching(agent(upgraded), agent(standby), for_s=SOON_S) as watching:
            wild.begins()
            cause = watching.names("wrong_cluster", 30.0, above=0.9)
            wild.answers(cause.summary)
            assert "PostgreSQL 15" in cause.summary
            assert "18" in cause.summary
            assert "address of its own primary" not in str(cause.steps)
            assert "a new standby" in str(cause.steps)
        result = run("check", agent(upgraded), agent(standby))
        assert (result.code, "pg_upgrade" in result.out) == (1, True), result.out


@pytest.mark.quick
@pytest.mark.situation(
    924,
    "A standby that admits nobody while a large transaction runs on its primary",
    "neondatabase/neon#7236",
    "neondatabase/neon#7288",
    "EnterpriseDB/repmgr#894",
)
def test_a_snapshot_that_overflowed(wild: Wild, fleet: Fleet) -> None:
    """More than 64 subtransactions ran when the copy began: who has to end is on the primary."""
    primary = fleet.primary("pg-1")
    primary.query("CREATE TABLE items (id int)")
    with psycopg.connect(primary.dsn(application_name="import")) as session:
        for number in range(70):
            session.execute(f"SAVEPOINT s{number}".encode())
            session.execute("INSERT INTO items VALUES (1)")
        with suppress(LeadlineError):
            fleet.standby("pg-2", primary)
        standby = fleet.servers["pg-2"]
        assert standby.running
        with Watching(agent(primary), standby.dsn(user=AGENT), for_s=SOON_S) as watching:
            wild.begins()
            cause = watching.names("server_not_ready", 30.0, above=0.9)
            watching.until("the transaction is named", lambda: "import" in str(watching.causes()[0]), 20.0)
            cause = watching.causes()[0]
            wild.answers(cause.summary)
            assert "64 subtransactions" in str(cause.steps)
            assert all(step.risk == "look" for step in cause.steps)
            session.rollback()
            watching.ends(60.0)


@pytest.mark.quick
@pytest.mark.parametrize("major", [15, 18])
@pytest.mark.situation(
    925,
    "synchronous_standby_names names a standby that connects under its default name",
    "EnterpriseDB/repmgr#274",
    "hapostgres/pg_auto_failover#87",
)
def test_a_synchronous_standby_without_its_name(wild: Wild, run: Run, major: int) -> None:
    """It is connected: to bring it back is no step. Its name is missing at one of the two ends."""
    wild.server_version = str(major)
    with Fleet(binaries_for(major), plain=True, slots=False) as fleet:
        primary = fleet.primary("pg-1")
        standby = fleet.standby("pg-2", primary)
        primary.configure(synchronous_standby_names="pg2")

        def write() -> None:
            with suppress(psycopg.Error), psycopg.connect(primary.dsn(), autocommit=True) as session:
                session.execute("CREATE TABLE waits (id int)")

        writer = threading.Thread(target=write, daemon=True)
        writer.start()
        try:
            with Watching(agent(primary), agent(standby), for_s=SOON_S) as watching:
                wild.begins()
                cause = watching.names("sync_standby_missing", 30.0, above=0.9)
                wild.answers(cause.summary)
                assert "Bring back" not in str(cause.steps)
                assert "application_name=pg2" in str(cause.steps)
            result = run("check", agent(primary), agent(standby))
            assert (result.code, "application_name=pg2" in result.out) == (1, True), result.out
        finally:
            primary.configure(synchronous_standby_names=None)
            writer.join(10.0)


@pytest.mark.quick
@pytest.mark.situation(
    926,
    "A password with a quote makes primary_conninfo malformed",
    "EnterpriseDB/repmgr#253",
    "hapostgres/pg_auto_failover#131",
    "dalibo/temboard-agent#533",
)
def test_a_malformed_connection_string(wild: Wild, run: Run, fleet: Fleet) -> None:
    """No address is tried: none is named, and the place where the quote is wrong is."""
    primary = fleet.primary("pg-1")
    standby = fleet.standby("pg-2", primary)
    standby.configure(primary_conninfo=f"host=127.0.0.1 port={primary.port} user={REPLICATOR} password=it's bad")
    eventually("the stream has ended", lambda: not primary.value("SELECT count(*) FROM pg_stat_replication"))
    with Watching(agent(primary), agent(standby), for_s=SOON_S) as watching:
        wild.begins()
        cause = watching.names("standby_cannot_connect", 30.0)
        wild.answers(cause.summary)
        assert "primary_conninfo shows no host: it may be malformed" in cause.summary
        assert "host= port=0" not in str(cause.steps)
        assert all(step.risk == "look" for step in cause.steps)
    result = run("check", agent(primary), agent(standby))
    assert (result.code, ":0," in result.out) == (1, False), result.out
