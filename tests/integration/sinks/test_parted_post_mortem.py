"""Post-mortems of incidents that were parted and merged: the pages that the incident log on a real server gives."""

from collections.abc import Mapping
from typing import Any

import pytest

from leadline.settings.sink import IncidentLogSettings
from leadline_sinks.incident_log import reader, terminal
from leadline_sinks.incident_log.postmortem.draft import draft
from leadline_sinks.notify.sink import Sent
from tests.integration.sinks.test_incident_log import recording
from tests.unit.sinks.log_made import topic_record
from tests.unit.sinks.people import People
from tests.unit.sinks.test_parted_incidents import beginning, take_for_one
from tests.unit.streams.test_parting import fleet, join


async def pages(settings: IncidentLogSettings, people: People) -> Mapping[str, tuple[str, str]]:
    """The post-mortem and the page on a terminal of each incident, by its title."""
    async with recording(settings) as log:
        assert await log.write([topic_record(each) for each in people.kept]) == Sent()
    assert settings.dsn is not None
    found: dict[str, tuple[str, str]] = {}
    async with reader.session(settings.dsn.reveal()) as connection:
        for ident in people.newest:
            history = await reader.history(connection, ident)
            found[history.incident.title] = draft(history), terminal.page(history)
    return found


def rows(page: str, heading: str) -> list[list[str]]:
    """The cells of the table below a heading."""
    lines = page.partition(heading)[2].partition("##")[0].splitlines()
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in lines if line.startswith("|")][2:]


async def test_an_alert_that_left(log_settings: IncidentLogSettings) -> None:
    """The lower standby was late behind the upper one first. The first incident ended while that went on."""
    made = fleet()
    people = beginning(made)
    await people.follow(made, 60, apart={"pg-2"})
    await people.follow(made, 30, apart={"pg-2"}, paused={"pg-3"})
    await people.follow(made, 40, paused={"pg-3"})
    await people.follow(made, 60)
    found = await pages(log_settings, people)
    upper, _ = found["orders: pg-2 cannot connect to pg-1"]
    lower, _ = found["orders: replay on pg-3 was paused by a person"]
    affected = {(row[0], row[1]): row[-1] for row in rows(upper, "### What was affected")}
    assert affected["pg-2 → pg-3", "`replication_lag`"] == "in another incident"
    assert affected["pg-1 → pg-2", "`replication_lag`"] == "2026-04-10 10:01:46"
    assert "belongs to" in upper
    ends = {row[-1] for row in rows(lower, "### What was affected")}
    assert ends == {"2026-04-10 10:02:26"}
    sinks = [row[1] for row in rows(lower, "## Timeline") if row[2] == "sink"]
    assert [each for each in sinks if each.startswith("pagerduty")] == [
        *("pagerduty was notified: opened", "pagerduty was notified: resolved"),
    ]


async def test_an_incident_that_was_parted(log_settings: IncidentLogSettings) -> None:
    """It names the incident that people know its alerts from."""
    made = fleet()
    made.run(20, paused={"pg-2"}, failing=True)
    kept = made.state.memory.incidents[0].id
    join(made)
    people = beginning(made)
    await people.receive([one for one in made.outputs if getattr(one, "incident_id", kept) == kept], people.clock.now())
    await people.follow(made, 20, paused={"pg-2"}, failing=True)
    await people.follow(made, 60)
    page, shown = (await pages(log_settings, people))["orders: subscription sub on pg-5 stops at a duplicate key"]
    assert f"- **Parted:** its first alerts were a part of `{kept}` before." in page
    assert f"was a part of {kept} before" in shown
    assert {row[-1] for row in rows(page, "### What was affected")} & {"not yet", "in another incident"} == set()
    sinks = [row[1] for row in rows(page, "## Timeline") if row[2] == "sink"]
    assert "pagerduty was notified: withdrawn" in sinks


async def test_one_that_was_merged(log_settings: IncidentLogSettings, monkeypatch: pytest.MonkeyPatch) -> None:
    """The post-mortem of the older one covers both, that of the younger one says so."""
    made = fleet()
    people = beginning(made)
    await people.follow(made, 30, paused={"pg-2"})
    await people.follow(made, 30, paused={"pg-2", "pg-4"})
    take_for_one(monkeypatch)
    await people.follow(made, 3, paused={"pg-2", "pg-4"})
    await people.follow(made, 60)
    found: Any = await pages(log_settings, people)
    older, _ = found["orders: replay on pg-2 was paused by a person"]
    younger, _ = found["orders: replay on pg-4 was paused by a person"]
    assert "- **Part of it:** `inc_orders_20260410T100041Z" in older
    assert "- **Merged:** it is a part of `inc_orders_20260410T100011Z" in younger
    affected = {(row[0], row[1]): row[-1] for row in rows(older, "### What was affected")}
    assert affected["pg-1 → pg-4", "`replay_paused`"] == "2026-04-10 10:01:19"
    left = {(row[0], row[1]): row[-1] for row in rows(younger, "### What was affected")}
    assert left["pg-1 → pg-4", "`replay_paused`"] == "in another incident"
