"""A difference on real servers reaches the people who are notified, with its table, its key and its cause."""

import asyncio
import json
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import pytest
from psycopg.conninfo import make_conninfo

from leadline.topic_table import latest
from leadline.wire import INCIDENTS
from leadline_lab.pipeline import Pipeline
from leadline_lab.receiver.server import Receiver
from leadline_lab.sandbox.fleet import AGENT, REPLICATOR, Fleet
from leadline_lab.sandbox.postgres import Server
from leadline_lab.sandbox.wait import eventually
from tests.fixtures.verified import PASSWORD, ROLE, admit, damage

SCHEMA = "CREATE TABLE items (id serial PRIMARY KEY, note text); CREATE TABLE tab (id int PRIMARY KEY)"
EVERY_S = 2.0
WITHIN_S = 60.0


@dataclass
class Watched:
    """A publisher pg-1 and its subscriber pg-4, watched and verified; PagerDuty's stand-in gets the pages."""

    fleet: Fleet
    pipeline: Pipeline
    receiver: Receiver

    def on(self, name: str, statement: str) -> None:
        self.fleet.servers[name].execute(statement, dbname="app")

    def pages(self, what: str) -> list[dict[str, Any]]:
        """The pages of incidents that say this."""
        sent = [event.payload for event in self.receiver.events if event.vendor == "pagerduty"]
        return [page for page in sent if page.get("event_action") == "trigger" and what in json.dumps(page)]

    def messages(self, what: str) -> list[str]:
        """The messages in Slack, with their edits, that say this."""
        sent = [json.dumps(event.payload) for event in self.receiver.events if event.vendor == "slack"]
        return [message for message in sent if what in message]

    def status(self) -> str:
        """The nodes and links that are judged, as `leadline nodes list` shows them."""
        config = self.pipeline.write("people", {})
        return self.pipeline.run("nodes", "list", "-c", str(config))

    def causes(self) -> dict[str, float]:
        """The causes of all incidents, with their confidence."""
        found = asyncio.run(latest(self.pipeline.kafka, INCIDENTS, "test"))
        return {cause.code: cause.confidence for incident in found.values() for cause in incident.causes}

    def start_verifier(self, downstream: str = "pg-4", subscription: str = "pg_4") -> None:
        link = {
            "cluster": "orders",
            "upstream": "pg-1",
            "downstream": downstream,
            "subscription": subscription,
            "upstream_dsn": dsn(self.fleet.servers["pg-1"]),
            "downstream_dsn": dsn(self.fleet.servers[downstream]),
            "every_s": EVERY_S,
        }
        self.pipeline.start("verify", {"links": [link], "report_every_s": 2.0})

    def verified(self) -> str:
        return self.pipeline.file("verify.log").read_text(errors="replace")


def dsn(server: Server) -> str:
    return make_conninfo(server.dsn("app"), user=ROLE, password=PASSWORD)


def primary(fleet: Fleet) -> Server:
    """pg-1, with 500 items."""
    up = fleet.primary("pg-1", {"wal_level": "logical"})
    admit(up)
    up.query("CREATE DATABASE app")
    up.query(SCHEMA, dbname="app")
    up.query("INSERT INTO items (note) SELECT 'note ' || g FROM generate_series(1, 500) g", dbname="app")
    return up


@pytest.fixture
def watched() -> Iterator[Watched]:
    with Fleet() as fleet:
        up = primary(fleet)
        admit(fleet.subscriber("pg-4", up, schema=SCHEMA))
        up.query(f"GRANT SELECT ON ALL TABLES IN SCHEMA public TO {REPLICATOR}", dbname="app")
        fleet.wait_caught_up(60)
        with watching(fleet) as all_of_it:
            yield all_of_it


@pytest.fixture
def damaged() -> Iterator[Watched]:
    """A primary, and its standby pg-2 with another note in the files that it was started on."""
    with Fleet() as fleet:
        up = primary(fleet)
        up.query("VACUUM (FREEZE) items", dbname="app")
        up.query("CHECKPOINT")
        standby = fleet.standby("pg-2", up)
        fleet.wait_caught_up(60)
        standby.query("CHECKPOINT")
        damage(standby, {"items": (b"note 250",)})
        fleet.wait_caught_up(60)
        with watching(fleet) as all_of_it:
            yield all_of_it


@contextmanager
def watching(fleet: Fleet) -> Iterator[Watched]:
    """Every part of Leadline over these servers but the verifier."""
    with Pipeline() as pipeline, Receiver(limited=False) as receiver:
        instances = [
            {"dsn": server.dsn("app", AGENT), "name": server.name, "cluster": "orders"}
            for server in fleet.servers.values()
        ]
        spool = {"path": str(pipeline.file("spool.sqlite3"))}
        pipeline.start("stream", {"tick_s": 0.5, "judgement": {"quiet_s": 3.0}})
        pipeline.start("agent", {"instances": instances, "spool": spool})
        targets = {
            "pagerduty": {"routing_key": "0123456789abcdef0123456789abcdef", "url": receiver.url},
            "slack": {"token": "xoxb-local", "channel": "#dba", "api_url": f"{receiver.url}/api"},
            "notify": {"group_wait_s": 2.0, "critical_wait_s": 1.0, "update_every_s": 1.0},
        }
        pipeline.start("sink", targets)
        yield Watched(fleet, pipeline, receiver)
        pipeline.check()


@pytest.mark.timeout(240)
def test_a_planted_difference_is_paged_with_table_key_and_cause(watched: Watched) -> None:
    """A row that somebody changed on the subscriber: one page with all of it, resolved once the row is repaired."""
    watched.start_verifier()
    eventually("a first proof", lambda: "public.items is equal" in watched.verified(), WITHIN_S)
    watched.on("pg-4", "UPDATE items SET note = 'written here' WHERE id = 250")
    eventually("the page", lambda: watched.pages("id=250"), WITHIN_S)
    page = json.dumps(watched.pages("id=250")[-1])
    assert "public.items: id=250 is changed (note)" in page
    assert "subscriber_local_writes" in page
    assert "written here" not in page
    watched.on("pg-4", "UPDATE items SET note = 'note 250' WHERE id = 250")
    eventually(
        "the end",
        lambda: [e for e in watched.receiver.events if e.payload.get("event_action") == "resolve"],
        WITHIN_S,
    )


@pytest.mark.timeout(240)
def test_a_damaged_row_of_a_standby_is_paged_with_table_key_and_cause(damaged: Watched) -> None:
    """Its lag is none and its server log silent: nobody else would tell."""
    damaged.start_verifier("pg-2", "")
    eventually("the page", lambda: damaged.pages("id=250"), WITHIN_S)
    (*_, page) = damaged.pages("id=250")
    assert "public.items: id=250 is changed (note)" in page["payload"]["summary"]
    assert "the files of pg-2 are not those of pg-1" in page["payload"]["summary"]
    assert "standby_data_damaged" in json.dumps(page)
    assert "Note 250" not in json.dumps(page)
    assert len({each["dedup_key"] for each in damaged.pages("")}) == 1


@pytest.mark.timeout(240)
def test_a_skipped_change_and_its_row_are_one_incident(watched: Watched) -> None:
    """An update that met no row is skipped without an error; the row that is missing joins its incident."""
    watched.on("pg-4", "DELETE FROM items WHERE id = 100")

    def conflicts() -> bool:
        watched.on("pg-1", "UPDATE items SET note = note || '.' WHERE id = 100")
        return bool(watched.pages("update_missing"))

    eventually("the conflict", conflicts, WITHIN_S)
    watched.start_verifier()
    eventually("its row", lambda: watched.messages("public.items: id=100 is missing"), WITHIN_S)
    assert watched.messages("rows are missing on pg-4")
    assert len({page["dedup_key"] for page in watched.pages("")}) == 1


@pytest.mark.timeout(240)
def test_what_a_skipped_transaction_leaves_out(watched: Watched) -> None:
    """A conflict is skipped by its finish LSN, and with it all that its transaction changed.

    PostgreSQL's documentation warns of just this (logical replication, conflicts): rows of the transaction that violate
    nothing are lost as well. The example is that of
    https://www.rockdata.net/tutorial/troubleshooting-logical-replication-conflicts
    """
    down = watched.fleet.servers["pg-4"]
    down.configure(wal_retrieve_retry_interval="5s")  # PostgreSQL's own default: a look sees what is set to be skipped
    watched.on("pg-4", "INSERT INTO tab VALUES (5)")
    eventually("the agents look", lambda: "pg-4" in watched.status(), WITHIN_S)
    watched.on("pg-1", "INSERT INTO tab SELECT generate_series(2, 8)")
    eventually("the conflict", lambda: watched.pages("subscriber_duplicate_key"), WITHIN_S)
    (*_, lsn) = re.findall(r"finished at ([0-9A-F]+/[0-9A-F]+)", down.server_log_tail(200))
    down.execute(f"ALTER SUBSCRIPTION pg_4 SKIP (lsn = '{lsn}')", dbname="app")
    watched.start_verifier()
    eventually("its rows", lambda: watched.messages("public.tab: 6 missing (id=2, id=3, id=4, ...)"), 2 * WITHIN_S)
    assert len({page["dedup_key"].partition("#")[0] for page in watched.pages("")}) == 1
    eventually("its cause", lambda: watched.causes().get("transaction_skipped", 0.0) >= 0.9, WITHIN_S)
