"""Pages that were damaged on purpose in a standby's files are found by amcheck, and are not the primary's."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from leadline_lab.sandbox.fleet import Fleet
from leadline_lab.sandbox.postgres import Server
from tests.fixtures.commands import Result, Run
from tests.fixtures.postgres_versions import binaries_for
from tests.fixtures.verified import ROLE, verifier

BLOCK = 8192
SIGNATURES = (
    "SELECT p.oid::regprocedure FROM pg_proc p WHERE proname ~ '^(bt_index_check|gin_index_check|verify_heapam)$'"
)


class Pair(NamedTuple):
    fleet: Fleet
    primary: Server
    standby: Server

    @property
    def names(self) -> tuple[str, str]:
        return verifier(self.primary), verifier(self.standby)


def make(fleet: Fleet) -> Pair:
    """Tables with indexes of several levels, TOAST and GIN, on disk on both sides."""
    primary = fleet.primary("pg-1")
    primary.query("CREATE DATABASE app")
    for statement in (
        f"CREATE ROLE {ROLE} LOGIN PASSWORD 'verifies'",
        "CREATE TABLE keyed (id int PRIMARY KEY, v text)",
        "CREATE INDEX by_value ON keyed (v)",
        "CREATE TABLE large (id int PRIMARY KEY, v text)",
        "CREATE TABLE words (id int PRIMARY KEY, w int[])",
        "CREATE INDEX by_word ON words USING gin (w)",
        "CREATE UNLOGGED TABLE unlogged_rows (id int PRIMARY KEY)",
        "INSERT INTO keyed SELECT g, 'value-' || g FROM generate_series(1, 5000) g",
        "INSERT INTO large SELECT g, (SELECT string_agg(md5(n::text || g), '') FROM generate_series(1, 500) n)"
        " FROM generate_series(1, 20) g",
        "INSERT INTO words SELECT g, ARRAY[g % 10, g % 7] FROM generate_series(1, 500) g",
        f"GRANT SELECT ON ALL TABLES IN SCHEMA public TO {ROLE}",
    ):
        primary.query(statement, dbname="app")
    # Hint bits that a look sets later would be sent as whole pages, which repair the standby.
    primary.query("VACUUM (FREEZE, ANALYZE)", dbname="app")
    primary.query("CHECKPOINT")
    return Pair(fleet, primary, fleet.standby("pg-2", primary))


def grant(primary: Server) -> None:
    """The extension and the rights, as ``deploy/sql/verify.sql`` describes them."""
    primary.query("CREATE EXTENSION IF NOT EXISTS amcheck", dbname="app")
    for (signature,) in primary.query(SIGNATURES, dbname="app"):
        primary.query(f"GRANT EXECUTE ON FUNCTION {signature} TO {ROLE}", dbname="app")


@pytest.fixture(scope="module")
def pair() -> Iterator[Pair]:
    with Fleet() as fleet:
        made = make(fleet)
        fleet.wait_caught_up()
        yield made


def pages(run: Run, pair: Pair, *options: object) -> tuple[dict[str, Any], Result]:
    result = run("verify", *pair.names, "--amcheck", "--format", "json", *options)
    (summary,) = (line for line in map(json.loads, result.out.splitlines()) if line["kind"] == "summary")
    return summary["pages"], result


def test_what_is_missing_is_named_in_one_line_and_never_created(run: Run, pair: Pair) -> None:
    """The extension first, then the rights; rows are compared in any case."""
    pair.primary.query("DROP EXTENSION IF EXISTS amcheck", dbname="app")
    pair.fleet.wait_caught_up()
    found, result = pages(run, pair, "--table", "keyed")
    assert result.code == 3
    assert found["not_checked"] == ["extension amcheck is not in database app: CREATE EXTENSION amcheck on the primary"]
    assert "not all pages were checked: extension amcheck is not in database app" in result.err
    assert not pair.primary.query("SELECT 1 FROM pg_extension WHERE extname = 'amcheck'", dbname="app")
    pair.primary.query("CREATE EXTENSION amcheck", dbname="app")
    pair.fleet.wait_caught_up()
    found, result = pages(run, pair, "--table", "keyed")
    assert result.code == 3
    assert len(found["not_checked"]) == 2
    assert found["not_checked"][0].startswith(f"role {ROLE} may not run public.bt_index_check(): GRANT EXECUTE ON")
    assert "verify_heapam(regclass,boolean,boolean,text,bigint,bigint)" in found["not_checked"][1]


def test_sound_pages_are_sound(run: Run, pair: Pair) -> None:
    """With the system catalogs, TOAST and GIN; an unlogged table has no pages on a standby.

    Versions 14 to 14.0 failed there: https://repo.or.cz./pgsql.git/commit/292698f158ddb3f9a88f536e6eecb9e55d9619c9
    """
    grant(pair.primary)
    pair.fleet.wait_caught_up()
    found, result = pages(run, pair)
    assert (result.code, found.get("damaged", []), found.get("not_checked", [])) == (0, [], []), result
    assert found["tables"] > 50
    assert found["indexes"] > 100
    text = run("verify", *pair.names, "--amcheck", "--table", "words").out
    assert "pages: 1 table and 3 indexes of pg-2, by amcheck 1.5" in text
    assert text.startswith("EQUAL")


def test_values_that_are_stored_in_two_ways_are_no_damage(run: Run, pair: Pair) -> None:
    """bt_index_check called an index incomplete whose rows hold one value with headers of one byte and of four.

    https://www.postgrespro.com/list/id/7bdbe559-d61a-4ae4-a6e1-48abdf3024cc@postgrespro.ru
    """
    grant(pair.primary)
    copied = pair.primary.data.parent / "copied.txt"
    for statement in (
        "CREATE TABLE twice (v text)",
        "ALTER TABLE twice ALTER v SET STORAGE plain",
        "INSERT INTO twice VALUES ('x')",
        f"COPY twice TO '{copied}'",
        f"COPY twice FROM '{copied}'",
        "CREATE INDEX ON twice (v)",
        f"GRANT SELECT ON twice TO {ROLE}",
    ):
        pair.primary.query(statement, dbname="app")
    pair.fleet.wait_caught_up()
    found, result = pages(run, pair, "--table", "twice")
    assert (result.code, found.get("damaged", []), found["indexes"]) == (0, [], 2), result


def damage(file: Path, block: int, offset: int, wrong: bytes) -> None:
    with file.open("r+b") as stream:
        stream.seek(block * BLOCK + offset)
        stream.write(wrong)


def test_damage_in_the_files_of_a_standby_is_named_and_is_not_the_primarys(run: Run, pair: Pair) -> None:
    """An index whose entries are out of order, one with an empty page, a row with a wrong header. No row differs."""
    grant(pair.primary)
    pair.primary.query("CHECKPOINT")
    pair.fleet.wait_caught_up()
    standby = pair.standby
    files = {
        name: standby.data / pair.primary.value(f"SELECT pg_relation_filepath('{name}')", dbname="app")
        for name in ("keyed_pkey", "by_value", "keyed", "large")
    }
    standby.query("CHECKPOINT")
    standby.stop()
    swap_entries(files["keyed_pkey"], 1)
    damage(files["by_value"], 1, 0, bytes(BLOCK))
    add_attribute(files["keyed"], 3, 6)
    standby.run("pg_checksums", "--disable", "-D", standby.data)
    standby.start()
    pair.fleet.wait_caught_up()
    found, result = pages(run, pair, "--table", "keyed", "--table", "large")
    assert (result.code, result.err) == (1, "leadline: 3 tables or indexes with damage\n")
    by_relation = {each["relation"]: each for each in found["damaged"]}
    assert by_relation.keys() == {
        "index public.keyed_pkey of public.keyed", "index public.by_value of public.keyed", "table public.keyed",
    }  # fmt: skip
    assert {each["on_upstream"] for each in found["damaged"]} == {False}
    assert "item order invariant violated" in by_relation["index public.keyed_pkey of public.keyed"]["message"]
    assert by_relation["table public.keyed"]["place"].startswith("block 3, row 6")
    assert (found["tables"], found["indexes"]) == (2, 5)
    text = run("verify", *pair.names, "--amcheck", "--table", "keyed").out
    assert "DAMAGED index public.keyed_pkey of public.keyed: item order invariant violated" in " ".join(text.split())
    assert "pg-1 does not have it: the files of pg-2 are damaged" in " ".join(text.split())


def add_attribute(file: Path, block: int, row: int) -> None:
    """Let a row claim one attribute more than its table has, which a reader does not notice."""
    with file.open("r+b") as stream:
        stream.seek(block * BLOCK + 24 + 4 * (row - 1))
        offset = int.from_bytes(stream.read(4), "little") & 0x7FFF
        stream.seek(block * BLOCK + offset + 18)
        stream.write(b"\x03\x00")


def swap_entries(file: Path, block: int) -> None:
    """Exchange two line pointers of a page, so that its entries are no longer in the order of the index."""
    with file.open("r+b") as stream:
        stream.seek(block * BLOCK + 24 + 4 * 10)
        first, second = stream.read(4), stream.read(4)
        stream.seek(block * BLOCK + 24 + 4 * 10)
        stream.write(second + first)


@pytest.mark.parametrize("major", [13, 15])
def test_an_older_server_has_what_its_version_has(run: Run, major: int) -> None:
    """Version 13 has no verify_heapam, and no version before 18 has gin_index_check: each is a line."""
    with Fleet(binaries_for(major)) as fleet:
        old = make(fleet)
        if major >= 14:
            old.primary.query(f"GRANT pg_read_all_data TO {ROLE}")
        grant(old.primary)
        fleet.wait_caught_up()
        found, result = pages(run, old, "--schema", "public")
    missing = [line for line in found["not_checked"] if "needs amcheck" in line]
    assert any("gin_index_check() needs amcheck 1.5 (PostgreSQL 18)" in line for line in missing)
    assert any("verify_heapam() needs" in line for line in missing) == (major == 13)
    assert len(found["not_checked"]) == len(missing)
    assert found["indexes"] == 7
    assert (found.get("damaged", []), result.code) == ([], 3)
