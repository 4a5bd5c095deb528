"""Initial copies of tables: some wait for somebody without an error, others only take long."""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import psycopg
import pytest
from psycopg import sql

from leadline_lab.faults.logical.copies import slow_copy
from leadline_lab.faults.topologies import Logical, make_logical
from leadline_lab.sandbox.fleet import AGENT, REPLICATOR, Fleet
from leadline_lab.sandbox.postgres import Server
from leadline_lab.sandbox.wait import eventually
from tests.fixtures.commands import Run
from tests.fixtures.postgres_versions import binaries_for
from tests.wild.conftest import Wild
from tests.wild.watching import address, watched

GRANTS = (Path(__file__).parents[2] / "deploy" / "sql" / "server_log.sql").read_text()
SOON = {"table_sync_waiting": {"warning": 3.0}, "slot_creation_waiting": {"warning": 3.0}}
TABLE = "CREATE TABLE {} (id int PRIMARY KEY, note text)"
ROWS = "INSERT INTO {} SELECT id, repeat('x', 100) FROM generate_series(1, {}) AS id"
STATE = "SELECT srsubstate FROM pg_subscription_rel WHERE srrelid = '{}'::regclass"
CREATING = "SELECT count(*) FROM pg_replication_slots WHERE confirmed_flush_lsn IS NULL AND active"


@pytest.fixture
def logical() -> Iterator[Logical]:
    with _logical() as logical:
        yield logical


@contextmanager
def _logical(major: int = 18, prepared: str = "0") -> Iterator[Logical]:
    with Fleet(binaries_for(major)) as fleet:
        logical = make_logical(fleet)
        if prepared != "0":
            logical.publisher.configure(max_prepared_transactions=prepared)
            logical.publisher.restart()
        fleet.wait_caught_up()
        yield logical


@contextmanager
def writing(server: Server, dbname: str) -> Iterator[psycopg.Connection]:
    """A session that wrote a row and does not end its transaction."""
    with psycopg.connect(server.dsn(dbname, application_name="shop")) as session:
        session.execute("INSERT INTO items VALUES (7001, 'open')")
        yield session
        session.rollback()


def add(logical: Logical, table: str, rows: int) -> None:
    """A table with rows on the publisher, new to the subscription."""
    logical.on_subscriber(TABLE.format(table))
    logical.on_publisher(TABLE.format(table), ROWS.format(table, rows))
    logical.alter("REFRESH PUBLICATION")


def state(logical: Logical, table: str) -> Callable[[], str]:
    return lambda: str(logical.subscriber.value(STATE.format(table), dbname=logical.database))


def ends(logical: Logical) -> list[Server]:
    return [logical.publisher, logical.subscriber]


@pytest.mark.quick
@pytest.mark.situation(17, "Table sync that hangs", "pgcopydb#819", "electric#4515", "pg_easy_replicate#177")
@pytest.mark.parametrize("major", [15, 18])
def test_a_copy_that_waits_for_a_transaction(wild: Wild, major: int) -> None:
    """Which transaction on the publisher the copy of a new table waits for."""
    with _logical(major) as logical, writing(logical.publisher, logical.database) as session:
        wild.server_version = str(major)
        with watched(ends(logical), logical.database, SOON) as seen:
            wild.begins()
            add(logical, "added", 240)
            seen.fires("table_sync_waiting")
            cause = seen.names("sync_slot_waits")
            pid = session.info.backend_pid
            assert f"the copy of public.added by subscription pg_3 on {address(logical.subscriber)}" in cause.summary
            assert f"it waits for pid {pid} on {address(logical.publisher)}" in cause.summary
            assert [step.risk for step in cause.steps] == ["look", "look", "careful"]
            assert cause.steps[0].node == address(logical.publisher)
            wild.answers(cause.summary)
            session.rollback()
            seen.ends()
            assert seen.fired == {"table_sync_waiting"}
            logical.fleet.wait_caught_up()


@pytest.mark.situation(17, "Table sync that hangs, watched from after the break", "pgcopydb#819")
def test_a_copy_that_waits_is_named_to_those_who_begin_to_look(logical: Logical, wild: Wild) -> None:
    """The wait is counted from the beginning of the worker's transaction, not from the first look."""
    with writing(logical.publisher, logical.database):
        add(logical, "added", 240)
        eventually("the slot is being created", lambda: bool(logical.publisher.value(CREATING)), 10.0)
        eventually("it waits", lambda: _transaction_s(logical) > 12.0, 20.0)
        wild.begins()
        with watched(ends(logical), logical.database, {"table_sync_waiting": {"warning": 10.0}}) as seen:
            wild.answers(seen.names("sync_slot_waits", 15.0).summary)


def _transaction_s(logical: Logical) -> float:
    query = "SELECT extract(epoch FROM now() - min(xact_start)) FROM pg_stat_activity WHERE backend_type LIKE %s"
    return float(logical.subscriber.value(query, ["logical replication %"]) or 0.0)


@pytest.mark.situation(701, "A copy waits for a prepared transaction", "pgcopydb#819")
def test_a_copy_that_waits_for_a_prepared_transaction(wild: Wild) -> None:
    """No session holds it, so no pid is named, and nothing that would discard the transaction is proposed."""
    with _logical(prepared="5") as logical:
        with psycopg.connect(logical.publisher.dsn(logical.database), autocommit=True) as session:
            session.execute("BEGIN")
            session.execute("INSERT INTO items VALUES (7002, 'prepared')")
            session.execute("PREPARE TRANSACTION 'order 17'")
        with watched(ends(logical), logical.database, SOON) as seen:
            wild.begins()
            add(logical, "added", 240)
            cause = seen.names("sync_slot_waits")
            assert f"prepared transaction order 17 on {address(logical.publisher)}" in cause.summary
            assert {step.risk for step in cause.steps} == {"look"}
            wild.answers(cause.summary)
        logical.on_publisher("ROLLBACK PREPARED 'order 17'")


@pytest.mark.situation(702, "A slot of any consumer is not created", "electric#4515")
def test_a_slot_whose_creation_waits(logical: Logical, wild: Wild) -> None:
    """The consumer is not watched; its slot and the session that it waits for are on the publisher."""
    with writing(logical.publisher, logical.database) as session:
        create = psycopg.connect(logical.publisher.dsn(logical.database, application_name="cdc"), autocommit=True)
        with watched([logical.publisher], logical.database, SOON) as seen, create:
            create.pgconn.send_query(b"SELECT pg_create_logical_replication_slot('cdc', 'pgoutput')")
            wild.begins()
            fired = seen.fires("slot_creation_waiting")
            cause = seen.names("sync_slot_waits")
            assert f"slot cdc on {address(logical.publisher)} has been in creation" in fired.summary
            assert f"pid {session.info.backend_pid}" in cause.summary
            wild.answers(cause.summary)
            session.rollback()
            create.pgconn.get_result()
            create.pgconn.get_result()
            create.execute("SELECT pg_drop_replication_slot('cdc')")
            seen.ends()


@pytest.mark.situation(703, "A copy waits for a lock on its table", "pg_easy_replicate#177")
def test_a_copy_that_waits_for_a_lock_on_the_subscriber(logical: Logical, wild: Wild) -> None:
    """An index is built, or a report runs, on the table into which rows are to be copied."""
    with psycopg.connect(logical.subscriber.dsn(logical.database, application_name="report")) as session:
        logical.on_subscriber(TABLE.format("locked"))
        session.execute("LOCK TABLE locked IN SHARE MODE")
        logical.on_publisher(TABLE.format("locked"))
        with watched(ends(logical), logical.database, SOON) as seen:
            wild.begins()
            logical.alter("REFRESH PUBLICATION")
            cause = seen.names("table_copy_blocked")
            where = f"pid {session.info.backend_pid} on {address(logical.subscriber)}"
            assert f"it waits for a lock that {where} holds" in cause.summary
            wild.answers(cause.summary)
            session.rollback()
            seen.ends()


@pytest.mark.situation(704, "Tables wait for a worker that no setting allows", "pglogical#491")
def test_tables_that_wait_for_a_worker(logical: Logical, wild: Wild) -> None:
    """The subscription streams, and its new tables are copied by nobody."""
    logical.subscriber.configure(max_sync_workers_per_subscription="0")
    with watched(ends(logical), logical.database, SOON) as seen:
        wild.begins()
        add(logical, "queued", 10)
        cause = seen.names("table_copy_workers_exhausted", 30.0)
        assert "max_sync_workers_per_subscription = 0" in cause.summary
        wild.answers(cause.summary)
        logical.subscriber.configure(max_sync_workers_per_subscription=None)
        seen.ends()


CANCELLED = ("burggraf/postgresql_replicas#2",)


def for_role(logical: Logical) -> str:
    """The timeout of the role of the subscription."""
    logical.publisher.query(f"ALTER ROLE {REPLICATOR} SET statement_timeout = '2s'")
    return f"statement_timeout = 2s, which is set for role {REPLICATOR} on {address(logical.publisher)}"


def for_database(logical: Logical) -> str:
    """The timeout of everybody in the database."""
    logical.publisher.query(f"ALTER DATABASE {logical.database} SET statement_timeout = 2000")
    return f"statement_timeout = 2000, which is set for database {logical.database} on {address(logical.publisher)}"


@pytest.mark.situation(152, "A copy is cancelled by statement_timeout, again and again", *CANCELLED)
@pytest.mark.parametrize("setting", [for_role, for_database])
@pytest.mark.parametrize("major", [15, 18])
def test_a_copy_that_is_cancelled(wild: Wild, run: Run, major: int, setting: Callable[[Logical], str]) -> None:
    """The setting, for whom it is set, and the statement that ends it; afterwards the copy gets through."""
    with _logical(major) as logical:
        wild.server_version = str(major)
        what = setting(logical)
        logical.publisher.query("SELECT pg_terminate_backend(pid) FROM pg_stat_replication")
        logical.fleet.wait_caught_up()
        slow_copy(logical, "orders", rows=600, row_s=0.01)
        with watched(ends(logical), logical.database) as seen:
            wild.begins()
            logical.alter("REFRESH PUBLICATION")
            cause = seen.names("table_copy_cancelled", 90.0, above=0.9)
            assert what in cause.summary
            assert cause.summary.startswith("the initial copy of public.orders by subscription pg_3")
            assert cause.steps[0].risk == "look"
            wild.answers(cause.summary)
            result = run("check", *(each.dsn(logical.database, AGENT) for each in ends(logical)))
            assert result.code == 1, result.out
            by_name = what.replace(address(logical.publisher), logical.publisher.name)  # from its settings
            assert by_name in result.out, result.out
            (repair,) = [step for step in cause.steps if step.risk == "safe"]
            logical.publisher.query(repair.sql or "", dbname=logical.database)
            seen.until("the table is copied", lambda: state(logical, "orders")() == "r", 60.0)


@pytest.mark.situation(153, "A copy is cancelled by a timeout that only the server log shows", *CANCELLED)
def test_a_copy_that_is_cancelled_by_the_servers_own_timeout(wild: Wild) -> None:
    """statement_timeout in the configuration file: no catalog has it, and the server log says that one ended."""
    with _logical() as logical:
        logical.publisher.configure(statement_timeout="2s")
        logical.subscriber.configure_files({"logging_collector": "on", "log_destination": "csvlog"})
        logical.subscriber.restart()
        logical.subscriber.query(GRANTS, dbname=logical.database)
        logical.publisher.query("SELECT pg_terminate_backend(pid) FROM pg_stat_replication")
        logical.fleet.wait_caught_up()
        slow_copy(logical, "orders", rows=600, row_s=0.01)
        with watched(ends(logical), logical.database) as seen:
            wild.begins()
            logical.alter("REFRESH PUBLICATION")
            cause = seen.names("table_copy_cancelled", 90.0, above=0.9)
            assert "takes longer than statement_timeout on" in cause.summary
            assert "canceling statement due to statement timeout" in str(cause.evidence_for)
            wild.answers(cause.summary)
        logical.publisher.configure(statement_timeout=None)


@pytest.mark.quick
@pytest.mark.situation(16, "Initial copy longer than 5 minutes, time compressed", "pglogical#491")
def test_a_copy_that_takes_long(logical: Logical, wild: Wild, run: Run) -> None:
    """Its slot has no reader while COPY runs, and moves nothing; that is how a copy works."""
    slow_copy(logical, "slow", rows=3000, row_s=0.01)
    with watched(ends(logical), logical.database, {"table_sync_waiting": {"warning": 6.0}}) as seen:
        logical.alter("REFRESH PUBLICATION")
        eventually("it is being copied", lambda: state(logical, "slow")() == "d", 10.0)
        seen.quiet(18.0)
        result = run("check", *(each.dsn(logical.database, AGENT) for each in ends(logical)))
        assert result.code == 0, result.out
        assert state(logical, "slow")() == "d", "the copy ended too early to show anything"
    wild.raises_nothing()


@pytest.mark.situation(166, "CREATE SUBSCRIPTION to a database of the same server", "ManageIQ/manageiq#21292")
@pytest.mark.parametrize("major", [15, 18])
def test_a_subscription_to_its_own_server(wild: Wild, major: int) -> None:
    """It waits for the slot, and the slot for its transaction; both sessions are of one server."""
    wild.server_version = str(major)
    with Fleet(binaries_for(major), plain=True) as fleet:
        server = fleet.primary("pg-1")
        for dbname in ("app", "copy"):
            server.query(f"CREATE DATABASE {dbname}")
            server.query(TABLE.format("items"), dbname=dbname)
        server.query("CREATE PUBLICATION shop FOR ALL TABLES", dbname="app")
        to = sql.Literal(server.dsn("app")).as_string()
        with psycopg.connect(server.dsn("copy"), autocommit=True) as session:
            pid = session.info.backend_pid
            creating = threading.Thread(target=_cancelled, args=(session, f"CREATE SUBSCRIPTION shop CONNECTION {to}"))
            creating.start()
            eventually("the slot is being created", lambda: bool(server.value(CREATING)), 10.0)
            wild.begins()
            with watched([server], "copy", SOON) as seen:
                seen.fires("slot_creation_waiting")
                cause = seen.names("sync_slot_waits", above=0.9)
                wild.answers(cause.summary)
                assert f"it waits for pid {pid} on {address(server)}" in cause.summary
                assert "Neither ends by itself" in cause.summary
                (cancel,) = [step.sql for step in cause.steps if step.sql and "cancel" in step.sql]
                server.query(cancel)
                creating.join(10.0)
                assert not creating.is_alive()
                seen.ends()


def _cancelled(session: psycopg.Connection, create: str) -> None:
    with pytest.raises(psycopg.Error, match="cancel"):
        session.execute(f"{create} PUBLICATION shop".encode())


@pytest.mark.situation(
    167, "A publisher has no slot or sender left for a copy", "autobase-tech/autobase#823", "pg_easy_replicate#201"
)
@pytest.mark.parametrize(
    ("setting", "words"),
    [("max_replication_slots", "all slots of {} are in use"), ("max_wal_senders", "all senders of {} are in use")],
)
def test_a_copy_for_which_nothing_is_left(wild: Wild, logical: Logical, setting: str, words: str) -> None:
    """The setting is named that leaves nothing; once it is raised, the copy goes on."""
    logical.subscriber.configure(max_sync_workers_per_subscription="0")
    add(logical, "added", 10)
    logical.publisher.configure(**{setting: "1"})
    logical.publisher.restart()
    logical.subscriber.configure(max_sync_workers_per_subscription=None)
    wild.begins()
    with watched(ends(logical), logical.database) as seen:
        seen.fires("table_sync_stuck")
        cause = seen.names("table_sync_failing", above=0.9)
        wild.answers(cause.summary)
        assert f"{words.format(address(logical.publisher))} ({setting} = 1)" in cause.summary
        assert f"Raise {setting}" in cause.fix
        logical.publisher.configure(**{setting: "10"})
        logical.publisher.restart()
        eventually("it is copied", lambda: state(logical, "added")() == "r", 30.0)
