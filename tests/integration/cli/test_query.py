"""`leadline query`, over each broker."""

import asyncio
import csv
import io
import json
from datetime import UTC, timedelta
from typing import Any

import pytest
from msgspec.structs import replace

from leadline.clock import SystemClock
from leadline.settings.common import KafkaSettings
from leadline.wire import ALERTS, INCIDENTS, LAG, STATUS, Outgoing, tombstone
from tests.fixtures.brokers import Broker, create_topics
from tests.fixtures.commands import Run
from tests.integration.sinks.kit import writing
from tests.unit.cli.test_query_columns import example

MINUTE = timedelta(minutes=1)


def made() -> list[Any]:
    """Two links, one of which is forgotten; two hours of roll-ups of one; an incident and its alert."""
    now = SystemClock().now().astimezone(UTC).replace(microsecond=0)
    link, node = replace(example("links"), cluster="orders"), replace(example("nodes"), cluster="orders")
    rollups = [
        replace(example("lag"), cluster="orders", window_s=window, start=end - window * MINUTE / 60, end=end)
        for minutes in range(120, -1, -20)
        for window in (10.0, 60.0)
        for end in [now - minutes * MINUTE]
    ]
    incident = replace(example("incidents"), cluster="orders", seq=5, opened_at=now, resolved_at=None, state="open")
    alert = replace(example("alerts"), cluster="orders", event_time=now)
    return [
        replace(link, link="orders/pg-1->pg-2", verdict="cut_off"),
        replace(link, link="orders/pg-1->pg-3", verdict="healthy"),
        replace(link, link="orders/pg-1->pg-4", verdict="healthy"),
        node,
        *rollups,
        replace(incident, seq=4, severity="warning"),
        replace(incident, severity="critical"),
        alert,
        replace(alert, event_time=now - 3000 * MINUTE),
    ]


@pytest.fixture(autouse=True)
def kafka(any_broker: Broker, prefix: str, monkeypatch: pytest.MonkeyPatch) -> KafkaSettings:
    create_topics(any_broker, prefix, 3)
    monkeypatch.setenv("LEADLINE_KAFKA_BOOTSTRAP", any_broker.bootstrap)
    monkeypatch.setenv("LEADLINE_KAFKA_TOPIC_PREFIX", prefix)

    async def fill() -> None:
        async with writing(any_broker.bootstrap, prefix) as put:
            await put(*made(), tombstone(STATUS, "orders/pg-1->pg-4", prefix))
            await put(*(Outgoing(prefix + codec.name, b"orders", b"no value", []) for codec in (LAG, ALERTS)))

    asyncio.run(fill())
    return KafkaSettings(bootstrap=any_broker.bootstrap, topic_prefix=prefix)


def table(run: Run, *arguments: str) -> list[dict[str, str]]:
    result = run("query", *arguments)
    assert (result.code, result.err) == (0, "")
    return list(csv.DictReader(io.StringIO(result.out)))


def test_what_people_ask_for(run: Run) -> None:
    """Links as they are, by verdict; the lag of the last hour, or since a time; incidents as they are now; alerts."""
    assert [row["link"] for row in table(run, "links")] == ["orders/pg-1->pg-2", "orders/pg-1->pg-3"]
    assert [row["link"] for row in table(run, "link", "--verdict", "cut_off")] == ["orders/pg-1->pg-2"]
    assert [row["cluster"] for row in table(run, "nodes", "--cluster", "ord*")] == ["orders"]
    assert table(run, "nodes", "--cluster", "billing") == []
    assert len(table(run, "lag", "--since", "90m")) == 5
    assert len(table(run, "lag")) in (3, 4)  # the last full hour, whose first roll-up ends as this test runs
    assert len(table(run, "lag", "--since", "3h", "--until", "65m", "--window", "10")) == 3
    (incident,) = table(run, "incidents", "--since", "1h", "--state", "open")
    assert (incident["severity"], incident["resolved_at"]) == ("critical", "")
    assert len(table(run, "alerts")) == 1
    assert len(table(run, "alerts", "--since", "7d")) == 2


def test_json_is_the_whole_record(run: Run) -> None:
    """One object per line, as it is on the topic."""
    result = run("query", "alerts", "--format", "json")
    assert result.code == 0
    (line,) = result.out.splitlines()
    assert ALERTS.decode(json.dumps(json.loads(line)).encode()).cluster == "orders"
    (line,) = run("query", "incidents", "--format", "json").out.splitlines()
    assert INCIDENTS.decode(line.encode()).seq == 5


def test_wrong_questions(run: Run) -> None:
    """One line, which says what to give."""
    result = run("query", "lag", "--since", "1h", "--until", "2h")
    assert (result.code, result.err) == (2, "leadline: --until is before --since; exchange them\n")
    assert "'links', 'nodes', 'lag', 'incidents', 'alerts'" in run("query", "lags-of-mine").err
    assert "give 90m, 12h or 7d" in run("query", "lag", "--since", "yesterday").err


def test_no_such_topics(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    """Another prefix than that of the processes is the usual reason."""
    monkeypatch.setenv("LEADLINE_KAFKA_TOPIC_PREFIX", "nobody.")
    result = run("query", "lag")
    if result.code == 0:  # the broker in memory makes a topic that somebody asks for
        assert result.out.count("\n") == 1
    else:
        assert result.err.endswith("has no topic nobody.lag; check kafka.topic_prefix\n")


def test_people_read_a_table(run: Run) -> None:
    """In words and units, on one line each in a terminal of 80 columns; a question without rows says so."""
    lines = run("query", "links", "--format", "text").out.splitlines()
    assert lines[0].split() == ["link", "verdict", "lag", "behind", "since", "(UTC)"]
    assert [line.split()[:2] for line in lines[1:]] == [
        ["orders/pg-1->pg-2", "cut_off"],
        ["orders/pg-1->pg-3", "healthy"],
    ]
    assert max(map(len, lines)) <= 80
    assert run("query", "links", "--cluster", "nobody", "--format", "text").out == "no links\n"


def test_a_runbook_needs_no_incident_log(run: Run) -> None:
    """Messages print the command; where no incident log is configured, the incident comes from Kafka."""
    ident = example("incidents").incident_id
    filled = run("runbook", "replication_lag", "--incident", ident[:-1]).out
    assert filled.startswith("# replication_lag\n\n> orders: ")
    refused = run("runbook", "--incident", "inc_x").err
    assert "no incident in Kafka begins with inc_x; `leadline query incidents`" in refused
