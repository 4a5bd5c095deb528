"""The incident log on a real server: each record is written once, in one chain, whatever happens in between."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import Any

import msgspec
import psycopg
import pytest
from psycopg.conninfo import conninfo_to_dict, make_conninfo

from leadline.clock import ManualClock
from leadline.model.ids import IncidentId
from leadline.settings.secret import Secret
from leadline.settings.sink import IncidentLogSettings
from leadline_lab.sandbox.postgres import Server
from leadline_sinks.incident_log import reader
from leadline_sinks.incident_log.chain import ChainBreak, ChainLink
from leadline_sinks.incident_log.writer import IncidentLog
from leadline_sinks.notify.sink import GiveUp, Reason, Retry, Sent, TopicRecord
from tests.fixtures.poolers import pgbouncer
from tests.unit.sinks import made
from tests.unit.sinks.log_made import delivery, topic_record, transition


def life() -> list[TopicRecord]:
    """All records about one incident."""
    return [
        topic_record(transition(1, from_="ok", to="pending", event_time=made.later(0))),
        topic_record(transition(2)),
        topic_record(made.incident(1)),
        topic_record(delivery()),
        topic_record(delivery("pagerduty", at=made.later(4))),
        topic_record(made.action()),
        topic_record(made.action("note", 2)),
        topic_record(delivery("email", outcome="suppressed", reason="s_1")),
        topic_record(made.resolved(2)),
    ]


@asynccontextmanager
async def recording(settings: IncidentLogSettings) -> AsyncIterator[IncidentLog]:
    log = IncidentLog(settings, ManualClock(made.later(600)))
    try:
        yield log
    finally:
        await log.close()


async def verified(settings: IncidentLogSettings) -> reader.Verified:
    assert settings.dsn is not None
    async with reader.session(settings.dsn.reveal()) as connection:
        return await reader.verify(connection)


async def rows(settings: IncidentLogSettings) -> int:
    """The number of rows, whose chain must be intact."""
    found = await verified(settings)
    assert found.broken is None
    return found.rows


async def test_records_are_written_once(log_settings: IncidentLogSettings) -> None:
    """The first batch creates the schema; records that are read again are skipped."""
    entries = life()
    async with recording(log_settings) as log:
        assert await log.write([]) == Sent()
        assert await log.write(entries[:4]) == Sent()
        assert await log.write(entries[2:]) == Sent()
        assert await log.write(entries + entries) == Sent()
    assert await rows(log_settings) == len(entries)


async def test_the_whole_history(log_settings: IncidentLogSettings) -> None:
    """The history of an incident holds the records that were written, its latest record apart."""
    async with recording(log_settings) as log:
        await log.write(life())
    assert log_settings.dsn is not None
    async with reader.session(log_settings.dsn.reveal()) as connection:
        (listed,) = await reader.incidents(connection)
        ident = reader.the_one("inc_orders", await reader.beginning(connection, "inc_orders"))
        history = await reader.history(connection, ident)
    assert (listed.incident_id, listed.state, listed.severity) == (ident, "resolved", "critical")
    assert listed.acknowledged_at == made.later(30)
    assert history.incident == made.resolved(2)
    assert [each.seq for each in history.transitions] == [1, 2]
    assert [each.target for each in history.deliveries] == ["pagerduty", "slack", "email"]
    assert [each.kind for each in history.actions] == ["acknowledge", "note"]


async def test_an_older_record_changes_nothing(log_settings: IncidentLogSettings) -> None:
    """Records in any order are all written; the latest one and the highest severity hold."""
    async with recording(log_settings) as log:
        await log.write(
            [topic_record(made.incident(3, severity="warning")), topic_record(made.incident(2, title="older"))]
        )
        await log.write(
            [topic_record(made.incident(4, severity="critical")), topic_record(made.incident(5, severity="warning"))]
        )
    assert log_settings.dsn is not None
    async with reader.session(log_settings.dsn.reveal()) as connection:
        (listed,) = await reader.incidents(connection)
        times = await (await connection.execute("SELECT severity FROM leadline.incident_times")).fetchone()
    assert (listed.severity, listed.title) == ("warning", made.incident().title)
    assert times == ("critical",)


async def test_two_writers_keep_one_chain(log_settings: IncidentLogSettings) -> None:
    """Processes that write the same and different records at once wait for each other; each record is stored once."""
    notes = [topic_record(made.action("note", number)) for number in range(60)]
    async with recording(log_settings) as one, recording(log_settings) as other:

        async def write(log: IncidentLog, batches: Sequence[Sequence[TopicRecord]]) -> None:
            for batch in batches:
                assert await log.write(batch) == Sent()

        await asyncio.gather(
            write(one, [notes[start : start + 5] for start in range(0, 45, 5)]),
            write(other, [notes[start : start + 4] for start in range(56, 8, -4)]),
        )
    assert await rows(log_settings) == 60


async def test_a_server_that_is_away(log_server: Server, log_settings: IncidentLogSettings) -> None:
    """While the server is stopped, every batch is retried; afterwards each record is stored once."""
    entries = life()
    async with recording(log_settings) as log:
        assert await log.write(entries[:3]) == Sent()
        log_server.stop("immediate")
        try:
            for _ in range(3):
                away = await log.write(entries[3:])
                assert isinstance(away, Retry)
                assert away.reason in (Reason.UNREACHABLE, Reason.UNAVAILABLE)
        finally:
            log_server.start()
        assert await log.write(entries[3:]) == Sent()
    assert await rows(log_settings) == len(entries)


async def test_a_session_that_is_ended(log_server: Server, log_settings: IncidentLogSettings, database: str) -> None:
    """The next attempt opens a new connection."""
    entries = life()
    async with recording(log_settings) as log:
        assert await log.write(entries[:3]) == Sent()
        log_server.query("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = %s", [database])
        away = await log.write(entries[3:])
        assert isinstance(away, Retry)
        assert away.reason in (Reason.UNREACHABLE, Reason.UNAVAILABLE)
        assert await log.write(entries[3:]) == Sent()
    assert await rows(log_settings) == len(entries)


@pytest.mark.parametrize(
    "setting",
    [
        "datestyle = 'SQL, DMY'",
        "datestyle = 'German'",
        "default_transaction_isolation = 'serializable'",
        "search_path = nothing",
        "standard_conforming_strings = off",
        "timezone = 'Asia/Kathmandu'",
        "client_encoding = 'LATIN1'",
        "statement_timeout = '50ms'",
        "row_security = off",
    ],
)
async def test_a_database_with_settings_of_its_own(
    log_server: Server, log_settings: IncidentLogSettings, database: str, setting: str
) -> None:
    """Everything is written once and read again. psycopg reads no other form of a time than that of ISO, which a
    server, a database or a role may have set otherwise: programs ended with a traceback (psycopg/psycopg issues 571
    and 1007, ansible-collections/community.postgresql issue 711), or read no times at all (immich-app/static-pages
    pull request 719)."""
    log_server.query(f"ALTER DATABASE {database} SET {setting}")
    async with recording(log_settings) as log:
        assert await log.write(life()[:4]) == Sent()
        assert await log.write(life()) == Sent()
    assert await rows(log_settings) == len(life())
    assert log_settings.dsn is not None
    async with reader.session(log_settings.dsn.reveal()) as connection:
        (listed,) = await reader.incidents(connection)
    assert listed.acknowledged_at == made.later(30)


async def test_a_pooler(log_server: Server, log_settings: IncidentLogSettings, database: str) -> None:
    """In transaction mode, each transaction may be on another session, and its settings end with it. No statement is
    prepared: elsewhere it was missing in the next session, or there already (psycopg/psycopg issue 280,
    cbcoutinho/nextcloud-mcp-server pull request 1032, MagicStack/asyncpg issue 121)."""
    assert log_settings.dsn is not None
    role = str(conninfo_to_dict(log_settings.dsn.reveal())["user"])
    log_server.query(f"ALTER DATABASE {database} SET datestyle = 'SQL, DMY'")
    with pgbouncer(log_server, role, pool_mode="transaction") as dsn:
        pooled = IncidentLogSettings(dsn=Secret(make_conninfo(dsn, dbname=database)))
        async with recording(pooled) as one, recording(pooled) as other:
            assert await one.write(life()[:4]) == Sent()
            assert await other.write(life()) == Sent()
            assert await one.write(life()) == Sent()
        assert await rows(pooled) == len(life())


async def test_a_locked_head(log_settings: IncidentLogSettings, monkeypatch: pytest.MonkeyPatch) -> None:
    """A session that keeps the head locked delays a batch, and nothing else."""
    monkeypatch.setattr(
        "leadline_sinks.incident_log.connection._LIMITS", "SET LOCAL timezone = 'UTC'; SET LOCAL lock_timeout = '50ms'"
    )
    assert log_settings.dsn is not None
    async with recording(log_settings) as log:
        assert await log.write(life()[:1]) == Sent()
        with psycopg.connect(log_settings.dsn.reveal()) as holder:
            holder.execute("SELECT FROM leadline.head FOR UPDATE")
            held = await log.write(life())
        assert isinstance(held, Retry)
        assert held.reason is Reason.UNAVAILABLE
        assert await log.write(life()) == Sent()


async def test_a_server_that_hangs(
    log_server: Server, log_settings: IncidentLogSettings, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A batch without an answer is retried; when the server answers, everything is written."""
    async with recording(log_settings) as log:
        assert await log.write(life()[:1]) == Sent()
        monkeypatch.setattr("leadline_sinks.incident_log.connection.ANSWER_S", 0.5)
        log_server.freeze()
        try:
            async with asyncio.timeout(60):
                hung = await log.write(life())
        finally:
            log_server.thaw()
            monkeypatch.undo()
        assert isinstance(hung, Retry)
        assert hung.reason is Reason.TIMEOUT
        assert await log.write(life()) == Sent()


@pytest.mark.parametrize(
    ("changes", "reason", "advice"),
    [
        ({"password": "hunter2"}, Reason.UNAUTHORIZED, "check user and password"),
        ({"user": "nobody_here"}, Reason.UNAUTHORIZED, "check user and password"),
        ({"dbname": "not_there"}, Reason.TARGET_GONE, "create the database"),
        ({"port": "1"}, Reason.UNREACHABLE, "is the server running there?"),
    ],
    ids=lambda value: "-".join(value) if isinstance(value, dict) else "",
)
async def test_a_wrong_dsn(
    log_server: Server, database: str, changes: dict[str, str], reason: Reason, advice: str
) -> None:
    """The detail names the problem and its fix, without the password."""
    dsn = psycopg.conninfo.make_conninfo(log_server.dsn(database), **changes)
    async with recording(IncidentLogSettings(dsn=Secret(dsn))) as log:
        outcome = await log.write(life())
    assert isinstance(outcome, Retry)
    assert outcome.reason is reason
    assert advice in outcome.detail
    password = psycopg.conninfo.conninfo_to_dict(dsn)["password"]
    assert str(password) not in outcome.detail
    assert outcome.detail.isprintable()


async def test_a_standby(log_server: Server, log_settings: IncidentLogSettings, database: str) -> None:
    """A server that accepts no writes is reported as such; after its promotion the batch is written. Each failure ends
    the connection: in a pool, those to the old primary failed for hours after a failover (npgsql/efcore.pg issue 1306,
    bitnami/charts issue 23219, cloudnative-pg/cloudnative-pg issue 1254)."""
    async with recording(log_settings) as log:
        assert await log.write(life()[:1]) == Sent()
        log_server.query(f"ALTER DATABASE {database} SET default_transaction_read_only = on")
        await log.close()
        outcome = await log.write(life())
        assert isinstance(outcome, Retry)
        assert outcome.reason is Reason.TARGET_GONE
        assert "standby or read-only" in outcome.detail
        log_server.query(f"ALTER DATABASE {database} RESET default_transaction_read_only")
        assert await log.write(life()) == Sent()


@pytest.mark.parametrize(
    ("damage", "advice"),
    [
        (
            "SET session_replication_role = replica; UPDATE leadline.head SET number = 3",
            "do not agree; run `leadline incidents verify`",
        ),
        ("SET session_replication_role = replica; DELETE FROM leadline.head", "has no head"),
    ],
)
async def test_an_incident_log_that_was_tampered_with(
    log_server: Server, log_settings: IncidentLogSettings, database: str, damage: str, advice: str
) -> None:
    """Nothing is appended to a broken chain and nothing is given up: an operator must act."""
    async with recording(log_settings) as log:
        assert await log.write(life()) == Sent()
        log_server.query(damage, dbname=database)
        outcome = await log.write([topic_record(made.action("note", 9))])
    assert isinstance(outcome, Retry)
    assert outcome.reason is Reason.TARGET_GONE
    assert advice in outcome.detail


async def test_hostile_text(log_settings: IncidentLogSettings) -> None:
    """Hostile names are stored, and records are decoded to the same values."""
    names = dict.fromkeys(name for full in made.HOSTILE for name in (full, full[:255]) if name)
    incidents = {name: msgspec.structs.replace(made.hostile(name), incident_id=IncidentId(name)) for name in names}
    people = [made.action("note", number, by=name[:255] or "x") for number, name in enumerate(made.HOSTILE)]
    async with recording(log_settings) as log:
        assert await log.write([topic_record(each) for each in [*incidents.values(), *people]]) == Sent()
    assert await rows(log_settings) == len(incidents) + len(people)
    assert log_settings.dsn is not None
    async with reader.session(log_settings.dsn.reveal()) as connection:
        for name, incident in incidents.items():
            if len(name) <= 255:
                assert (await reader.history(connection, name)).incident == incident


async def test_content_that_cannot_be_stored(log_settings: IncidentLogSettings) -> None:
    """A record that can never be stored is given up, and nothing of its batch is written."""
    from datetime import datetime, timedelta, timezone

    early = datetime(1, 1, 1, tzinfo=timezone(timedelta(hours=5)))
    async with recording(log_settings) as log:
        assert await log.write(life()) == Sent()
        outcome = await log.write([topic_record(made.action("note", 7)), bad(early)])
    assert isinstance(outcome, GiveUp)
    assert outcome.reason is Reason.REJECTED
    assert await rows(log_settings) == len(life())


def bad(at: Any) -> TopicRecord:
    """A record with a time that has no equivalent in UTC."""
    return TopicRecord("actions", "/people#bad", 0, 1, msgspec.structs.replace(made.action("note", 8), at=at))


@pytest.mark.parametrize(
    "forgery",
    [
        "UPDATE leadline.log SET what = 'nothing' WHERE number = 3",
        "UPDATE leadline.log SET at = at + interval '1 microsecond' WHERE number = 3",
        "DELETE FROM leadline.log WHERE number = 3",
        "DELETE FROM leadline.log WHERE number = 9",
        "UPDATE leadline.log SET number = 100 WHERE number = 3",
        "UPDATE leadline.head SET number = 8, hash = (SELECT hash FROM leadline.log WHERE number = 8)",
        "INSERT INTO leadline.checkpoint SELECT 9, 3, hash FROM leadline.log WHERE number = 3",
    ],
)
async def test_a_forgery_is_detected(
    log_settings: IncidentLogSettings, log_server: Server, database: str, forgery: str
) -> None:
    """The chain detects a change by a superuser, who can bypass the triggers."""
    async with recording(log_settings) as log:
        await log.write(life())
    assert (await verified(log_settings)).broken is None
    log_server.query(f"SET session_replication_role = replica; {forgery}", dbname=database)
    assert (await verified(log_settings)).broken is not None


@pytest.mark.parametrize(
    ("forgery", "alone"),
    [
        ("DELETE FROM leadline.log; DELETE FROM leadline.incident", True),
        (
            "DELETE FROM leadline.log; DELETE FROM leadline.incident; UPDATE leadline.head SET number = 0, "
            "hash = decode(repeat('00', 32), 'hex')",
            False,
        ),
        (
            "DELETE FROM leadline.log WHERE number > 4; UPDATE leadline.head SET "
            "(number, hash) = (SELECT number, hash FROM leadline.log WHERE number = 4)",
            True,
        ),
    ],
    ids=["all rows are removed", "it was begun anew", "the rows of an older dump with the incidents of today"],
)
async def test_an_incident_log_in_place_of_another(
    log_settings: IncidentLogSettings, log_server: Server, database: str, forgery: str, alone: bool
) -> None:
    """A head that was noted shows each; one that was begun anew is whole, and only such a head shows it."""
    async with recording(log_settings) as log:
        await log.write(life())
        head = ChainLink.parse(log.head)
    assert head is not None
    log_server.query(f"SET session_replication_role = replica; {forgery}", dbname=database)
    assert log_settings.dsn is not None
    async with reader.session(log_settings.dsn.reveal()) as connection:
        found = await reader.verify(connection)
        assert (found.broken is not None or bool(found.differing)) == alone
        assert (await reader.verify(connection, [head])).broken is not None


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE leadline.log SET what = 'nothing'",
        "DELETE FROM leadline.log",
        "TRUNCATE leadline.log",
        "DELETE FROM leadline.head",
        "UPDATE leadline.checkpoint SET through = 0",
    ],
)
async def test_the_owner_cannot_change_rows(
    log_settings: IncidentLogSettings, log_server: Server, database: str, statement: str
) -> None:
    """Triggers refuse UPDATE, DELETE and TRUNCATE to the owner."""
    async with recording(log_settings) as log:
        await log.write(life())
    with pytest.raises(psycopg.errors.InsufficientPrivilege, match="append-only"):
        log_server.query(statement, dbname=database)


async def test_a_head_that_was_noted_elsewhere(
    log_settings: IncidentLogSettings, log_server: Server, database: str
) -> None:
    """A superuser can remove the last rows and move the head back: only a head that was noted shows it."""
    async with recording(log_settings) as log:
        assert log.head == ""
        await log.write(life())
        noted = ChainLink.parse(log.head)
    assert noted is not None
    assert noted.number == len(life())
    log_server.query(
        "SET session_replication_role = replica; DELETE FROM leadline.log WHERE number > 8; "
        "UPDATE leadline.head SET number = 8, hash = (SELECT hash FROM leadline.log WHERE number = 8); "
        "UPDATE leadline.incident SET state = 'open'",
        dbname=database,
    )
    assert log_settings.dsn is not None
    async with reader.session(log_settings.dsn.reveal()) as connection:
        assert (await reader.verify(connection)).broken is None
        found = await reader.verify(connection, [ChainLink(2, bytes(32)), noted])
        assert found.broken == ChainBreak(2, "its hash differs from the one that was noted")
        found = await reader.verify(connection, [noted])
    assert found.broken == ChainBreak(9, "the incident log ends here, but row 9 was noted")


@pytest.mark.parametrize(
    "forgery",
    [
        "UPDATE leadline.incident SET state = 'open'",
        "UPDATE leadline.incident SET opened_at = opened_at + interval '1 hour'",
        "UPDATE leadline.incident SET cause = 'nobody'",
        "UPDATE leadline.incident SET peak_severity = 'info'",
        "UPDATE leadline.incident SET seq = 99",
        "DELETE FROM leadline.incident",
        "UPDATE leadline.incident SET incident_id = 'inc_other'",
        "INSERT INTO leadline.incident SELECT 'inc_other', seq, cluster, state, severity, peak_severity, title, cause, "
        "parent, opened_at, detected_at, cause_at, resolved_at, recorded_at FROM leadline.incident",
    ],
)
async def test_an_incident_that_is_not_what_its_records_say(
    log_settings: IncidentLogSettings, log_server: Server, database: str, forgery: str
) -> None:
    """The table of incidents is outside the chain, and is compared with the records in it."""
    async with recording(log_settings) as log:
        await log.write([*life(), topic_record(made.incident(1, severity="warning"))])
    assert (await verified(log_settings)).differing == ()
    log_server.query(forgery, dbname=database)
    found = await verified(log_settings)
    assert found.broken is None
    assert found.differing
