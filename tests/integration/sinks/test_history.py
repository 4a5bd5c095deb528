"""Changes of servers and results of audits in the incident log on a real server, and incidents that can return."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from typing import Any

from leadline.clock import ManualClock
from leadline.model.incident import Incident
from leadline.settings.sink import IncidentLogSettings
from leadline.wire import Addressed
from leadline_sinks.incident_log import reader, trail
from leadline_sinks.incident_log.connection import Connection
from leadline_sinks.incident_log.postmortem.draft import draft
from leadline_sinks.incident_log.writer import IncidentLog
from leadline_sinks.notify.sink import Sent
from tests.unit.sinks import made
from tests.unit.sinks.audited import audit, change_record, finding
from tests.unit.sinks.log_made import topic_record

RULE = "PG-SBY-001"


async def written(settings: IncidentLogSettings, *values: Addressed) -> tuple[Incident, ...]:
    """Write records in one batch; the incidents that can return by them."""
    log = IncidentLog(settings, ManualClock(made.later(600)))
    try:
        assert await log.write([topic_record(value) for value in values]) == Sent()
        return log.at_risk
    finally:
        await log.close()


@asynccontextmanager
async def reading(settings: IncidentLogSettings) -> AsyncIterator[Connection]:
    assert settings.dsn is not None
    async with reader.session(settings.dsn.reveal()) as connection:
        yield connection


async def selected(settings: IncidentLogSettings, query: str) -> list[tuple[Any, ...]]:
    async with reading(settings) as connection:
        return await (await connection.execute(query.encode())).fetchall()


async def test_changes_are_kept_in_the_chain(log_settings: IncidentLogSettings) -> None:
    """Once each, in the order of their times, by cluster, period, node and setting; the chain is intact."""
    first = change_record(made.later(0))
    later = change_record(made.later(60), "wal_keep_size", file=None, line=None)
    other = change_record(made.later(30), cluster="users")
    await written(log_settings, later, first, other)
    await written(log_settings, first, other)
    async with reading(log_settings) as connection:
        assert await trail.changes(connection, trail.Period("orders")) == [first, later]
        assert await trail.changes(connection, trail.Period(None, made.later(10), made.later(40))) == [other]
        assert await trail.changes(connection, trail.Period(), node="pg-[2-9]") == []
        assert await trail.changes(connection, trail.Period("orders"), setting="max_*") == [first]
        verified = await reader.verify(connection)
    assert (verified.broken, verified.rows) == (None, 3)
    rows = await selected(
        log_settings,
        "SELECT node, setting, from_value, to_value, after, at, file, line FROM leadline.change"
        " WHERE cluster = 'orders' ORDER BY at",
    )
    change = first.change
    assert rows[0] == ("pg-1", change.setting, "10GB", "1GB", change.after, change.at, change.file, 812)
    assert rows[1][-2:] == (None, None)
    what = await selected(log_settings, "SELECT what FROM leadline.log WHERE kind = 'change' ORDER BY at LIMIT 1")
    assert what == [
        ("max_slot_wal_keep_size on pg-1: 10GB → 1GB, by /etc/postgresql/17/main/postgresql.conf line 812",)
    ]


async def test_a_hostile_change_hides_no_other(log_settings: IncidentLogSettings) -> None:
    """Text that no column can hold is left out of the view of its row only."""
    await written(log_settings, change_record(made.later(0)), change_record(made.later(1), "a\0b"))
    rows = await selected(log_settings, "SELECT node, what FROM leadline.change ORDER BY at")
    assert [node for node, _ in rows] == ["pg-1", None]
    assert "a\\x00b" in rows[1][1]
    async with reading(log_settings) as connection:
        assert len(await trail.changes(connection, trail.Period())) == 2


async def test_audits_are_kept_as_dated_evidence(log_settings: IncidentLogSettings) -> None:
    """With their counts in a view; one is named by the beginning of its identity."""
    older, newer = audit(made.later(0), finding(RULE, "pg-2", made.later(0))), audit(made.later(86400))
    await written(log_settings, older, newer)
    async with reading(log_settings) as connection:
        found = await trail.audits(connection, trail.Period("orders"))
        assert found == [newer, older]
        assert trail.the_audit("orders/2026-04-11", found) == newer
        assert await trail.audit_before(connection, "orders", newer.audited_at) == older
        assert await trail.audit_before(connection, "users", newer.audited_at) is None
    rows = await selected(log_settings, "SELECT audit_id, score, warning, what FROM leadline.audit ORDER BY audited_at")
    assert rows[0] == (older.audit_id, 95, 1, f"score 95: 1 warning; {RULE} pg-2 violates {RULE}")
    assert rows[1][3] == "score 100: no findings"


async def test_an_ended_incident_is_marked(log_settings: IncidentLogSettings) -> None:
    """By the audit that finds again what a measure against it was to prevent, once, and its post-mortem says so."""
    ended = made.resolved(2)
    day = timedelta(days=1)
    held, found_at = audit(made.later(300) + 2 * day), made.later(300) + 3 * day
    assert await written(log_settings, made.incident(1), ended, held) == ()
    violated = audit(found_at, finding(RULE, "pg-2", found_at))
    (record,) = await written(log_settings, violated)
    assert (record.incident_id, record.seq, [each.rule for each in record.recurrences]) == (
        ended.incident_id,
        3,
        [RULE],
    )
    assert await written(log_settings, violated) == (record,)  # until the record is written
    assert await written(log_settings, record) == ()
    assert await written(log_settings, violated, audit(found_at + day, finding(RULE, "pg-2", found_at))) == ()
    async with reading(log_settings) as connection:
        history = await reader.history(connection, ended.incident_id)
        verified = await reader.verify(connection)
    assert (verified.broken, verified.differing) == (None, ())
    assert (history.incident, history.audit_before) == (record, None)
    shown = draft(history)
    assert f"- **Can return:** `{RULE}` is violated again" in shown
    assert f"`{RULE}` is violated on pg-2 at the audit of" in shown
    assert await selected(log_settings, "SELECT recurrence_rules FROM leadline.incident") == [([RULE],)]


async def test_what_was_known_before(log_settings: IncidentLogSettings) -> None:
    """The post-mortem cites the last audit before the first breach, and changes of the week before."""
    before = audit(made.later(-3600), finding(RULE, "pg-2", made.later(-7200)))
    changed = change_record(made.later(-1800), node=made.cause().subject.upstream)
    old = change_record(made.later(-8 * 86400))
    elsewhere = change_record(made.later(-60), cluster="users")
    await written(
        log_settings, audit(made.later(-9999)), before, audit(made.later(9)), changed, old, elsewhere, made.resolved()
    )
    async with reading(log_settings) as connection:
        history = await reader.history(connection, made.incident().incident_id)
    assert (history.audit_before, history.changes_before) == (before, (changed,))
    shown = draft(history)
    assert f"The last audit, `{before.audit_id}`, was 1 h before the first breach" in shown
    assert "`/etc/postgresql/17/main/postgresql.conf line 812` | 30 min |" in shown
