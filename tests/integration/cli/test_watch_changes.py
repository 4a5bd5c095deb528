"""Changes of settings through the whole pipeline: agents, Kafka, the judgement, the incident log, and the receiver."""

from pathlib import Path

import pytest

from leadline_lab.receiver.server import Receiver
from leadline_lab.sandbox.fleet import AGENT
from leadline_lab.sandbox.postgres import Server
from leadline_lab.sandbox.wait import eventually
from tests.fixtures.commands import Run
from tests.fixtures.fleets import Pair
from tests.integration.cli.test_watch import Watch

CHANGE = (
    "SELECT setting, from_value, to_value, file, line, after < at FROM leadline.change WHERE setting LIKE 'max_s%delay'"
)


def changes(log: Server, name: str) -> list[tuple[object, ...]]:
    """The rows; none before the first record of any kind has made the schema."""
    if log.value("SELECT to_regclass('leadline.change')", dbname=name) is None:
        return []
    return log.query(CHANGE, dbname=name)


def test_a_change_before_an_incident(pair: Pair, tmp_path: Path, run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    """It is in the incident log with its file and line, in the incident, and in PagerDuty before the alert."""
    log, standby = pair.primary, pair.standby
    log.query("CREATE DATABASE changes_log")
    settings = {"LEADLINE_PAGERDUTY_CHANGE_EVENTS": "always"}
    dsns = pair.primary.dsn(user=AGENT), standby.dsn(user=AGENT)
    dsn = log.dsn("changes_log")
    try:
        with Receiver() as receiver:
            watch = Watch(
                tmp_path, *dsns, "--interval", "1", "--for", "3", "--db-sink", dsn, **receiver.environment, **settings
            )
            try:
                watch.until_healthy(40.0)
                standby.configure(max_standby_streaming_delay="-1")
                eventually("the change is in the incident log", lambda: changes(log, "changes_log"), 40.0)
                (row,) = changes(log, "changes_log")
                assert row[:3] == ("max_standby_streaming_delay", "30s", "-1")
                assert row[3] == str(standby.data / "postgresql.auto.conf")
                assert isinstance(row[4], int)
                assert row[5] is True
                eventually("the change event", lambda: any(event.kind == "change" for event in receiver.events), 20.0)
                standby.query("SELECT pg_wal_replay_pause()")
                incident = watch.until("the incident opens", "incident", 60.0, state="open")
                assert [each["setting"] for each in incident["changes"]] == ["max_standby_streaming_delay"]
                assert incident["changes"][0]["file"] == row[3]
            finally:
                standby.query("SELECT pg_wal_replay_resume()")
                standby.configure(max_standby_streaming_delay=None)
                watch.end()
        monkeypatch.setenv("LEADLINE_INCIDENT_LOG_DSN", dsn)
        shown = run("changes", "--setting", "max_standby*").out
        assert "30s → -1 (unlimited)" in shown
        assert f"{row[3]} line {row[4]}" in shown
        assert run("incidents", "verify").code == 0
    finally:
        log.query("DROP DATABASE changes_log WITH (FORCE)")
