"""Links as people have them: row filters, column lists, partition roots, other encodings, damaged standbys."""

from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import psycopg
import pytest

from leadline_lab.sandbox.fleet import REPLICATOR, Fleet
from leadline_lab.sandbox.postgres import Server
from leadline_lab.sandbox.wait import eventually
from tests.fixtures.commands import Run
from tests.fixtures.verified import admit, damage, verifier, verify

UP = """
    CREATE TABLE filtered (id int PRIMARY KEY, region text NOT NULL, v int);
    ALTER TABLE filtered REPLICA IDENTITY FULL;
    CREATE TABLE listed (id int PRIMARY KEY, v text, secret text);
    CREATE TABLE events (id int, day date, v text, PRIMARY KEY (id, day)) PARTITION BY RANGE (day);
    CREATE TABLE events_1 PARTITION OF events FOR VALUES FROM ('2026-01-01') TO ('2026-02-01');
    CREATE TABLE events_2 PARTITION OF events FOR VALUES FROM ('2026-02-01') TO ('2026-03-01');
    CREATE TABLE wider (id int PRIMARY KEY, n int, t varchar(10));
    CREATE TABLE sorted (id text COLLATE "C.utf8" PRIMARY KEY, v int);
    CREATE TABLE texts (id int PRIMARY KEY, v text);
    CREATE TABLE appended (id int PRIMARY KEY);
    INSERT INTO filtered SELECT g, CASE g % 2 WHEN 0 THEN 'eu' ELSE 'us' END, g FROM generate_series(1, 1000) g;
    INSERT INTO listed SELECT g, 'v', 'secret' FROM generate_series(1, 500) g;
    INSERT INTO events SELECT g, '2026-01-01'::date + g % 59, 'v' FROM generate_series(1, 1000) g;
    INSERT INTO wider SELECT g, g, 'x' || g FROM generate_series(1, 500) g;
    INSERT INTO sorted SELECT chr(65 + g % 26) || chr(97 + g % 13) || g, g FROM generate_series(1, 1000) g;
    INSERT INTO texts SELECT g, 'é' || g FROM generate_series(1, 500) g;
    INSERT INTO appended SELECT g FROM generate_series(1, 10) g;
    CREATE PUBLICATION roots FOR TABLE filtered WHERE (region = 'eu'), listed (id, v), events, wider, sorted, texts
        WITH (publish_via_partition_root = true);
    CREATE PUBLICATION appends FOR TABLE appended WITH (publish = 'insert');
"""
DOWN = """
    CREATE TABLE filtered (v int, region text NOT NULL, id int PRIMARY KEY, local text DEFAULT 'local');
    CREATE TABLE listed (id int PRIMARY KEY, v text);
    CREATE TABLE events (id int, day date, v text, PRIMARY KEY (id, day));
    CREATE TABLE wider (id bigint PRIMARY KEY, n bigint, t text);
    CREATE TABLE sorted (id text COLLATE "C" PRIMARY KEY, v int);
    CREATE TABLE texts (id int PRIMARY KEY, v text);
    CREATE TABLE appended (id int PRIMARY KEY);
"""


class Filtered(NamedTuple):
    up: Server
    down: Server


@pytest.fixture(scope="module")
def filtered() -> Iterator[Filtered]:
    """A subscription with filters, lists and roots, to a database of another encoding."""
    with Fleet() as fleet:
        up = fleet.primary("pg-1", {"wal_level": "logical"})
        down = fleet.primary("pg-2")
        for server in (up, down):
            admit(server)
        up.query("CREATE DATABASE app")
        down.query("CREATE DATABASE app ENCODING 'LATIN1' LOCALE 'C' TEMPLATE template0")
        up.query(UP, dbname="app")
        down.query(DOWN, dbname="app")
        up.query(f"GRANT SELECT ON ALL TABLES IN SCHEMA public TO {REPLICATOR}", dbname="app")
        upstream = up.dsn("app", REPLICATOR)
        down.query(f"CREATE SUBSCRIPTION sub CONNECTION '{upstream}' PUBLICATION roots, appends", dbname="app")
        ready(down)
        yield Filtered(up, down)


def ready(down: Server) -> None:
    left = "SELECT 1 FROM pg_subscription_rel WHERE srsubstate <> 'r'"
    eventually("the tables are copied", lambda: not down.query(left, dbname="app"), 60)


def test_filters_lists_roots_types_encodings_and_orders_are_respected(run: Run, filtered: Filtered) -> None:
    """Only what is replicated is compared, and each difference in it is found.

    Collations that sort differently gave phantom rows in Vitess (https://github.com/vitessio/vitess/issues/20854) and
    TiDB (https://github.com/pingcap/docs/pull/22165).
    """
    up, down = filtered
    equal = verify(run, verifier(up), verifier(down), "--chunk", 100)
    assert equal.states == {
        **dict.fromkeys(("filtered", "listed", "events", "wider", "sorted", "texts"), "equal"),
        "appended": "not_compared",
    }, equal.result
    assert "do not publish delete, update" in equal.tables["public.appended"]["reason"]
    assert equal.tables["public.filtered"]["rows_upstream"] == 500
    assert equal.tables["public.events"]["rows_upstream"] == 1000
    notes = equal.tables["public.wider"]["notes"]
    assert notes[0] == "id is integer on the upstream and bigint on the downstream: compared as text"
    assert any("no index serves its key in one order" in note for note in equal.tables["public.sorted"]["notes"])

    for statement in (
        "UPDATE filtered SET region = 'us' WHERE id = 10",
        "INSERT INTO filtered (id, region) VALUES (11, 'us')",
        "UPDATE filtered SET local = 'mine' WHERE id = 12",
        "DELETE FROM listed WHERE id = 500",
        "UPDATE events SET v = 'w' WHERE id = 40",
        "UPDATE wider SET n = 0 WHERE id = 7",
        "DELETE FROM sorted WHERE v = 77",
        "UPDATE sorted SET v = 0 WHERE v = 500",
        "UPDATE texts SET v = 'è9' WHERE id = 9",
    ):
        down.query(statement, dbname="app")
    found = verify(run, verifier(up), verifier(down), "--chunk", 100)
    assert found.found == {
        ("filtered", "10", "changed", ("region",)),
        ("filtered", "11", "extra", ()),
        ("listed", "500", "missing", ()),
        ("events", "40,2026-02-10", "changed", ("v",)),
        ("wider", "7", "changed", ("n",)),
        ("sorted", "Zm77", "missing", ()),
        ("sorted", "Gg500", "changed", ("v",)),
        ("texts", "9", "changed", ("v",)),
    }


def test_a_subscription_in_the_making_is_not_different(run: Run, filtered: Filtered) -> None:
    """A table that is published and not yet subscribed to, and one whose columns were changed on one side only."""
    up, down = filtered
    up.query("CREATE TABLE coming (id int PRIMARY KEY); INSERT INTO coming VALUES (1)", dbname="app")
    up.query("ALTER PUBLICATION roots ADD TABLE coming", dbname="app")
    down.query("CREATE TABLE coming (id int PRIMARY KEY)", dbname="app")
    up.query("ALTER TABLE texts ADD COLUMN later int", dbname="app")
    found = verify(run, verifier(up), verifier(down))
    assert found.tables["public.coming"]["reason"] == (
        "it is published and not subscribed to: ALTER SUBSCRIPTION sub REFRESH PUBLICATION"
    )
    assert found.tables["public.texts"]["reason"] == "the downstream has no column later, which is replicated"
    assert {found.states["coming"], found.states["texts"]} == {"not_compared"}


class Damaged(NamedTuple):
    primary: Server
    standby: Server


@pytest.fixture(scope="module")
def damaged() -> Iterator[Damaged]:
    """A standby in whose files three rows were changed while it was stopped."""
    with Fleet() as fleet:
        primary = fleet.primary("pg-1")
        admit(primary)
        primary.query("CREATE DATABASE app")
        primary.query(
            "CREATE TABLE keyed (id int PRIMARY KEY, v text); CREATE TABLE bare (v text, n int)", dbname="app"
        )
        primary.query("INSERT INTO keyed SELECT g, 'value-' || g FROM generate_series(1, 5000) g", dbname="app")
        primary.query("INSERT INTO bare SELECT 'value-' || g, g FROM generate_series(1, 5000) g", dbname="app")
        # Hint bits that a look sets later would be sent as whole pages, which repair the standby.
        primary.query("VACUUM (FREEZE) keyed, bare", dbname="app")
        primary.query("CHECKPOINT")
        standby = fleet.standby("pg-2", primary)
        fleet.wait_caught_up()
        standby.query("CHECKPOINT")
        damage(standby, {"keyed": (b"value-1777", b"value-4999"), "bare": (b"value-2222",)})
        fleet.wait_caught_up()
        yield Damaged(primary, standby)


def test_rows_that_differ_in_the_files_of_a_standby_are_found(run: Run, damaged: Damaged, tmp_path: Path) -> None:
    """No monitoring of lag can show that. Without a key the row is named by its place."""
    up, down = damaged
    repair = tmp_path / "repair.sql"
    found = verify(run, verifier(up), verifier(down), "--chunk", 500, "--repair-sql", repair)
    place = up.value("SELECT ctid::text FROM bare WHERE n = 2222", dbname="app")
    assert found.found == {
        ("keyed", "1777", "changed", ("v",)),
        ("keyed", "4999", "changed", ("v",)),
        ("bare", place, "changed", ("v",)),
    }
    script = repair.read_text()
    assert "which side is damaged cannot be known from here" in script
    assert all(line.startswith("--") for line in script.splitlines())


def test_a_synchronous_standby_that_is_away_stops_nothing(run: Run, damaged: Damaged) -> None:
    """The message of a barrier is committed without waiting for one."""
    up, down = damaged
    up.configure(synchronous_standby_names="gone")
    try:
        found = verify(run, verifier(up), verifier(down), "--max-lag", 5)
    finally:
        up.configure(synchronous_standby_names=None)
    assert len(found.rows) == 3


def test_a_lock_on_a_table_is_waited_for_and_then_reported(run: Run, damaged: Damaged) -> None:
    """A change of the table that stays open makes it undecided; the others are compared."""
    up, down = damaged
    with psycopg.connect(up.dsn("app")) as connection:
        connection.execute("LOCK TABLE bare IN ACCESS EXCLUSIVE MODE")
        found = verify(run, verifier(up), verifier(down))
        connection.rollback()
    assert (found.states["keyed"], found.states["bare"]) == ("different", "not_compared")
    assert "cancels each statement: canceling statement due to lock timeout" in found.tables["public.bare"]["reason"]
