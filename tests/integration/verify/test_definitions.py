"""Definitions by which a subscription breaks, and sequences that would break a cut-over, as real servers have them."""

import json
from collections.abc import Iterator
from typing import Any

import psycopg
import pytest

from leadline_lab.sandbox.fleet import REPLICATOR, Fleet
from leadline_lab.sandbox.postgres import Server
from leadline_lab.sandbox.wait import eventually
from tests.fixtures.commands import Run
from tests.fixtures.postgres_versions import binaries_for
from tests.fixtures.verified import admit, verifier

TABLES = """
    CREATE TABLE items (id serial PRIMARY KEY, note varchar(40), amount bigint);
    CREATE TABLE orders (id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, item int, note text);
    CREATE SEQUENCE sq_test;
    CREATE TABLE seq_probe (id bigint PRIMARY KEY DEFAULT nextval('sq_test'), tag text);
    CREATE TABLE notes (a int, b text);
    CREATE TABLE plain (id int PRIMARY KEY, v text);
"""
DRIFTED = (
    "ALTER TABLE items ALTER note TYPE varchar(10), ALTER amount TYPE int",
    "ALTER TABLE items ADD CONSTRAINT positive CHECK (amount > 0)",
    "CREATE UNIQUE INDEX ON items (note)",
    "ALTER TABLE orders DROP COLUMN item, ADD COLUMN site text NOT NULL DEFAULT ''",
    "ALTER TABLE orders ALTER site DROP DEFAULT",
    "ALTER TABLE orders ALTER note SET NOT NULL",
    "CREATE FUNCTION stamp() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN NEW.v := 'x'; RETURN NEW; END $$",
    "CREATE TRIGGER stamps BEFORE INSERT OR UPDATE ON plain FOR EACH ROW EXECUTE FUNCTION stamp()",
    "ALTER TABLE plain ENABLE ALWAYS TRIGGER stamps",
)
FOUND = {
    ("public.items", "check_on_subscriber", True),
    ("public.items", "type_differs", True),
    ("public.items", "unique_on_subscriber", True),
    ("public.notes", "identity_missing", True),
    ("public.orders", "column_missing", True),
    ("public.orders", "column_required", True),
    ("public.orders", "not_null_on_subscriber", True),
    ("public.plain", "trigger_fires_on_apply", False),
    ("public.later", "table_missing", True),
}


@pytest.fixture(scope="module", params=[18, 15])
def pair(request: pytest.FixtureRequest) -> Iterator[tuple[Server, Server]]:
    """A publisher, and a subscriber whose tables somebody has changed."""
    with Fleet(binaries_for(request.param)) as fleet:
        up = fleet.primary("pg-1", {"wal_level": "logical"})
        admit(up)
        up.query("CREATE DATABASE app")
        up.query(TABLES, dbname="app")
        down = fleet.subscriber("pg-2", up, schema=TABLES)
        up.query(f"GRANT SELECT ON ALL TABLES IN SCHEMA public TO {REPLICATOR}", dbname="app")
        admit(down)
        fleet.wait_caught_up(60)
        yield up, down


def report(run: Run, pair: tuple[Server, Server]) -> dict[str, Any]:
    lines = run("verify", *map(verifier, pair), "--format", "json").out.splitlines()
    return next(line for line in map(json.loads, lines) if line["kind"] == "summary")


def test_equal_definitions(run: Run, pair: tuple[Server, Server]) -> None:
    """Of tables that nobody has changed only that one has no identity is reported; unused sequences are not behind."""
    found = report(run, pair)
    assert [each["code"] for each in found["schema_differences"]] == ["identity_missing"]
    assert "sequences_behind" not in found


def test_a_cut_over_with_sequences_that_are_behind(run: Run, pair: tuple[Server, Server]) -> None:
    """They are named with the columns that use them; the first insert on the subscriber fails, as announced.

    Sequences of serial and identity columns, and one that only a default names, which stood at the value of the
    snapshot after a cut-over: https://github.com/xataio/pgstream/issues/1203
    """
    up, down = pair
    down.query("SELECT setval('sq_test', 20)", dbname="app")
    for table, column in (("items", "note"), ("seq_probe", "tag"), ("orders", "note")):
        up.query(f"INSERT INTO {table} ({column}) SELECT 'n' || g FROM generate_series(1, 30) g", dbname="app")
    eventually("the rows", lambda: down.value("SELECT count(*) FROM orders", dbname="app") == 30)
    behind = {each["sequence"]: each for each in report(run, pair)["sequences_behind"]}
    assert {name: each["used_by"] for name, each in behind.items()} == {
        "public.items_id_seq": "public.items.id",
        "public.orders_id_seq": "public.orders.id",
        "public.sq_test": "public.seq_probe.id",
    }
    assert behind["public.sq_test"]["downstream_value"] == 20
    assert (behind["public.items_id_seq"]["upstream_value"], behind["public.items_id_seq"]["downstream_value"]) == (
        30,
        None,
    )
    text = run("verify", *map(verifier, pair)).out
    assert "sequences behind: public.items_id_seq (never used, there 30)" in text
    with pytest.raises(psycopg.errors.UniqueViolation):
        down.query("INSERT INTO items (note) VALUES ('after the cut-over')", dbname="app")
    with pytest.raises(psycopg.errors.UniqueViolation):
        down.query("INSERT INTO seq_probe (tag) VALUES ('test')", dbname="app")
    for sequence in behind:
        down.query("SELECT setval(%s, 60)", [sequence], dbname="app")
    assert "sequences_behind" not in report(run, pair)


def test_definitions_that_break_replication(run: Run, pair: tuple[Server, Server]) -> None:
    """Each is named with its table before a change meets it; the next change then stops the worker."""
    up, down = pair
    for statement in DRIFTED:
        down.query(statement, dbname="app")
    up.query("CREATE TABLE later (id int PRIMARY KEY)", dbname="app")
    found = report(run, pair)["schema_differences"]
    assert {(each["table"], each["code"], each["breaks"]) for each in found} == FOUND
    (missing,) = (each for each in found if each["code"] == "column_missing")
    assert "column item is published and is not on the subscriber" in missing["detail"]
    assert [each["breaks"] for each in found] == sorted((each["breaks"] for each in found), reverse=True)
    up.query("INSERT INTO orders (item, note) VALUES (1, 'x')", dbname="app")
    failures = "SELECT sum(apply_error_count) FROM pg_stat_subscription_stats"
    eventually("its worker stops", lambda: (down.value(failures, dbname="app") or 0) > 0)
