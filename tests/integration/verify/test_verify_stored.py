"""Everything that people store is equal when it is, and every difference is found by its key."""

import os
import re
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import pytest

from leadline_lab.sandbox.fleet import Fleet
from leadline_lab.sandbox.postgres import Server
from tests.fixtures.commands import Run
from tests.fixtures.postgres_versions import binaries_for
from tests.fixtures.verified import stored_pair, subscribed, verifier, verify


class Servers(NamedTuple):
    primary: Server
    standby: Server
    subscriber: Server
    old: Server
    """A publisher of PostgreSQL 15 with the same tables."""
    of_old: Server
    """Its subscriber, of PostgreSQL 18."""


@pytest.fixture(scope="module")
def servers() -> Iterator[Servers]:
    with Fleet() as fleet, Fleet(binaries_for(15)) as older:
        primary, standby = stored_pair(fleet)
        subscriber = subscribed(fleet, primary)
        old, _ = stored_pair(older)
        of_old = subscribed(fleet, old, "pg-4")
        fleet.wait_caught_up(60)
        older.wait_caught_up(60)
        yield Servers(primary, standby, subscriber, old, of_old)


@pytest.fixture(scope="module")
def pairs(servers: Servers) -> dict[str, tuple[Server, Server]]:
    return {
        "standby": (servers.primary, servers.standby),
        "subscriber": (servers.primary, servers.subscriber),
        "15 to 18": (servers.old, servers.of_old),
    }


LINKS = ["standby", "subscriber", "15 to 18"]


@pytest.mark.parametrize("link", LINKS)
def test_equal_servers_are_equal_to_the_last_row(run: Run, pairs: dict[str, tuple[Server, Server]], link: str) -> None:
    """All of it: NaN of any bits, infinities, no key, odd names, partitions, children, values of 32 kB."""
    up, down = pairs[link]
    for more in ((), ("--strong", "--chunk", 100)):
        found = verify(run, verifier(up), verifier(down), *more)
        assert (found.result.err, found.result.code) == ("", 0), found.result.out
        assert (found.summary["equal"], found.summary["canary"]) == (True, "found")
        assert set(found.states.values()) == {"equal"}
        assert found.rows == []
    rows = {
        name: (table.get("rows_upstream", 0), table.get("rows_downstream", 0)) for name, table in found.tables.items()
    }
    assert rows["public.every_type"] == (203, 203)
    assert rows["public.many_rows"] == (20000, 20000)
    # So many rows at a time, in the order of the key and not of its text.
    assert found.tables["public.many_rows"]["chunks"] == 201
    assert rows['"Odd Schema"."Weird ""Table"" %s"'] == (100, 100)
    assert rows["public.parent"] == rows["public.child"] == (100, 100)
    assert ("public.kept" in rows) == (link == "standby")
    assert "public.unlogged_rows" not in rows
    assert any("1 large object" in text for text in found.summary["not_covered"]), found.summary["not_covered"]


CHANGES = {
    "i2": "-1", "i4": "-2", "i8": "4", "num": "1.1", "num2": "1.51", "f4": "0.2", "f8": "0.10000000000000002",
    "truth": "false", "txt": "'plain '", "vc": "'Some'", "bp": "'fixee'", "nm": "'name2'",
    "ch": "'y'", "by": "'\\x00fe'",
    "d": "'2026-01-03'", "t": "'03:04:05.000007'", "ttz": "'02:04:05+01'", "ts": "'2026-01-02 03:04:05.000001'",
    "tstz": "'2026-01-02 03:04:05+01'", "iv": "'30 days'", "u": "'a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a12'",
    "j": "'{\"a\":1.0}'", "jb": "'{\"a\": 1}'", "ip": "'10.0.0.1/24'", "ci": "'10.0.0.0/9'",
    "mac": "'08:00:2b:01:02:04'",
    "b": "B'10100'", "vb": "B'1010'", "pt": "'(1,2.5)'", "bx": "'(3,2),(1,1)'", "tsv": "'a:1 cat:3'", "mo": "'12.35'",
    "r": "'[1,6)'", "tsr": "'[2026-01-01,2026-02-01]'", "ia": "'{1,2}'", "ta": "'{\"a\",\"b,c\"}'", "fa": "'{-0,1}'",
    "ma": "'{sad}'", "m": "'sad'", "dm": "'a@c'", "ds": "6", "pl": "ROW('Main', NULL)::place", "o": "43",
    "lsn": "'0/16B3749'",
}  # fmt: skip
"""Of every type the smallest change, such as another scale, sign of zero, or spelling of the same."""
OTHERS = {
    """UPDATE "Odd Schema"."Weird ""Table"" %s" SET "select" = 'x' WHERE "Id %" = 7""": (
        *('Weird ""Table"" %s', "7", "changed"), ("select",)),
    "UPDATE two_keys SET v = NULL WHERE b = 11": ("two_keys", "K'11,11", "changed", ("v",)),
    "DELETE FROM by_text WHERE v = 300": ("by_text", "ä300", "missing", ()),
    "INSERT INTO by_mood VALUES ('ok', 1)": ("by_mood", "ok", "extra", ()),
    "UPDATE by_time SET v = 0 WHERE v = 77": ("by_time", "2026-01-01 00:00:00.000077+00", "changed", ("v",)),
    "UPDATE by_code SET id = 100 WHERE code = md5('9')::uuid": (
        *("by_code", "45c48cce-2e2d-7fbd-ea1a-fc51c7c6ad26", "changed"), ("id",)),
    "UPDATE large_values SET v = overlay(v PLACING 'z' FROM 31000) WHERE id = 3": (
        *("large_values", "3", "changed"), ("v",)),
    "DELETE FROM parted WHERE id = 500": ("parted_2", "500", "missing", ()),
    "UPDATE ONLY parent SET v = 'q' WHERE id = 5": ("parent", "5", "changed", ("v",)),
    "UPDATE child SET v = 'q' WHERE id = 6": ("child", "6", "changed", ("v",)),
    "INSERT INTO empty_table VALUES (5)": ("empty_table", "5", "extra", ()),
    "INSERT INTO many_rows VALUES (-5, 0, ''), (30000, 0, '')": ("many_rows", "-5", "extra", ()),
    "DELETE FROM many_rows WHERE id IN (1, 20000)": ("many_rows", "20000", "missing", ()),
    "UPDATE wide SET c1 = c300, c300 = c1 WHERE id = 50": ("wide", "50", "changed", ("c1", "c300")),
    "UPDATE many_rows SET v = CASE id WHEN 7 THEN 8 ELSE 7 END WHERE id IN (7, 8)": (
        *("many_rows", "8", "changed"), ("v",)),
    "UPDATE no_key SET b = 'other' WHERE ctid = (SELECT ctid FROM no_key LIMIT 1)": None,
}  # fmt: skip
MORE = {
    ("many_rows", "30000", "extra", ()), ("many_rows", "1", "missing", ()), ("many_rows", "7", "changed", ("v",)),
}  # fmt: skip


def plant(down: Server) -> None:
    """Make a difference of each kind on a subscriber."""
    for at, (name, value) in enumerate(CHANGES.items(), 1):
        down.query(f"UPDATE every_type SET {name} = {value} WHERE id = {at}", dbname="app")
    for statement in OTHERS:
        down.query(statement, dbname="app")


ALIKE = {
    "i8": [("-1", "4294967295"), ("1", "4294967296"), ("5", "21474836480"), ("-9223372036854775808", "2147483647")],
    "ts": [("'2000-01-01 00:00:00.000001'", "'2000-01-01 01:11:34.967296'")],
    "tstz": [("'1999-12-31 23:59:59.999999Z'", "'2000-01-01 01:11:34.967295Z'")],
    "t": [("'00:00:00.000001'", "'01:11:34.967296'")],
    "ttz": [("'00:00:00.000001+00'", "'01:11:34.967296+00'")],
    "f8": [("'0'", "'-0'"), ("'NaN'", "'Infinity'"), ("1", "1.0000000000000002")],
    "f4": [("'0'", "'-0'"), ("'NaN'", "'-Infinity'")],
    "truth": [("true", "false"), ("false", "NULL")],
}
"""Pairs of values of one type that have one hash where the hash is of 32 bits, or of what the type calls equal.

``SELECT hashint8extended(-1, 1) = hashint8extended(4294967295, 1)`` is true on every version of PostgreSQL.
"""


@pytest.mark.parametrize("link", ["subscriber", "15 to 18"])
def test_values_that_a_folded_hash_confuses_differ(
    run: Run, pairs: dict[str, tuple[Server, Server]], link: str
) -> None:
    """An identifier that overflowed on one side is the plainest case: 4294967295 became -1."""
    up, down = pairs[link]
    both = [(name, *values) for name, several in ALIKE.items() for values in several]
    cases = [(at, *each) for at, each in enumerate(both, 121)]
    for at, name, above, _ in cases:
        up.query(f"UPDATE every_type SET {name} = {above} WHERE id = {at}", dbname="app")
    equal = verify(run, verifier(up), verifier(down), "--table", "every_type")
    assert (equal.found, equal.result.code) == (set(), 0), equal.result
    text = "SELECT {}::text FROM every_type WHERE id = {}"
    kept = {at: down.value(text.format(name, at), dbname="app") for at, name, *_ in cases}
    for at, name, _, below in cases:
        down.query(f"UPDATE every_type SET {name} = {below} WHERE id = {at}", dbname="app")
    wanted = {("every_type", str(at), "changed", (name,)) for at, name, *_ in cases}
    for more in ((), ("--strong",)):
        assert verify(run, verifier(up), verifier(down), "--table", "every_type", *more).found == wanted
    for at, name, *_ in cases:
        down.query(f"UPDATE every_type SET {name} = %s WHERE id = {at}", [kept[at]], dbname="app")


def test_each_planted_difference_is_found_with_its_key(
    run: Run, pairs: dict[str, tuple[Server, Server]], tmp_path: Path
) -> None:
    """Nothing else is; the values are shown only when asked for; the statements of the repair make all equal."""
    up, down = pairs["15 to 18"]
    plant(down)
    keys, repair = tmp_path / "keys", tmp_path / "repair.sql"
    found = verify(run, verifier(up), verifier(down), "--keys", keys, "--repair-sql", repair)
    expected = {("every_type", str(at), "changed", (name,)) for at, name in enumerate(CHANGES, 1)}
    expected |= {each for each in OTHERS.values() if each is not None} | MORE
    assert found.found == expected
    assert found.result.code == 1
    assert found.states["no_key"] == "different"
    assert (found.states["parted_1"], found.summary["canary"]) == ("equal", "found")
    assert len(keys.read_text().splitlines()) == len(expected)
    assert oct(os.stat(keys).st_mode & 0o777) == "0o600"
    assert not any("upstream_values" in row for row in found.rows)

    shown = verify(run, verifier(up), verifier(down), "--table", "every_type", "--show-values")
    values = {row["key"]["id"]: (row["upstream_values"], row["downstream_values"]) for row in shown.rows}
    assert values["4"] == ({"num": "1.10"}, {"num": "1.1"})

    text = run("verify", verifier(up), verifier(down), "--table", "many_rows", "--table", "parted_1").out
    assert max(map(len, text.splitlines())) <= 100
    assert re.search(r"missing +id=20000", text)

    script = repair.read_text()
    assert "pg-1, which is taken for the" in script
    down.query("ALTER SUBSCRIPTION pg_4 DISABLE", dbname="app")
    down.query(script, dbname="app")
    down.query("TRUNCATE no_key", dbname="app")
    down.query("INSERT INTO no_key SELECT g % 10, 'row ' || g % 10 FROM generate_series(1, 1000) g", dbname="app")
    down.query("ALTER SUBSCRIPTION pg_4 ENABLE", dbname="app")
    again = verify(run, verifier(up), verifier(down))
    assert (again.found, again.result.code) == (set(), 0), again.result
