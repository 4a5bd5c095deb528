"""`leadline sink` as a process: changes of servers at the receiver, and an incident that can return."""

import asyncio
from collections.abc import Sequence
from datetime import timedelta
from pathlib import Path
from typing import Any

import msgspec
import pytest

from leadline.model.audit_result import AuditResult
from leadline.settings.sink import IncidentLogSettings
from leadline_lab.receiver.faults import Fault, Kind
from leadline_lab.receiver.pagerduty import alerts
from leadline_lab.receiver.server import Receiver
from leadline_sinks.incident_log import reader, trail
from tests.fixtures.brokers import Broker, create_topics
from tests.integration.sinks import sink_main
from tests.integration.sinks.kit import CLOCK, process, until, values, writing
from tests.unit.sinks import made
from tests.unit.sinks.audited import audit, change_record, finding


def kinds(receiver: Receiver) -> list[str]:
    return [event.kind for event in receiver.events]


def settings_of(broker: Broker, prefix: str, receiver: Receiver, **more: Any) -> dict[str, Any]:
    return {
        "pagerduty": {"routing_key": "a" * 32, "url": receiver.url, "change_events": "always"},
        "kafka": {"bootstrap": broker.bootstrap, "topic_prefix": prefix},
        **more,
    }


def announced(receiver: Receiver) -> list[str]:
    """The settings in change events, in their order."""
    payloads = [event.payload["payload"] for event in receiver.events if event.kind == "change"]
    return [name for payload in payloads for name in payload["custom_details"]]


async def audits_of(settings: IncidentLogSettings) -> Sequence[AuditResult]:
    """The audits that the incident log has by now."""
    assert settings.dsn is not None
    async with reader.session(settings.dsn.reveal()) as connection:
        return await trail.audits(connection, trail.Period("orders"))


async def test_changes_are_sent_when_they_are_seen(broker: Broker, prefix: str, tmp_path: Path) -> None:
    """Without any incident; those that PagerDuty refuses for a while follow, and an incident does not repeat them."""
    create_topics(broker, prefix, 1)
    now = CLOCK.now()
    change = change_record(now, "wal_keep_size")
    old = change_record(now - timedelta(days=2), "work_mem")
    with Receiver() as receiver, process(tmp_path, settings_of(broker, prefix, receiver), sink_main.__name__) as sink:
        receiver.fail(Fault("pagerduty", Kind.UNAVAILABLE, requests=2))
        async with writing(broker.bootstrap, prefix) as put:
            await put(old, change, change_record(now))
            sink.start()
            await until("both changes", lambda: len(announced(receiver)) == 2, sink)
            await put(made.incident(1, opened_at=now, changes=[change.change]))
            await until("the alert", lambda: "trigger" in kinds(receiver), sink)
            await put(change_record(now + timedelta(seconds=1), "port"))
            await until("the next change", lambda: "port" in announced(receiver), sink)
        assert sink.end() == 0
        assert announced(receiver) == ["wal_keep_size", "max_slot_wal_keep_size", "port"]
        assert len(alerts(receiver.events)) == 1


@pytest.mark.parametrize("change_events", ["incidents", "never"])
async def test_changes_are_not_sent_by_themselves(
    broker: Broker, prefix: str, tmp_path: Path, change_events: str
) -> None:
    """By default with an incident that they may explain; never where the settings say so."""
    create_topics(broker, prefix, 1)
    now = CLOCK.now()
    change = change_record(now)
    with Receiver() as receiver:
        given = settings_of(broker, prefix, receiver)
        given["pagerduty"]["change_events"] = change_events
        with process(tmp_path, given, sink_main.__name__) as sink:
            async with writing(broker.bootstrap, prefix) as put:
                await put(change)
                sink.start()
                about = made.incident(1, opened_at=now, changes=[change.change])
                await put(about)
                await until("the alert", lambda: "trigger" in kinds(receiver), sink)
                await put(msgspec.structs.replace(about, seq=2, state="resolved", resolved_at=CLOCK.now()))
                await until("its end", lambda: "resolve" in kinds(receiver), sink)
            assert sink.end() == 0
        assert kinds(receiver).count("change") == (1 if change_events == "incidents" else 0)


async def test_an_incident_that_can_return(
    broker: Broker, prefix: str, tmp_path: Path, log_settings: IncidentLogSettings
) -> None:
    """An audit finds again what a measure against it was to prevent: its record says so, and one change event."""
    create_topics(broker, prefix, 1)
    assert log_settings.dsn is not None
    now = CLOCK.now()
    about = made.incident(1, opened_at=now)
    ended = msgspec.structs.replace(about, seq=2, state="resolved", resolved_at=now)
    day = timedelta(days=1)
    held, violated_at = audit(now + 2 * day), now + 3 * day
    violated = audit(violated_at, finding("PG-SBY-001", "pg-2", violated_at))
    with Receiver() as receiver:
        given = settings_of(broker, prefix, receiver, incident_log={"dsn": log_settings.dsn.reveal()})
        with process(tmp_path, given, sink_main.__name__) as sink:
            async with writing(broker.bootstrap, prefix) as put:
                sink.start()
                await put(about)
                await until("the alert", lambda: kinds(receiver) == ["trigger"], sink)
                await put(ended, held)
                await until("its end", lambda: "resolve" in kinds(receiver), sink)
                await put(violated)
                await until("the notice", lambda: "change" in kinds(receiver), sink)
                await put(audit(violated_at + day, finding("PG-SBY-001", "pg-2", violated_at)))
                await put(change_record(now))
                await until("what came after", lambda: kinds(receiver).count("change") == 2, sink)
                async with asyncio.timeout(20.0):  # the incident log has a consumer of its own
                    while len(await audits_of(log_settings)) < 3:
                        await CLOCK.sleep(0.1)
            assert sink.end() == 0
        assert kinds(receiver) == ["trigger", "resolve", "change", "change"]
        assert "can return: PG-SBY-001 is violated again" in receiver.events[2].payload["payload"]["summary"]
    assert len(await audits_of(log_settings)) == 3
    records = await values(broker.bootstrap, prefix, "incidents")
    assert [(each.seq, each.state, len(each.recurrences)) for each in records] == [
        (1, "open", 0),
        (2, "resolved", 0),
        (3, "resolved", 1),
    ]
    async with reader.session(log_settings.dsn.reveal()) as connection:
        (listed,) = await reader.incidents(connection)
        assert listed.recurrence_rules == ["PG-SBY-001"]
        assert (await reader.verify(connection)).broken is None
