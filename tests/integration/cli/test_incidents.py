"""`leadline incidents` over a real incident log and a broker in memory."""

import asyncio
import json
import re
from itertools import count
from pathlib import Path

import pytest

from leadline.kafka import publish
from leadline.settings.common import KafkaSettings
from leadline.wire import ACTIONS
from leadline_lab.sandbox.broker import EmbeddedBroker
from leadline_lab.sandbox.postgres import Server
from tests.fixtures.commands import Run
from tests.fixtures.incident_logs import write_log
from tests.unit.sinks import made, outage
from tests.unit.sinks.log_made import delivery

_numbers = count(1)


@pytest.fixture
def prefix(broker: EmbeddedBroker, monkeypatch: pytest.MonkeyPatch) -> str:
    """Topics of its own, in the environment."""
    prefix = f"incidents{next(_numbers)}."
    monkeypatch.setenv("LEADLINE_KAFKA_BOOTSTRAP", broker.bootstrap)
    monkeypatch.setenv("LEADLINE_KAFKA_TOPIC_PREFIX", prefix)
    return prefix


@pytest.fixture
def log(empty_log: str, prefix: str) -> str:
    """The DSN of an incident log with the outage and an open incident in it, in the environment too."""
    story = outage.OUTAGE
    write_log(empty_log, story.incident, *story.transitions, *story.deliveries, *story.actions, made.incident())
    return empty_log


def written(broker: EmbeddedBroker, prefix: str, number: int) -> list[tuple[bytes | None, str, str]]:
    """Key, kind and person of the first so many records in the topic of actions."""
    from aiokafka import AIOKafkaConsumer

    from leadline.kafka import consumer_options

    async def read() -> list[tuple[bytes | None, str, str]]:
        kafka = KafkaSettings(bootstrap=broker.bootstrap)
        consumer = AIOKafkaConsumer(prefix + "actions", **consumer_options(kafka, "test"))
        await consumer.start()
        try:
            records = [await consumer.getone() for _ in range(number)]
        finally:
            await consumer.stop()
        actions = [(record.key, ACTIONS.decode(record.value)) for record in records]
        return [(key, action.kind, action.by) for key, action in actions]

    return asyncio.run(read())


@pytest.mark.usefixtures("log")
def test_list(run: Run) -> None:
    """The open ones come first; filters narrow the list down."""
    result = run("incidents", "list", "--format", "json")
    found = [json.loads(line) for line in result.out.splitlines()]
    assert [(each["incident_id"], each["state"]) for each in found] == [
        (made.incident().incident_id, "open"),
        (outage.ID, "resolved"),
    ]
    assert found[1]["opened_at"] == "2024-04-10T10:00:00.000Z"
    text = run("incidents", "list").out
    assert "replay on pg-2 is blocked by a query" in text
    assert "16 h" in text
    for filters, number in (
        (("--state", "open"), 1),
        (("--since", "2025-01-01"), 1),
        (("--since", "2024-04-11T01:00:00+00:00"), 2),
        (("--cluster", "orders"), 2),
        (("--cluster", "other"), 0),
    ):
        assert len(run("incidents", "list", "--format", "json", *filters).out.splitlines()) == number, filters
    assert run("incidents", "list", "--cluster", "other").out == "no incidents\n"
    assert run("incidents", "list", "--since", "yesterday").code == 2


@pytest.mark.usefixtures("log")
def test_show(run: Run) -> None:
    """The beginning of an identity is enough, when it is one incident's."""
    text = run("incidents", "show", "inc_orders_2024").out
    assert "acknowledged by ada at 2024-04-10 10:15:00 UTC" in text
    shown = json.loads(run("incidents", "show", outage.ID, "--format", "json").out)
    assert shown["times"]["to_cause_s"] == 35.0
    assert [each["kind"] for each in shown["actions"]] == ["acknowledge", "note"]
    assert len(shown["transitions"]) == 5
    several = run("incidents", "show", "inc_orders_20")
    assert (several.code, "several incidents begin with" in several.err) == (2, True)
    none = run("incidents", "show", "inc_other")
    assert (none.code, "there is no incident 'inc_other'" in none.err) == (2, True)


@pytest.mark.usefixtures("log")
def test_runbook(run: Run) -> None:
    """The page of the first rule, or of the one that is named, below the incident and its cause."""
    text = run("runbook", "--incident", "inc_orders_2024").out
    first = "orders: replay on pg-2 is blocked by a query; resolved after 16 h"
    assert text.startswith(f"# replication_lag\n\n> {first}")
    assert "> Cause (standby_query_blocks_replay, 98%): " in text
    assert run("runbook", "split_brain", "--incident", outage.ID).out.startswith("# split_brain\n\n> orders: ")


@pytest.mark.usefixtures("log")
def test_export(run: Run, tmp_path: Path) -> None:
    """The draft is written to a new file, or to standard output."""
    path = tmp_path / "postmortem.md"
    assert run("incidents", "export", outage.ID, "-o", path).code == 0
    assert path.read_text().startswith("# Post-mortem: orders: replay on pg-2 is blocked by a query\n")
    assert run("incidents", "export", outage.ID, "--format", "md").out == path.read_text()
    again = run("incidents", "export", outage.ID, "-o", path)
    assert (again.code, "exists; give another name" in again.err) == (2, True)


def test_verify(run: Run, log: str, log_server: Server) -> None:
    """An intact incident log prints its head; for one that was changed, the first wrong row, with exit code 1."""
    fine = run("incidents", "verify")
    assert (fine.code, fine.err) == (0, "")
    assert fine.out.startswith("17 rows verified; the head is 17:")
    head = fine.out.split()[-1]
    assert run("incidents", "verify", "--head", head).code == 0
    other = run("incidents", "verify", "--head", f"9:{head[-64:]}")
    assert (other.code, "its hash differs from the one that was noted" in other.err) == (1, True)
    assert run("incidents", "verify", "--head", "16").code == 2
    name = log.partition("dbname=")[2].partition(" ")[0]
    log_server.query(
        "SET session_replication_role = replica; UPDATE leadline.log SET who = 'eve' WHERE number = 9", dbname=name
    )
    broken = run("incidents", "verify")
    assert (broken.code, broken.out) == (1, "")
    assert "the chain is broken at row 9: its hash does not match" in broken.err
    found = json.loads(run("incidents", "verify", "--format", "json").out)
    assert found["broken"]["number"] == 9


def test_verify_with_the_heads_in_kafka(
    run: Run, log: str, log_server: Server, broker: EmbeddedBroker, prefix: str
) -> None:
    """They show that the last rows were removed, which the chain alone cannot."""
    none = run("incidents", "verify", "--kafka")
    assert (none.code, "no delivery in Kafka carries a head" in none.err) == (2, True)
    head = run("incidents", "verify").out.split()[-1]
    kafka = KafkaSettings(bootstrap=broker.bootstrap, topic_prefix=prefix)
    asyncio.run(publish(kafka, "test", delivery(log_head=head)))
    fine = run("incidents", "verify", "--kafka")
    assert (fine.code, fine.err) == (0, "")
    assert fine.out.startswith("17 rows verified and compared with 1 noted head; the head is 17:")
    name = log.partition("dbname=")[2].partition(" ")[0]
    log_server.query(
        "SET session_replication_role = replica; DELETE FROM leadline.log WHERE number = 17; "
        "UPDATE leadline.head SET number = 16, hash = (SELECT hash FROM leadline.log WHERE number = 16)",
        dbname=name,
    )
    cut = run("incidents", "verify", "--kafka")
    assert (cut.code, "the incident log ends here, but row 17 was noted" in cut.err) == (1, True)
    alone = run("incidents", "verify")
    assert (alone.code, alone.out[:16]) == (1, "16 rows verified"), "its last row was the only record of an incident"
    assert made.incident().incident_id in alone.err


@pytest.mark.usefixtures("log")
def test_ack_and_note(run: Run, broker: EmbeddedBroker, prefix: str) -> None:
    """Actions of people go to Kafka under the incident's identity."""
    assert run("incidents", "ack", "inc_orders_2026", "--by", "ada").out.startswith("acknowledged inc_orders_2026")
    noted = run("incidents", "note", outage.ID, "the report is gone", "--by", "grace", "--format", "json")
    assert json.loads(noted.out)["action"]["text"] == "the report is gone"
    assert json.loads(noted.out)["action"]["generation"] == outage.INCIDENT.generation
    over = run("incidents", "ack", outage.ID, "--by", "ada")
    assert over.out == f"acknowledged {outage.ID} as ada; it is resolved already\n"
    assert sorted(written(broker, prefix, 3)) == [
        (outage.ID.encode(), "acknowledge", "ada"),
        (outage.ID.encode(), "note", "grace"),
        (made.incident().incident_id.encode(), "acknowledge", "ada"),
    ]
    assert run("incidents", "ack", "inc_other", "--by", "ada").code == 2
    assert run("incidents", "note", outage.ID, " ").code == 2
    assert run("incidents", "note", outage.ID, "n" * 4001).code == 2


@pytest.mark.usefixtures("log")
def test_ack_twice(run: Run, broker: EmbeddedBroker, prefix: str) -> None:
    """The second time says since when, and writes nothing; somebody else takes over, and reads whose it was."""
    ident = made.incident().incident_id
    run("incidents", "ack", ident, "--by", "ada")
    again = run("incidents", "ack", ident, "--by", "ada")
    assert re.fullmatch(rf"{ident} is acknowledged already by ada since \S+ \S+ UTC\n", again.out)
    run("incidents", "note", ident, "looking", "--by", "ada")
    other = run("incidents", "ack", ident, "--by", "grace")
    assert re.fullmatch(rf"acknowledged {ident} as grace; ada had acknowledged it at \S+ \S+ UTC\n", other.out)
    kinds = [(kind, by) for _, kind, by in written(broker, prefix, 3)]
    assert sorted(kinds) == [("acknowledge", "ada"), ("acknowledge", "grace"), ("note", "ada")]


def test_ack_while_the_log_is_away(
    run: Run, broker: EmbeddedBroker, prefix: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is looked for in Kafka instead; a warning states that, without the password."""
    kafka = KafkaSettings(bootstrap=broker.bootstrap, topic_prefix=prefix)
    asyncio.run(publish(kafka, "test", outage.INCIDENT))
    monkeypatch.setenv("LEADLINE_INCIDENT_LOG_DSN", "host=127.0.0.1 port=1 user=a password=hunter2")
    result = run("incidents", "ack", outage.ID, "--by", "ada")
    assert result.code == 0
    assert "looking in Kafka, since the incident log cannot be read" in result.err
    assert "hunter2" not in result.err
    assert written(broker, prefix, 1) == [(outage.ID.encode(), "acknowledge", "ada")]
    other = run("incidents", "ack", "inc_other", "--by", "ada")
    assert (other.code, "there is no incident 'inc_other'" in other.err) == (2, True)
    away = run("incidents", "list")
    assert (away.code, "is the server running there?" in away.err) == (3, True)


@pytest.mark.usefixtures("prefix")
def test_no_log_is_set(run: Run) -> None:
    """Without an incident log there is nothing to read; the error names what to set."""
    for line in (("list",), ("show", "x"), ("export", "x"), ("verify",), ("migrate",)):
        result = run("incidents", *line)
        assert result.code == 2
        assert "incident_log.dsn, or set LEADLINE_INCIDENT_LOG_DSN" in result.err


@pytest.mark.usefixtures("empty_log")
def test_migrate(run: Run) -> None:
    """The schema is created once; before that, the error of a reader names the command."""
    early = run("incidents", "list")
    assert (early.code, "run `leadline incidents migrate`" in early.err) == (2, True)
    assert run("incidents", "migrate").out == (
        "applied 0001_log.sql\napplied 0002_problems.sql\napplied 0003_enforced.sql\napplied 0004_history.sql\n"
    )
    assert run("incidents", "migrate").out == "the schema is up to date\n"
    assert run("incidents", "list").out == "no incidents\n"
    assert run("incidents", "verify").out.startswith("0 rows verified; the head is 0:")


def test_kafka_is_away(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    """An acknowledgement that could not be written is an error, not a success."""
    monkeypatch.setenv("LEADLINE_KAFKA_BOOTSTRAP", "localhost:1")
    result = run("incidents", "ack", outage.ID, "--by", "ada")
    assert (result.code, result.out) == (3, "")
