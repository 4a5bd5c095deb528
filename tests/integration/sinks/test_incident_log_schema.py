"""The schema of the incident log: created once, in every version, and owned by a role that no sink needs."""

import asyncio
import re
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import psycopg
import pytest

from leadline.clock import ManualClock
from leadline.errors import UsageError
from leadline.model.ids import IncidentId, NodeName
from leadline.model.incident import Affected
from leadline.settings.secret import Secret
from leadline.settings.sink import IncidentLogSettings
from leadline_lab.sandbox.fleet import Fleet
from leadline_lab.sandbox.postgres import Server
from leadline_sinks.incident_log import reader, retention, schema
from leadline_sinks.incident_log.appending import extend, hold_head
from leadline_sinks.incident_log.chain import BEGINNING, ChainLink, checkpoint
from leadline_sinks.incident_log.connection import Connection, transaction
from leadline_sinks.incident_log.rows import row
from leadline_sinks.incident_log.writer import IncidentLog
from leadline_sinks.notify.sink import Reason, Retry, Sent
from tests.fixtures.postgres_versions import MAJORS, binaries_for
from tests.unit.sinks import made
from tests.unit.sinks.log_made import delivery, topic_record, transition

ROOT = Path(__file__).parents[3]
GRANTS = ROOT / "deploy/sql/incident_log.sql"
DOCS = ROOT / "docs/reference/incident-log.md"
VERSIONS = [major for major in MAJORS if major >= schema.OLDEST]


@asynccontextmanager
async def recording(settings: IncidentLogSettings, clock: ManualClock | None = None) -> AsyncIterator[IncidentLog]:
    log = IncidentLog(settings, clock or ManualClock(made.later(600)))
    try:
        yield log
    finally:
        await log.close()


@pytest.mark.parametrize("major", VERSIONS, ids="postgresql-{}".format)
async def test_every_version(major: int) -> None:
    """The schema is created, and rows are written, read and verified, in each supported version."""
    with Fleet(binaries_for(major)) as fleet:
        dsn = fleet.primary("log").dsn()
        async with recording(IncidentLogSettings(dsn=Secret(dsn))) as log:
            assert (
                await log.write([topic_record(transition()), topic_record(made.resolved()), topic_record(delivery())])
                == Sent()
            )
        async with reader.session(dsn) as connection:
            assert await schema.missing(connection) == ()
            assert len(await reader.incidents(connection)) == 1
            assert (await reader.history(connection, made.incident().incident_id)).deliveries == (delivery(),)
            assert (await reader.verify(connection)).broken is None
            for view in ("incident_times", "response_times"):
                rows = await (await connection.execute(f"SELECT * FROM leadline.{view}".encode())).fetchall()
                assert len(rows) == 1


async def test_two_processes_that_migrate_at_once(log_server: Server, database: str) -> None:
    """The schema is created once, and none of them fails."""

    async def start() -> int:
        async with reader.session(log_server.dsn(database)) as connection:
            return len(await schema.migrate(connection))

    made_by = await asyncio.gather(*(start() for _ in range(4)))
    assert sorted(made_by) == [0, 0, 0, len(schema.migrations())]


async def test_a_changed_migration(log_server: Server, database: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """A migration that differs from the applied one is an error that names it, for writing and for migrating."""
    dsn = log_server.dsn(database)
    async with reader.session(dsn) as connection:
        await schema.migrate(connection)
    first = schema.migrations()[0]
    changed = replace(first, sql=first.sql + b"-- more")
    monkeypatch.setattr(schema, "migrations", lambda: (changed,))
    async with reader.session(dsn) as connection:
        with pytest.raises(UsageError, match=r"0001_log\.sql was changed after it was applied"):
            await schema.migrate(connection)
    async with recording(IncidentLogSettings(dsn=Secret(dsn))) as log:
        outcome = await log.write([topic_record(made.incident())])
    assert isinstance(outcome, Retry)
    assert outcome.reason is Reason.TARGET_GONE
    assert "was changed after it was applied" in outcome.detail


@pytest.mark.parametrize("major", VERSIONS, ids="postgresql-{}".format)
async def test_an_older_schema(major: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """An incident log that an older Leadline wrote is migrated, keeps its rows and its chain, and goes on."""
    first, *_ = schema.migrations()
    with Fleet(binaries_for(major)) as fleet:
        dsn = fleet.primary("log").dsn()
        async with reader.session(dsn) as connection:
            with monkeypatch.context() as older:
                older.setattr(schema, "migrations", lambda: (first,))
                assert await schema.migrate(connection) == (first,)
            link = await older_rows(connection)
            before = await reader.verify(connection)
        older_one = IncidentId("inc_orders_20260410T095900Z_0001")
        part = made.resolved(
            3,
            merged_into=older_one,
            generation=2,
            reopened=[made.later(200)],
            worst_lag_s=42.5,
            affected=Affected(links=["orders/pg-1->pg-2"], nodes=[NodeName("pg-4")]),
        )
        async with recording(IncidentLogSettings(dsn=Secret(dsn))) as log:
            assert await log.write([topic_record(part), topic_record(made.incident(1, cluster="users"))]) == Sent()
        async with reader.session(dsn) as connection:
            assert await schema.missing(connection) == ()
            verified = await reader.verify(connection, [link])
            listed = {each.incident_id: each for each in await reader.incidents(connection)}
            columns = "generation, cardinality(reopened), affected_links, affected_nodes"
            merged = f"SELECT {columns} FROM leadline.incident WHERE merged_into IS NOT NULL"
            stored = await (await connection.execute(merged.encode())).fetchone()
            counted = await (await connection.execute("SELECT cluster FROM leadline.response_times")).fetchall()
    assert (before.broken, verified.broken, verified.rows) == (None, None, before.rows + 2)
    one = listed[part.incident_id]
    assert (one.merged_into, one.returns, one.worst_lag_s, one.to_cause_s) == (older_one, 1, 42.5, 3.0)
    assert stored == (2, 1, ["orders/pg-1->pg-2"], ["pg-4"])
    assert counted == [("users",)], "an incident that was merged is no problem of its own"


async def older_rows(connection: Connection) -> ChainLink:
    """Rows as the first migration has them; the head after them."""
    rows = [row(topic_record(made.incident())), row(topic_record(delivery()))]
    async with transaction(connection):
        stored = await extend(connection, await hold_head(connection), made.later(9), rows)
        await connection.execute(
            "INSERT INTO leadline.incident (incident_id, seq, cluster, state, severity, peak_severity, title, "
            "opened_at, detected_at, recorded_at) "
            "VALUES (%s, 1, 'orders', 'open', 'critical', 'critical', 'x', %s, %s, %s)",
            [made.incident().incident_id, made.later(0), made.later(2), made.later(9)],
        )
    return stored[-1].link


async def test_a_newer_schema(log_server: Server, database: str) -> None:
    """A schema with unknown migrations is left unchanged."""
    async with reader.session(log_server.dsn(database)) as connection:
        await schema.migrate(connection)
        await connection.execute("INSERT INTO leadline.migration (number, name, checksum) VALUES (999, 'x', 'x')")
        with pytest.raises(UsageError, match="of a newer Leadline"):
            await schema.migrate(connection)


async def test_a_migration_that_fails_leaves_nothing(
    log_server: Server, database: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """All migrations are applied or none; the next attempt starts from the same state."""
    whole = schema.migrations()
    broken = schema.Migration(len(whole) + 1, "0099_broken.sql", b"SELECT nonsense")
    monkeypatch.setattr(schema, "migrations", lambda: (*whole, broken))
    async with await psycopg.AsyncConnection.connect(log_server.dsn(database), autocommit=True) as connection:
        with pytest.raises(psycopg.errors.UndefinedColumn):
            await schema.migrate(connection)
        assert await schema.missing(connection) == (*whole, broken)


async def test_a_database_that_is_not_utf_8(log_server: Server, database: str) -> None:
    """It cannot hold every name, which is reported before anything is created."""
    log_server.query(f"CREATE DATABASE {database}_latin1 ENCODING 'LATIN1' TEMPLATE template0")
    async with recording(IncidentLogSettings(dsn=Secret(log_server.dsn(f"{database}_latin1")))) as log:
        outcome = await log.write([topic_record(made.incident())])
    assert isinstance(outcome, Retry)
    assert outcome.reason is Reason.TARGET_GONE
    assert "needs a database with encoding UTF8" in outcome.detail


async def test_the_page_lists_every_column(log_server: Server, database: str) -> None:
    """The documentation has each table and view with its columns, in their order, and no other."""
    listed: dict[str, list[str]] = {}
    for line in DOCS.read_text().splitlines():
        if heading := re.fullmatch(r"### `leadline\.(\w+)`", line):
            columns = listed.setdefault(heading[1], [])
        elif listed and (column := re.match(r"\| `(\w+)` \|", line)):
            columns.append(column[1])
    there: dict[str, list[str]] = {}
    async with reader.session(log_server.dsn(database)) as connection:
        await schema.migrate(connection)
        cursor = await connection.execute(
            "SELECT table_name, column_name FROM information_schema.columns "
            "WHERE table_schema = 'leadline' ORDER BY table_name, ordinal_position"
        )
        async for table, column in cursor:
            there.setdefault(table, []).append(column)
    assert listed == there


# Privileges


@pytest.fixture
def granted(log_server: Server, database: str) -> Iterator[None]:
    """The schema, owned by the superuser, and the roles of deploy/sql/incident_log.sql with a member each."""

    async def make() -> None:
        async with reader.session(log_server.dsn(database)) as connection:
            await schema.migrate(connection)

    asyncio.run(make())
    password = psycopg.conninfo.conninfo_to_dict(log_server.dsn())["password"]
    for _ in range(2):  # it can be run again
        log_server.query(GRANTS.read_text(), dbname=database)
    for name in ("writer", "reader"):
        log_server.query(f"CREATE ROLE {name} LOGIN PASSWORD '{password}' IN ROLE leadline_log_{name}")
    yield
    for name in ("writer", "reader"):
        log_server.query(f"DROP ROLE {name}")


@pytest.mark.usefixtures("granted")
async def test_the_writer_role(log_server: Server, database: str) -> None:
    """A role that owns nothing can append rows, and can neither change nor remove them."""
    dsn = log_server.dsn(database, "writer")
    async with recording(IncidentLogSettings(dsn=Secret(dsn))) as log:
        assert await log.write([topic_record(made.incident()), topic_record(delivery())]) == Sent()
    with psycopg.connect(dsn, autocommit=True) as connection:
        for statement in (
            "UPDATE leadline.log SET what = 'nothing'",
            "DELETE FROM leadline.log",
            "TRUNCATE leadline.log",
            "DELETE FROM leadline.incident",
            "UPDATE leadline.checkpoint SET through = 0",
            "ALTER TABLE leadline.log DISABLE TRIGGER ALL",
            "CREATE TABLE leadline.other (n int)",
            "UPDATE leadline.retention SET days = 1",
            "INSERT INTO leadline.migration VALUES (2, 'x', 'x')",
            "SET session_replication_role = replica",
            "DROP TABLE leadline.log",
            "DROP SCHEMA leadline CASCADE",
            "ALTER TABLE leadline.log RENAME TO other",
            "ALTER TABLE leadline.log DROP CONSTRAINT log_pkey",
            "DROP FUNCTION leadline.forget() CASCADE",
            "CREATE FUNCTION leadline.other() RETURNS int LANGUAGE sql AS 'SELECT 1'",
            "CREATE RULE other AS ON INSERT TO leadline.log DO INSTEAD NOTHING",
            "DO $$ BEGIN LOCK TABLE leadline.log IN ACCESS EXCLUSIVE MODE; END $$",
            "CREATE SCHEMA other",
        ):
            with pytest.raises(psycopg.errors.InsufficientPrivilege):
                connection.execute(statement.encode())


@pytest.mark.usefixtures("granted")
@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE leadline.head SET number = 1, hash = (SELECT hash FROM leadline.log WHERE number = 1)",
        "UPDATE leadline.head SET number = 9",
        "UPDATE leadline.head SET hash = decode(repeat('00', 32), 'hex')",
        "INSERT INTO leadline.log SELECT 9, kind, 'x', incident_id, alert_id, cluster, who, outcome, what, at, "
        "recorded_at, source, record, hash FROM leadline.log WHERE number = 1",
        "INSERT INTO leadline.log SELECT 0, kind, 'x', incident_id, alert_id, cluster, who, outcome, what, at, "
        "recorded_at, source, record, hash FROM leadline.log WHERE number = 1",
    ],
)
async def test_the_writer_cannot_renumber(log_server: Server, database: str, statement: str) -> None:
    """Rows follow each other, and the head is the last row."""
    dsn = log_server.dsn(database, "writer")
    async with recording(IncidentLogSettings(dsn=Secret(dsn))) as log:
        assert await log.write([topic_record(made.incident()), topic_record(delivery())]) == Sent()
    with psycopg.connect(dsn) as connection, pytest.raises(psycopg.errors.IntegrityConstraintViolation):
        connection.execute(statement.encode())


async def vouched(connection: Connection, through: int) -> None:
    """Try to remove all rows up to one, as a writer that follows every rule of the chain can."""
    async with transaction(connection):
        found = await (
            await connection.execute("SELECT number, hash FROM leadline.log WHERE number = %s", [through])
        ).fetchone()
        assert found is not None
        link = ChainLink(found[0], bytes(found[1]))
        (made_,) = await extend(connection, await hold_head(connection), made.START, [checkpoint(link, made.START)])
        await connection.execute(
            "INSERT INTO leadline.checkpoint (number, through, hash) VALUES (%s, %s, %s)",
            [made_.link.number, link.number, link.hash],
        )
        await connection.execute("SELECT leadline.forget()")


@pytest.mark.usefixtures("granted")
async def test_the_writer_cannot_remove_what_is_kept(log_server: Server, database: str) -> None:
    """With a proper checkpoint of its own it removes neither an open incident, nor what the owner wants to keep."""
    settings = IncidentLogSettings(dsn=Secret(log_server.dsn(database, "writer")))
    assert settings.dsn is not None
    await aged(settings, 90, made.action("note", 1), made.incident())
    async with reader.session(log_server.dsn(database, "writer")) as connection:
        with pytest.raises(UsageError, match="of an open incident"):
            async with reader.session(settings.dsn.reveal()) as other:
                await vouched(other, 2)
        # Whatever it says of the incident, the records count.
        await connection.execute("UPDATE leadline.incident SET state = 'resolved'")
        with pytest.raises(UsageError, match="of an open incident"):
            async with reader.session(settings.dsn.reveal()) as other:
                await vouched(other, 2)
        await aged(settings, 89, made.resolved(2))
        log_server.query("UPDATE leadline.retention SET days = 36500", dbname=database)
        with pytest.raises(UsageError, match=r"younger than leadline\.retention\.days, which is 36500"):
            async with reader.session(settings.dsn.reveal()) as other:
                await vouched(other, 3)
        with pytest.raises(psycopg.errors.InsufficientPrivilege, match="is no checkpoint of row 2"):
            await connection.execute(
                "INSERT INTO leadline.checkpoint SELECT 3, number, hash FROM leadline.log WHERE number = 2"
            )
        log_server.query("UPDATE leadline.retention SET days = 1", dbname=database)
        await vouched(connection, 3)
        assert (await reader.verify(connection)).broken is None


FORGED = """
    INSERT INTO leadline.log SELECT max(number) OVER () + 1, kind, {event_id}, incident_id, alert_id, cluster, who,
        outcome, 'resolved, nothing happened', at, {recorded_at}, source, {record}, hash
    FROM leadline.log ORDER BY number DESC LIMIT 1
"""
MOVED = "UPDATE leadline.head SET (number, hash) = (SELECT number, hash FROM leadline.log ORDER BY number DESC LIMIT 1)"


def forged(event_id: str = "'x'", recorded_at: str = "recorded_at", record: str = "record") -> bytes:
    """A statement that appends a row like the last one, with these expressions."""
    return FORGED.format(event_id=event_id, recorded_at=recorded_at, record=record).encode()


@pytest.mark.usefixtures("granted")
async def test_the_writer_cannot_take_the_place_of_a_record_that_is_to_come(log_server: Server, database: str) -> None:
    """Whoever has the identity of the next record writes an untrue one before it: the true one is written too."""
    dsn = log_server.dsn(database, "writer")
    end = topic_record(made.resolved(2))
    async with recording(IncidentLogSettings(dsn=Secret(dsn))) as log:
        assert await log.write([topic_record(made.incident())]) == Sent()
        with psycopg.connect(dsn) as connection:
            connection.execute(forged(psycopg.sql.Literal(end.event_id).as_string(connection)))
            connection.execute(MOVED)
        for _ in range(2):  # it is read again
            assert await log.write([end]) == Sent()
    async with reader.session(dsn) as connection:
        rows = await (await connection.execute("SELECT what FROM leadline.log ORDER BY number")).fetchall()
        assert len(rows) == 3
        assert (await reader.incidents(connection))[0].state == "resolved"
        broken = (await reader.verify(connection)).broken
        assert broken is not None
        assert broken.number == 2


@pytest.mark.usefixtures("granted")
async def test_the_writer_can_stop_the_incident_log_and_that_is_reported(log_server: Server, database: str) -> None:
    """A row without the head: nothing more is written, the records stay in Kafka. The owner repairs it with the
    statement of the page, and the row is found.
    """
    dsn = log_server.dsn(database, "writer")
    async with recording(IncidentLogSettings(dsn=Secret(dsn))) as log:
        assert await log.write([topic_record(made.incident())]) == Sent()
        with psycopg.connect(dsn) as connection:
            connection.execute(forged())
        outcome = await log.write([topic_record(made.resolved(2))])
        assert isinstance(outcome, Retry)
        assert outcome.reason is Reason.TARGET_GONE
        assert "run `leadline incidents verify`" in outcome.detail
        assert MOVED in DOCS.read_text()
        log_server.query(MOVED, dbname=database)
        assert await log.write([topic_record(made.resolved(2))]) == Sent()
    async with reader.session(dsn) as connection:
        broken = (await reader.verify(connection)).broken
        assert broken is not None
        assert broken.number == 2


@pytest.mark.usefixtures("granted")
async def test_the_writer_cannot_remove_rows_by_one_that_is_dated_back(log_server: Server, database: str) -> None:
    """The time of a row is the writer's word. Each row that would go is asked for its own."""
    settings = IncidentLogSettings(dsn=Secret(log_server.dsn(database, "writer")))
    assert settings.dsn is not None
    await aged(settings, 1, made.incident(), made.resolved(2))
    log_server.query("UPDATE leadline.retention SET days = 36500", dbname=database)
    with psycopg.connect(settings.dsn.reveal()) as connection:
        connection.execute(forged(recorded_at="'1900-01-01'"))
        connection.execute(MOVED)
    with pytest.raises(UsageError, match=r"younger than leadline\.retention\.days"):
        async with reader.session(settings.dsn.reveal()) as connection:
            await vouched(connection, 3)
    async with reader.session(settings.dsn.reveal()) as connection:
        assert len(await (await connection.execute("SELECT FROM leadline.log")).fetchall()) == 3


@pytest.mark.usefixtures("granted")
async def test_the_writers_own_tables_change_no_check(log_server: Server, database: str) -> None:
    """A function with the rights of its owner must not find what its caller has put before the schema:
    https://www.postgresql.org/docs/current/sql-createfunction.html#SQL-CREATEFUNCTION-SECURITY."""
    settings = IncidentLogSettings(dsn=Secret(log_server.dsn(database, "writer")))
    assert settings.dsn is not None
    await aged(settings, 1, made.incident(), made.resolved(2))
    log_server.query("UPDATE leadline.retention SET days = 36500", dbname=database)
    with psycopg.connect(settings.dsn.reveal(), autocommit=True) as connection:
        connection.execute("SET search_path = pg_temp, leadline, public")
        for table in ("checkpoint", "log", "retention", "incident"):
            connection.execute(f"CREATE TEMPORARY TABLE {table} (LIKE leadline.{table})".encode())
        connection.execute("INSERT INTO pg_temp.retention SELECT * FROM leadline.retention")
        connection.execute("UPDATE pg_temp.retention SET days = 0")
        connection.execute(
            "INSERT INTO pg_temp.checkpoint (number, through, hash) SELECT 9, number, hash FROM leadline.log"
        )
        connection.execute("SELECT leadline.forget()")
        assert connection.execute("SELECT count(*) FROM leadline.log").fetchone() == (2,)
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            connection.execute(
                "INSERT INTO leadline.checkpoint SELECT 3, number, hash FROM leadline.log WHERE number = 2"
            )


@pytest.mark.usefixtures("granted")
async def test_the_reader_role(log_server: Server, database: str) -> None:
    """A reader lists, shows and verifies, and writes nothing."""
    async with recording(IncidentLogSettings(dsn=Secret(log_server.dsn(database)))) as log:
        await log.write([topic_record(made.incident())])
    dsn = log_server.dsn(database, "reader")
    async with reader.session(dsn) as connection:
        assert len(await reader.incidents(connection)) == 1
        assert (await reader.verify(connection)).broken is None
    async with recording(IncidentLogSettings(dsn=Secret(dsn))) as log:
        outcome = await log.write([topic_record(made.incident(2))])
    assert isinstance(outcome, Retry)
    assert outcome.reason is Reason.UNAUTHORIZED
    assert "deploy/sql/incident_log.sql" in outcome.detail


@pytest.mark.usefixtures("granted")
async def test_a_role_without_the_schema(log_server: Server, database: str) -> None:
    """A role that may not create the schema gets an error that names the command and the role to use."""
    log_server.query(f"CREATE DATABASE {database}_empty")
    log_server.query(f"REVOKE CREATE ON DATABASE {database}_empty FROM PUBLIC")
    async with recording(IncidentLogSettings(dsn=Secret(log_server.dsn(f"{database}_empty", "writer")))) as log:
        outcome = await log.write([topic_record(made.incident())])
    assert isinstance(outcome, Retry)
    assert outcome.reason is Reason.TARGET_GONE
    assert "run `leadline incidents migrate` as a role that owns or may create it" in outcome.detail


# Retention


@pytest.fixture
def eager(monkeypatch: pytest.MonkeyPatch) -> None:
    """Retention removes even a single row."""
    monkeypatch.setattr(retention, "WORTHWHILE", 1)


async def aged(settings: IncidentLogSettings, days: float, *values: object) -> None:
    """Write values some days before ``made.START``."""
    async with recording(settings, ManualClock(made.START - timedelta(days=days))) as log:
        assert await log.write([topic_record(each) for each in values]) == Sent()  # type: ignore[arg-type]


async def swept(settings: IncidentLogSettings, retention_days: int = 30) -> tuple[int, reader.Verified]:
    """Run retention at ``made.START``; the number of removed rows, and the verification of the others."""
    assert settings.dsn is not None
    async with reader.session(settings.dsn.reveal()) as connection:
        await connection.execute("UPDATE leadline.retention SET days = 1")
        gone = await retention.forget(connection, made.START, retention_days)
        return gone, await reader.verify(connection)


@pytest.mark.usefixtures("eager")
async def test_retention_removes_old_rows(log_settings: IncidentLogSettings) -> None:
    """Old rows of a resolved incident are removed; younger rows stay and verify from the checkpoint on."""
    old = {"opened_at": made.START - timedelta(days=90)}
    await aged(log_settings, 90, transition(), made.incident(1, **old), made.action())
    await aged(log_settings, 89, made.resolved(2, resolved_at=made.START - timedelta(days=89), **old))
    await aged(log_settings, 50, made.action("note", 5))
    await aged(log_settings, 2, made.action("note", 6))
    gone, verified = await swept(log_settings)
    assert (gone, verified.start.number, verified.rows, verified.broken) == (5, 5, 2, None)
    assert (await swept(log_settings))[0] == 0
    await aged(log_settings, 0, made.action("note", 7))
    gone, verified = await swept(log_settings, 1)
    assert (gone, verified.broken) == (1, None)
    assert log_settings.dsn is not None
    async with reader.session(log_settings.dsn.reveal()) as connection:
        assert await reader.incidents(connection) == []


@pytest.mark.usefixtures("eager")
async def test_open_incidents_are_kept(log_settings: IncidentLogSettings) -> None:
    """All rows since the opening of an open incident are kept, however old they are."""
    await aged(log_settings, 95, made.action("note", 1))
    await aged(log_settings, 90, made.incident(1, opened_at=made.START - timedelta(days=91)), made.action("note", 2))
    gone, verified = await swept(log_settings)
    assert (gone, verified.rows, verified.broken) == (1, 3, None)


@pytest.mark.usefixtures("eager")
async def test_recently_resolved_incidents_are_kept(log_settings: IncidentLogSettings) -> None:
    """They are kept from their first row on."""
    old = {"opened_at": made.START - timedelta(days=91)}
    await aged(log_settings, 90, made.incident(1, **old))
    await aged(log_settings, 3, made.resolved(2, resolved_at=made.START - timedelta(days=3), **old))
    gone, verified = await swept(log_settings)
    assert (gone, verified.start) == (0, BEGINNING)


@pytest.mark.usefixtures("eager")
async def test_retention_removes_rows_in_pieces(
    log_settings: IncidentLogSettings, monkeypatch: pytest.MonkeyPatch
) -> None:
    """No transaction removes more rows than its limit, and the chain is intact after each."""
    monkeypatch.setattr(retention, "MOST_ROWS", 2)
    await aged(log_settings, 90, *(made.action("note", number) for number in range(5)))
    pieces = [await swept(log_settings) for _ in range(4)]
    assert [gone for gone, _ in pieces] == [2, 2, 1, 0]
    assert [verified.broken for _, verified in pieces] == [None] * 4


@pytest.mark.usefixtures("eager")
async def test_retention_runs_after_a_batch(log_settings: IncidentLogSettings) -> None:
    """It runs by itself, and not after each batch."""
    await aged(log_settings, 90, *(made.action("note", number) for number in range(3)))
    settings = IncidentLogSettings(dsn=log_settings.dsn, retention_days=30)
    assert log_settings.dsn is not None
    async with reader.session(log_settings.dsn.reveal()) as connection:
        await connection.execute("UPDATE leadline.retention SET days = 1")
    clock = ManualClock(made.START)
    async with recording(settings, clock) as log:
        assert await log.write([topic_record(made.action("note", 9))]) == Sent()
        async with reader.session(log_settings.dsn.reveal()) as connection:
            verified = await reader.verify(connection)
    assert (verified.start.number, verified.broken) == (3, None)


async def test_the_views_count_as_the_history_does(log_settings: IncidentLogSettings) -> None:
    """SQL and the export have the same durations for the same incident."""
    entries = [made.resolved(2), delivery("slack", at=made.later(9)), delivery("pagerduty", at=made.later(7))]
    entries += [delivery("webhook", at=made.later(5), outcome="given_up"), made.action(), made.action("note", 2)]
    await aged(log_settings, 0, *entries)
    assert log_settings.dsn is not None
    columns = "to_detect_s, to_cause_s, to_notify_s, to_acknowledge_s, to_resolve_s"
    async with reader.session(log_settings.dsn.reveal()) as connection:
        times = (await reader.history(connection, made.incident().incident_id)).times
        view = await (await connection.execute(f"SELECT {columns} FROM leadline.incident_times".encode())).fetchone()
        other = (
            "SELECT incidents, acknowledged, self_healed, to_notify_p50_s, to_notify_p90_s FROM leadline.response_times"
        )
        fleet = await (await connection.execute(other.encode())).fetchone()
    assert view == (times.to_detect_s, times.to_cause_s, times.to_notify_s, times.to_acknowledge_s, times.to_resolve_s)
    assert view == (2.0, 3.0, 5.0, 23.0, 300.0)
    assert fleet == (1, 1, 0, 5.0, 5.0)
