"""Standbys under timeouts that are off, and roles that lost what a standby needs."""

from collections.abc import Callable

import pytest

from leadline_lab.faults.topologies import LOGGED
from leadline_lab.sandbox.fleet import AGENT, REPLICATOR, Fleet
from leadline_lab.sandbox.postgres import Server
from leadline_lab.sandbox.workload import writing
from tests.fixtures.commands import Run
from tests.fixtures.poolers import pgbouncer
from tests.wild.conftest import Wild
from tests.wild.test_server_log_reasons import GRANTS
from tests.wild.watching import Watching, address, watched

END_STREAMING = "SELECT pg_terminate_backend(pid) FROM pg_stat_replication"
SILENT_S = 75.0
"""Longer than the default of both timeouts."""


@pytest.mark.situation(
    1010,
    "No timeouts, and an idle primary",
    "PeerDB-io/peerdb#571",
    "ClickHouse/clickhouse-docs#6018",
    "databasus/databasus#680",
)
def test_without_timeouts_nobody_asks(wild: Wild) -> None:
    """Neither end sends a keepalive: no message for longer than a minute is how it is."""
    with Fleet(plain=True, slots=False) as fleet:
        primary = fleet.primary("pg-1", {"wal_sender_timeout": "0"})
        standby = fleet.standby("pg-2", primary, settings={"wal_receiver_timeout": "0"})
        with Watching(primary.dsn(user=AGENT), standby.dsn(user=AGENT), for_s=1.0) as seen:
            seen.quiet(SILENT_S)
            wild.raises_nothing()


@pytest.mark.situation(
    1011, "wal_receiver_status_interval = 0", "pgbackrest/pgbackrest#1046", "OPMDG/check_pgactivity#80"
)
def test_a_standby_that_reports_only_when_it_is_asked(wild: Wild) -> None:
    """Its positions on the primary are old; its own are not."""
    with Fleet(plain=True, slots=False) as fleet:
        primary = fleet.primary("pg-1")
        standby = fleet.standby("pg-2", primary, settings={"wal_receiver_status_interval": "0"})
        with writing(primary), Watching(primary.dsn(user=AGENT), standby.dsn(user=AGENT), for_s=1.0) as seen:
            seen.quiet(45.0)
            wild.raises_nothing()


def no_replication(primary: Server) -> None:
    """Somebody tightened the rights of the role."""
    primary.execute(f"ALTER ROLE {REPLICATOR} NOREPLICATION")


def expired(primary: Server) -> None:
    """The password of the role was valid until yesterday."""
    primary.execute(f"ALTER ROLE {REPLICATOR} VALID UNTIL '2020-01-01'")


def no_login(primary: Server) -> None:
    """The role was locked."""
    primary.execute(f"ALTER ROLE {REPLICATOR} NOLOGIN")


@pytest.mark.parametrize(
    ("break_it", "says"),
    [
        (no_replication, "permission denied to start WAL sender"),
        (expired, "password authentication failed"),
        (no_login, "is not permitted to log in"),
    ],
)
@pytest.mark.parametrize("late", [False, True], ids=["watched-before", "watched-after"])
@pytest.mark.situation(
    1012,
    "The role of a standby may not replicate any more",
    "hapostgres/pg_auto_failover#512",
    "EnterpriseDB/repmgr#682",
    "bitnami/charts#20247",
)
def test_the_role_of_a_standby_is_refused(
    wild: Wild, run: Run, break_it: Callable[[Server], None], says: str, late: bool
) -> None:
    """It shows at the next connection, which may be long after the change; the server log has the reason."""
    with Fleet(plain=True, slots=False) as fleet:
        primary = fleet.primary("pg-1", LOGGED)
        primary.query(GRANTS)
        standby = fleet.standby("pg-2", primary, settings=LOGGED)
        fleet.wait_caught_up()

        def broken() -> None:
            break_it(primary)
            primary.query(END_STREAMING)

        if late:
            broken()
        wild.begins()
        with watched([primary, standby], settled=not late) as seen:
            if not late:
                broken()
                wild.begins()
            cause = seen.names("standby_cannot_connect", 30.0, above=0.85)
            seen.until("the reason is quoted", lambda: says in seen.causes()[0].summary)
            wild.answers(seen.causes()[0].summary)
            assert {step.risk for step in cause.steps} == {"look"}
        result = run("check", primary.dsn(user=AGENT), standby.dsn(user=AGENT))
        assert says in result.out, result.out


@pytest.mark.parametrize("late", [False, True], ids=["watched-before", "watched-after"])
@pytest.mark.situation(
    1013,
    "A standby is pointed at a pooler",
    "pgbouncer/pgbouncer#382",
    "pgbouncer/pgbouncer#1196",
    "neondatabase/neon#6291",
)
def test_a_standby_behind_a_pooler(wild: Wild, run: Run, late: bool) -> None:
    """Applications connect through it, and primary_conninfo got the same address; the pooler's refusal is quoted."""
    with Fleet(plain=True, slots=False) as fleet:
        primary = fleet.primary("pg-1", LOGGED)
        primary.query(GRANTS)
        standby = fleet.standby("pg-2", primary, settings=LOGGED)
        fleet.wait_caught_up()
        with pgbouncer(primary, REPLICATOR) as dsn:

            def broken() -> None:
                standby.configure(primary_conninfo=dsn)
                primary.query(END_STREAMING)

            if late:
                broken()
            wild.begins()
            with watched([primary, standby], settled=not late) as seen:
                if not late:
                    broken()
                    wild.begins()
                cause = seen.names("standby_cannot_connect", 30.0, above=0.9)
                wild.answers(cause.summary)
                if not late:
                    assert "was changed from" in cause.summary
                    assert "a connection pooler answers there" in cause.summary
            result = run("check", primary.dsn(user=AGENT), standby.dsn(user=AGENT))
            assert "a connection pooler answers there, and passes no replication on" in result.out, result.out
            assert address(standby) in result.out
