"""Comparisons of replicas that went wrong for others, built on real servers, each with its source.

PostgreSQL 15 of Debian, which has ICU's collations.
"""

from collections.abc import Iterator
from typing import NamedTuple

import pytest

from leadline_lab.sandbox.fleet import REPLICATOR, Fleet
from leadline_lab.sandbox.postgres import Server
from leadline_lab.sandbox.wait import eventually
from tests.fixtures.commands import Run
from tests.fixtures.postgres_versions import binaries_for
from tests.fixtures.verified import admit, verifier, verify

TABLES = """
    CREATE TABLE shifted (id int PRIMARY KEY, a text, b text);
    CREATE TABLE nulls (id1 int, id2 int, source int, other int, PRIMARY KEY (id1, id2));
    CREATE TABLE moved (id int PRIMARY KEY, t timestamp);
    CREATE TABLE twelve (id int PRIMARY KEY, v text);
    CREATE TABLE twins (id int PRIMARY KEY, v int);
    CREATE TABLE long_texts (id int PRIMARY KEY, a text, b text, c bytea);
    CREATE TABLE batches (id int PRIMARY KEY, v text);
    CREATE TABLE papers (id int PRIMARY KEY, x xml);
    CREATE TABLE queue (id int PRIMARY KEY, v text);
    CREATE COLLATION no_case (provider = icu, locale = 'und-u-ks-level2', deterministic = false);
    CREATE TABLE caseless (id text COLLATE no_case PRIMARY KEY, v int);
"""
ORDERS = "CREATE TABLE orders (order_id text COLLATE {} PRIMARY KEY, amount int)"
ROWS = (
    "INSERT INTO shifted VALUES (1, 'x0', 'y'), (2, 'x', '0y'), (3, '', 'z')",
    "INSERT INTO nulls VALUES (1, 1, NULL, 5), (1, 2, 5, NULL), (1, 3, NULL, NULL)",
    "INSERT INTO moved SELECT g, '2022-02-23 11:22:00' FROM generate_series(1, 4) g",
    "INSERT INTO twelve SELECT g, 'row ' || g FROM generate_series(0, 11) g",
    "INSERT INTO twins SELECT g, 7 FROM generate_series(1, 10) g",
    "INSERT INTO long_texts SELECT g, repeat('a', 8000000), repeat('b', 8000000), decode(repeat('00', 8000000), 'hex')"
    " FROM generate_series(1, 2) g",
    "INSERT INTO batches SELECT g, 'v' || g FROM generate_series(1, 6000) g",
    """INSERT INTO papers SELECT g, '<a b="1">x</a>' FROM generate_series(1, 150) g""",
    "INSERT INTO queue SELECT g, 'v' FROM generate_series(1, 50) g",
    "INSERT INTO orders SELECT CASE g % 3 WHEN 0 THEN 'PTM' WHEN 1 THEN 'ptm' ELSE 'p-tm' END || g, g"
    " FROM generate_series(1, 900) g",
    "INSERT INTO caseless VALUES ('Abc', 1), ('bcd', 2), ('CDE', 3)",
)


class Both(NamedTuple):
    fleet: Fleet
    up: Server
    down: Server

    def on_subscriber(self, *statements: str) -> None:
        self.down.execute(*statements, dbname="app")


@pytest.fixture(scope="module")
def both() -> Iterator[Both]:
    with Fleet(binaries_for(15)) as fleet:
        up = fleet.primary("pg-1", {"wal_level": "logical"})
        admit(up)
        up.query("CREATE DATABASE app")
        up.query(TABLES + ORDERS.format('"en-x-icu"'), dbname="app")
        up.execute(*ROWS, dbname="app")
        up.query(f"GRANT SELECT ON ALL TABLES IN SCHEMA public TO {REPLICATOR}", dbname="app")
        down = fleet.subscriber("pg-2", up, schema=TABLES + ORDERS.format('"C"'))
        admit(down)
        left = "SELECT 1 FROM pg_subscription_rel WHERE srsubstate <> 'r'"
        eventually("the tables are copied", lambda: not down.query(left, dbname="app"), 60)
        fleet.wait_caught_up(60)
        yield Both(fleet, up, down)


def test_keys_that_the_two_sides_sort_differently_are_no_difference(run: Run, both: Both) -> None:
    """Small and capital letters and hyphens, by ICU on one side and by bytes on the other.

    VDiff reported 19 extra rows on both sides (https://github.com/vitessio/vitess/issues/12859), data-diff wrong rows
    by hyphens (https://github.com/datafold/data-diff/issues/762) and all of one side
    (https://github.com/datafold/data-diff/issues/550); AWS DMS has an option for it that is off by default
    (HandleCollationDiff).
    """
    found = verify(run, verifier(both.up), verifier(both.down), "--chunk", 100)
    assert (found.rows, set(found.states.values()), found.result.code) == ([], {"equal"}, 0), found.result
    assert found.tables["public.orders"]["rows_upstream"] == found.tables["public.orders"]["rows_downstream"] == 900


CHANGES = {
    # A part of the value went from one column to the other: a checksum of CONCAT() without separators
    # was the same. https://github.com/block/spirit/pull/931
    "shifted": ("UPDATE shifted SET a = 'x', b = '0y' WHERE id = 1", "UPDATE shifted SET a = 'z', b = '' WHERE id = 3"),
    # NULL in another column, which CONCAT_WS() leaves out.
    "nulls": ("UPDATE nulls SET source = 5, other = NULL WHERE id2 = 1",),
    # Four rows changed alike: their CRC32 cancel out in BIT_XOR(). https://github.com/pingcap/tidb-tools/issues/703
    "moved": ("UPDATE moved SET t = t + interval '10 minutes'",),
    # A column of some rows changed in a regular way, and XOR did not see it. https://github.com/pingcap/tidb-tools/issues/634
    "twins": ("UPDATE twins SET v = 8 WHERE id IN (3, 4)",),
    # Row 0 and row 2 are missing: the counts were wrong. https://github.com/datafold/data-diff/issues/738
    "twelve": ("DELETE FROM twelve WHERE id IN (0, 2)",),
    # A row of 24 MB: its concatenation was too long, which made the checksum NULL on both sides.
    # https://github.com/percona/percona-toolkit/pull/91
    "long_texts": ("UPDATE long_texts SET c = overlay(c PLACING '\\x01'::bytea FROM 7999999) WHERE id = 2",),
    # More rows than one batch: others were called missing, other ones each time.
    # https://github.com/CrunchyData/pgCompare/issues/100
    "batches": ("DELETE FROM batches WHERE id % 5 = 1", "UPDATE batches SET v = '' WHERE id % 1000 = 0"),
    # The same XML in another spelling is another value.
    "papers": ("UPDATE papers SET x = '<a b=\"1\" >x</a>' WHERE id = 77",),
    # One side has another spelling of a key that its collation calls the same.
    # https://github.com/pingcap/docs/pull/22165
    "caseless": ("UPDATE caseless SET id = 'ABC' WHERE v = 1",),
}
FOUND = {
    "shifted": {("1", "changed", ("a", "b")), ("3", "changed", ("a", "b"))},
    "nulls": {("1,1", "changed", ("source", "other"))},
    "moved": {(str(key), "changed", ("t",)) for key in (1, 2, 3, 4)},
    "twins": {(str(key), "changed", ("v",)) for key in (3, 4)},
    "twelve": {("0", "missing", ()), ("2", "missing", ())},
    "long_texts": {("2", "changed", ("c",))},
    "batches": {
        *((str(key), "missing", ()) for key in range(1, 6000, 5)),
        *((str(key), "changed", ("v",)) for key in range(1000, 6001, 1000)),
    },
    "papers": {("77", "changed", ("x",))},
    "caseless": {("Abc", "missing", ()), ("ABC", "extra", ())},
}


@pytest.mark.parametrize("table", CHANGES)
def test_what_others_have_missed_is_found_with_its_keys(run: Run, both: Both, table: str) -> None:
    both.on_subscriber(*CHANGES[table])
    found = verify(run, verifier(both.up), verifier(both.down), "--table", table)
    assert {(key, kind, columns) for _, key, kind, columns in found.found} == FOUND[table]
    assert (found.result.code, len(found.rows)) == (1, len(FOUND[table]))


def test_a_row_that_was_deleted_on_both_sides_meanwhile_is_no_finding(
    run: Run, both: Both, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It was deleted between the comparison and the second look, which failed for its table from then on.

    https://github.com/CrunchyData/pgCompare/issues/103
    """
    from leadline_verify import comparing

    confirm = comparing.confirm
    looked: list[int] = []

    async def after_a_delete(sides: object, keys: list[tuple[str, ...]], *more: object) -> object:
        looked.append(len(keys))
        both.up.query("DELETE FROM queue WHERE id = 7", dbname="app")
        return await confirm(sides, keys, *more)  # type: ignore[arg-type]

    both.on_subscriber("UPDATE queue SET v = 'other' WHERE id = 7")
    monkeypatch.setattr(comparing, "confirm", after_a_delete)
    found = verify(run, verifier(both.up), verifier(both.down), "--table", "queue")
    assert looked[0] == 1
    assert (found.rows, found.states, found.result.code) == ([], {"queue": "equal"}, 0), found.result
