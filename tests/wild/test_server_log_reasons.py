"""Failures whose reason is in the server log only."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from leadline_lab.faults.physical.damage import damage
from leadline_lab.faults.physical.refusals import take_senders
from leadline_lab.sandbox.fleet import Fleet
from leadline_lab.sandbox.postgres import Server
from tests.wild.conftest import Wild
from tests.wild.watching import watched

GRANTS = (Path(__file__).parents[2] / "deploy" / "sql" / "server_log.sql").read_text()
LOGGED = {"logging_collector": "on", "log_destination": "csvlog"}
ITEMS = "CREATE TABLE items (id int PRIMARY KEY, note text)"
Break = Callable[[Server, Server], None]


@pytest.fixture
def fleet() -> Iterator[Fleet]:
    fleet = Fleet()
    yield fleet
    fleet.close()


def logical(fleet: Fleet, schema: str = ITEMS, *, readable: bool = True) -> tuple[Server, Server]:
    """A publisher and a subscriber in the database app; the agent may read the server logs where ``readable``."""
    settings = LOGGED if readable else {}
    publisher = fleet.primary("pg-1", settings)
    publisher.query("CREATE DATABASE app")
    publisher.query(schema, dbname="app")
    subscriber = fleet.subscriber("pg-3", publisher, schema=schema, settings=settings)
    for server in (publisher, subscriber) if readable else ():
        server.query(GRANTS, dbname="app")
    fleet.wait_caught_up()
    return publisher, subscriber


def physical(fleet: Fleet, **settings: str) -> tuple[Server, Server]:
    """A primary and a standby whose server logs the agent may read."""
    own = {**LOGGED, "wal_keep_size": "256MB", **settings}
    primary = fleet.primary("pg-1", own)
    primary.query(GRANTS)
    return primary, fleet.standby("pg-2", primary, slot=False, settings=own)


def right_revoked(publisher: Server, subscriber: Server) -> None:
    """The owner of the subscription may not insert any more."""
    subscriber.query("CREATE ROLE owner NOLOGIN", dbname="app")
    subscriber.query("ALTER TABLE items OWNER TO owner", dbname="app")
    subscriber.query("REVOKE INSERT ON items FROM owner", dbname="app")
    publisher.query("INSERT INTO items VALUES (1, 'a')", dbname="app")


def check_constraint(publisher: Server, subscriber: Server) -> None:
    """A constraint that the publisher does not have."""
    subscriber.query("ALTER TABLE items ADD CHECK (note <> 'secret')", dbname="app")
    publisher.query("INSERT INTO items VALUES (1, 'secret')", dbname="app")


def trigger_raises(publisher: Server, subscriber: Server) -> None:
    """A trigger that fires for replicated rows."""
    subscriber.query(
        "CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS "
        "$$ BEGIN RAISE EXCEPTION 'not with %', NEW.note; END $$",
        dbname="app",
    )
    subscriber.query("CREATE TRIGGER t BEFORE INSERT ON items FOR EACH ROW EXECUTE FUNCTION refuse()", dbname="app")
    subscriber.query("ALTER TABLE items ENABLE ALWAYS TRIGGER t", dbname="app")
    publisher.query("INSERT INTO items VALUES (1, 'secret')", dbname="app")


def truncate_against_a_key(publisher: Server, subscriber: Server) -> None:
    """A foreign key that only the subscriber has."""
    subscriber.query("CREATE TABLE parts (item int REFERENCES items)", dbname="app")
    publisher.query("TRUNCATE items", dbname="app")


@pytest.mark.quick
@pytest.mark.situation(
    18, "Apply is refused for a reason that no counter names", "PostgreSQL docs: Logical Replication, Security"
)
@pytest.mark.parametrize(
    ("refuse", "reason"),
    [
        (right_revoked, "permission denied for table items"),
        (check_constraint, "violates check constraint"),
        (trigger_raises, "SQLSTATE P0001"),
        (truncate_against_a_key, "cannot truncate a table referenced in a foreign key constraint"),
    ],
)
def test_apply_is_refused(fleet: Fleet, wild: Wild, refuse: Break, reason: str) -> None:
    """The server log says why, and nothing of the data leaves the host."""
    publisher, subscriber = logical(fleet)
    with watched([publisher, subscriber], "app", settled=True) as seen:
        wild.begins()
        refuse(publisher, subscriber)
        cause = seen.names("apply_refused", above=0.9)
        wild.answers(cause.summary)
        assert reason in cause.summary
        assert "secret" not in str(cause)
        assert "subscriber_schema_drift" not in {each.code for each in seen.causes()}


@pytest.mark.situation(
    605, "The same where the agent may not read the server log", "PostgreSQL docs: Logical Replication, Row Filters"
)
def test_apply_is_refused_and_the_reason_cannot_be_read(fleet: Fleet, wild: Wild) -> None:
    """Compared tables that are alike exclude drift; what is left is a guess that says where the reason is."""
    publisher, subscriber = logical(fleet, readable=False)
    with watched([publisher, subscriber], "app", settled=True) as seen:
        wild.begins()
        check_constraint(publisher, subscriber)
        seen.until(
            "the tables were compared",
            lambda: any("the tables are alike" in each.summary for each in seen.causes()),
            60.0,
        )
        cause = seen.names("apply_refused")
        wild.answers(cause.summary)
        assert cause.confidence <= 0.5
        assert {step.risk for step in cause.steps} == {"look"}
        assert cause.not_seen


@pytest.mark.situation(
    606,
    "The primary has no sender left",
    "agoodway/walex#51",
    "multigres/multigres#1093",
    "canonical/postgresql-operator#835",
)
def test_too_many_wal_senders(fleet: Fleet, wild: Wild) -> None:
    """A second standby is refused; its server log and the primary's say so."""
    primary, standby = physical(fleet, max_wal_senders="2")
    with watched([primary, standby], settled=True) as seen:
        wild.begins()
        standby.stop()
        with ExitStack() as opened:
            take_senders(primary, opened)
            standby.start()
            cause = seen.names("too_many_wal_senders", 40.0, above=0.9)
            wild.answers(cause.summary)


def no_entry(primary: Server, _: Server) -> None:
    """pg_hba.conf allows no replication any more."""
    hba = primary.data / "pg_hba.conf"
    hba.write_text("host all all 127.0.0.1/32 scram-sha-256\nhost replication postgres 127.0.0.1/32 scram-sha-256\n")
    primary.query("SELECT pg_reload_conf()")


def wrong_password(primary: Server, _: Server) -> None:
    """The password of the replication role was changed."""
    primary.query("ALTER ROLE replicator PASSWORD 'rotated'")


@pytest.mark.quick
@pytest.mark.situation(
    607,
    "A standby is refused by pg_hba.conf or its password",
    "hapostgres/pg_auto_failover#512",
    "netdata/netdata#13387",
)
@pytest.mark.parametrize(("refuse", "reason"), [(no_entry, "pg_hba.conf"), (wrong_password, "password authentication")])
def test_a_standby_is_refused(fleet: Fleet, wild: Wild, refuse: Break, reason: str) -> None:
    """The reason is quoted from the server log."""
    primary, standby = physical(fleet)
    with watched([primary, standby], settled=True) as seen:
        wild.begins()
        refuse(primary, standby)
        primary.query("SELECT pg_terminate_backend(pid) FROM pg_stat_replication")
        cause = seen.names("standby_cannot_connect", above=0.85)
        wild.answers(cause.summary)
        assert reason in cause.summary


@pytest.mark.situation(
    12,
    "A corrupt WAL record",
    "timescale/timescaledb#1443",
    "cloudnative-pg/cloudnative-pg#10419",
    "postgres/postgres#44",
)
def test_a_corrupt_wal_record(fleet: Fleet, wild: Wild) -> None:
    """A WAL file of the primary was damaged while the standby was down: the standby asks for it again and again."""
    primary, standby = physical(fleet)
    primary.query("CREATE TABLE t (n int)")
    fleet.wait_caught_up()
    with watched([primary, standby], settled=True) as seen:
        place = str(standby.value("SELECT pg_last_wal_replay_lsn()::text"))
        wild.begins()
        standby.stop()
        for _ in range(4):
            primary.query("INSERT INTO t SELECT generate_series(1, 20000)")
        primary.query("CHECKPOINT")
        primary.restart()
        damage(primary, place)
        standby.start()
        cause = seen.names("wal_corrupt", 60.0, above=0.9)
        wild.answers(cause.summary)
        assert seen.causes()[0].code != "standby_down"


@pytest.mark.situation(
    168, "The owner of a subscription has lost the right to connect", "PostgreSQL docs: Logical Replication, Security"
)
def test_an_owner_who_may_not_log_in(fleet: Fleet, wild: Wild) -> None:
    """The worker ends as it starts; no network is to blame."""
    publisher, subscriber = logical(fleet)
    subscriber.query("CREATE ROLE owner SUPERUSER")
    subscriber.query("ALTER SUBSCRIPTION pg_3 OWNER TO owner", dbname="app")
    subscriber.query("ALTER ROLE owner NOSUPERUSER")
    publisher.query("INSERT INTO items VALUES (1, 'a')", dbname="app")
    wild.begins()
    with watched((publisher, subscriber), "app") as seen:
        cause = seen.names("subscriber_cannot_connect", above=0.9)
        wild.answers(cause.summary)
        assert "is not permitted to log in" in cause.summary
        assert "CONNECTION 'host=" not in cause.fix


@pytest.mark.situation(169, "A copy may not read its table", "PostgreSQL docs: Logical Replication, Security")
def test_a_copy_that_may_not_read(fleet: Fleet, wild: Wild) -> None:
    """The publisher refuses COPY; the subscriber's server log quotes it."""
    publisher, subscriber = logical(fleet)
    for server in (publisher, subscriber):
        server.query("CREATE TABLE added (id int PRIMARY KEY)", dbname="app")
    publisher.query("REVOKE SELECT ON added FROM replicator", dbname="app")
    subscriber.query("ALTER SUBSCRIPTION pg_3 REFRESH PUBLICATION", dbname="app")
    wild.begins()
    with watched((publisher, subscriber), "app") as seen:
        cause = seen.names("table_sync_failing", above=0.9)
        seen.until("it is quoted", lambda: "permission denied for table added" in str(seen.causes()))
        wild.answers(seen.causes()[0].summary)
        assert "GRANT SELECT" in cause.fix
