"""`leadline changes`, `leadline audits` and `leadline audit --since` over a real incident log."""

import json
from datetime import timedelta

import pytest

from leadline.clock import SystemClock
from leadline.model.alert import Subject
from leadline.model.ids import ClusterName, NodeName
from leadline.wire import encode
from leadline_lab.sandbox.fleet import AGENT, Fleet
from tests.fixtures.commands import Run
from tests.fixtures.incident_logs import write_log
from tests.unit.sinks import made
from tests.unit.sinks.audited import audit, change_record, finding

CONF = "/etc/postgresql/17/main/postgresql.conf"


@pytest.fixture
def log(empty_log: str) -> str:
    """The DSN of an incident log, in the environment too."""
    return empty_log


def test_changes(run: Run, log: str) -> None:
    """Oldest first, each with the looks around it and its file; by cluster, node, setting and time."""
    waits = change_record(
        made.later(60), "max_connections", from_="100", to="100", pending_restart=True, after=None, file=None
    )
    write_log(log, waits, change_record(made.later(0)), change_record(made.later(30), cluster="users"))
    lines = run("changes", "--cluster", "orders").out.splitlines()
    assert lines[0].split() == ["after", "(UTC)", "seen", "(UTC)", "cluster", "node", "setting", "change", "by"]
    assert lines[1].split()[:7] == [
        "2026-04-10",
        "10:00:02",
        "2026-04-10",
        "10:00:03",
        "orders",
        "pg-1",
        made_setting(),
    ]
    assert "  10GB → 1GB  " in lines[1]
    assert lines[1].endswith(f"  {CONF} line 812")
    assert lines[2].startswith("not known")
    assert "100, until a restart puts the value of the files into effect" in lines[2]
    assert len(run("changes").out.splitlines()) == 4
    assert run("changes", "--node", "pg-[2]").out == "no changes\n"
    (only,) = run("changes", "--setting", "max_slot_*", "--cluster", "orders", "--format", "json").out.splitlines()
    assert only.encode() == encode(change_record(made.later(0)))
    span = ("--since", "2026-04-10T10:00:20", "--until", "2026-04-10T10:00:50")
    assert [json.loads(line)["cluster"] for line in run("changes", *span, "--format", "json").out.splitlines()] == [
        "users"
    ]


def made_setting() -> str:
    return change_record(made.later(0)).change.setting


def test_mistakes(run: Run, log: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """One clear line each."""
    write_log(log, change_record(made.later(0)))
    wrong = run("changes", "--since", "2026-04-11", "--until", "2026-04-10")
    assert (wrong.code, wrong.err) == (2, "leadline: --until is before --since; exchange them\n")
    missing = run("audits", "show", "nothing")
    assert (missing.code, missing.err) == (
        2,
        "leadline: there is no audit 'nothing' in the incident log; see `leadline audits list`\n",
    )
    monkeypatch.delenv("LEADLINE_INCIDENT_LOG_DSN")
    unset = run("changes")
    assert unset.code == 2
    assert "incident_log.dsn, or set LEADLINE_INCIDENT_LOG_DSN" in unset.err


def test_audits(run: Run, log: str) -> None:
    """A list, the newest first, and one with its findings and since when; several that begin alike are named."""
    write_log(log, change_record(made.later(0), "port"))
    assert run("audits", "list").out == "no audits\n"
    about = {"severity": "critical", "value": "max_slot_wal_keep_size = 1GB"}
    older = audit(made.later(0), finding("PG-WAL-002", "pg-1", made.later(-60), **about))
    write_log(
        log, change_record(made.later(-3600), to="2GB"), change_record(made.later(-90)), change_record(made.later(9))
    )
    newer = audit(made.later(3600))
    write_log(log, older, newer)
    _, first, second = run("audits", "list", "--cluster", "orders").out.splitlines()
    assert first.split() == [newer.audit_id, "2026-04-10", "11:00:03", "orders", "100", "0", "0", "0", "0", "0"]
    assert second.split()[4:] == ["75", "1", "0", "0", "0", "0"]
    shown = run("audits", "show", older.audit_id).out
    assert "CRITICAL  PG-WAL-002 pg-1 violates PG-WAL-002" in shown
    assert "found first 2026-04-10 09:59:03 UTC" in shown
    change = (
        f"  max_slot_wal_keep_size on pg-1: 10GB → 1GB, by {CONF} line 812, between 2026-04-10 09:58:32 and 2026-04-10"
    )
    assert f"{change} 09:58:33 UTC\n" in shown
    assert run("audits", "show", older.audit_id, "--format", "json").out.encode() == encode(older) + b"\n"
    several = run("audits", "show", "orders/2026")
    assert several.code == 2
    assert "several audits begin with 'orders/2026'" in several.err


def test_an_audit_since_a_time(run: Run, log: str) -> None:
    """It is compared with the last stored one up to then; without one, what the incident log has is named."""
    now = SystemClock().now()
    with Fleet() as fleet:
        node = fleet.primary("pg-1")
        target = f"pg-1={node.dsn(user=AGENT)}"
        rows = [json.loads(line) for line in run("audit", target, "--format", "json").out.splitlines()]
        known = [row for row in rows if row["kind"] == "finding"]
        assert known
        stored = [
            finding(row["rule"], "pg-1", now, finding_id=row["id"], subject=Subject(**row["subject"]))
            for row in known[1:]
        ]
        gone = finding("PG-DUR-002", "pg-1", now, subject=Subject(kind="node", id="main/pg-1", node=NodeName("pg-1")))
        write_log(log, audit(now - timedelta(days=2), *stored, gone, cluster=ClusterName("main")))
        result = run("audit", target, "--since", "1d", "--format", "json")
        early = run("audit", target, "--since", "7d")
        other = run("audit", target, "--since", "1d", "--cluster", "users")
    (changes,) = [row for row in map(json.loads, result.out.splitlines()) if row["kind"] == "changes"]
    assert changes["new"] == [known[0]["id"]]
    assert changes["repaired"] + changes["unjudged"] == ["PG-DUR-002: pg-1 violates PG-DUR-002"]
    assert early.code == 2
    assert "the incident log has no audit of cluster main up to" in early.err
    assert "its first one is of" in early.err
    assert "it has audits of: main" in other.err
    wrong = run("audit", "host=127.0.0.1", "--since", "last week")
    assert (wrong.code, "there is no file last week, and it is no time" in wrong.err) == (2, True)
