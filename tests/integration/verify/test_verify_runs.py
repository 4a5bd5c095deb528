"""A run proves itself, can be stopped at any point, and says in one line what it cannot do."""

import contextlib
import json
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psycopg
import pytest
from psycopg.conninfo import make_conninfo

from leadline.errors import UnreachableError
from leadline_lab.sandbox.fleet import AGENT, REPLICATOR, Fleet
from leadline_lab.sandbox.postgres import Server
from leadline_lab.sandbox.wait import eventually
from leadline_verify import checkpoint
from leadline_verify.reading import SideReader
from leadline_verify.statements import Statements
from tests.fixtures.commands import Run
from tests.fixtures.verified import PASSWORD, ROLE, Verified, admit, verifier, verify

SCHEMA = """
    CREATE TABLE first (id int PRIMARY KEY, v text);
    CREATE TABLE second (id int PRIMARY KEY, v text);
    CREATE TABLE third (a int, b text);
"""
FILL = "INSERT INTO {} SELECT g, 'v' || g FROM generate_series(1, 2000) g"
NAMES = ("first", "second", "third")
SESSIONS = "SELECT 1 FROM pg_stat_activity WHERE usename = %s"


@pytest.fixture(scope="module")
def pair() -> Iterator[tuple[Server, Server]]:
    """A publisher, and a subscriber on which rows differ at both ends and in the middle of two tables."""
    with Fleet() as fleet:
        up = fleet.primary("pg-1", {"wal_level": "logical"})
        admit(up)
        up.query("CREATE DATABASE app")
        up.query(SCHEMA, dbname="app")
        for name in NAMES:
            up.query(FILL.format(name), dbname="app")
        down = fleet.subscriber("pg-2", up, schema=SCHEMA)
        up.query(f"GRANT SELECT ON ALL TABLES IN SCHEMA public TO {REPLICATOR}", dbname="app")
        admit(down)
        fleet.wait_caught_up(60)
        for name in NAMES:
            up.query(f"ANALYZE {name}", dbname="app")
        for name in ("first", "second"):
            down.query(f"UPDATE {name} SET v = 'other' WHERE id IN (1, 1000)", dbname="app")
            down.query(f"DELETE FROM {name} WHERE id = 2000", dbname="app")
        yield up, down


EXPECTED = {
    (name, key, kind, columns)
    for name in ("first", "second")
    for key, kind, columns in (("1", "changed", ("v",)), ("1000", "changed", ("v",)), ("2000", "missing", ()))
}


def answer(found: Verified) -> tuple[object, ...]:
    """The parts of a result that do not depend on time."""
    counts = {
        name: (
            table["state"],
            table["rows_upstream"],
            table["rows_downstream"],
            table["chunks"],
            table.get("chunks_different"),
            table.get("differing_rows"),
        )
        for name, table in found.tables.items()
    }
    return found.found, counts, found.summary["canary"], found.result.code


def test_a_run_that_is_stopped_anywhere_gives_the_same_answer(
    run: Run, pair: tuple[Server, Server], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The connection is lost at each statement in turn; each run goes on from the file of the one before."""
    up, down = map(verifier, pair)
    whole = verify(run, up, down, "--chunk", 500)
    assert (whole.found, whole.states["third"]) == (EXPECTED, "equal")
    assert whole.tables["public.first"]["chunks_different"] == 3
    file, keys = tmp_path / "run", tmp_path / "keys"
    monkeypatch.setattr(checkpoint, "SAVE_S", 0.0)
    rows, left = SideReader.rows, 0

    async def breaking(reader: SideReader, statement: str) -> list[tuple[Any, ...]]:
        nonlocal left
        left -= 1
        if left < 0:
            raise UnreachableError("the connection to pg-1 was lost: killed by the test")
        return await rows(reader, statement)

    monkeypatch.setattr(SideReader, "rows", breaking)
    stopped = 0
    for allowed in range(1, 200):
        left = allowed
        found = verify(run, up, down, "--chunk", 500, "--resume", file, "--keys", keys)
        if found.summary:
            break
        assert found.result.code == 3
        assert file.exists()
        stopped += 1
    assert stopped > 10
    assert answer(found) == answer(whole)
    assert not file.exists()
    assert len(set(keys.read_text().splitlines())) == len(EXPECTED) == len(keys.read_text().splitlines())


def test_a_killed_process_leaves_nothing_and_is_taken_up(run: Run, pair: tuple[Server, Server], tmp_path: Path) -> None:
    """SIGKILL in the midst, then Ctrl-C, then to the end."""
    up, down = map(verifier, pair)
    file = tmp_path / "run"
    command = [sys.executable, "-m", "leadline_cli", "verify", up, down, "--chunk", "100", "--resume", str(file)]
    for sent, code in ((signal.SIGKILL, -9), (signal.SIGINT, 130)):
        process = subprocess.Popen([*command, "--rate", "400"], stderr=subprocess.PIPE, stdout=subprocess.DEVNULL)
        before = file.read_bytes() if file.exists() else b""
        eventually("the position is kept", lambda b=before: file.exists() and file.read_bytes() != b, 60)  # type: ignore[misc]
        process.send_signal(sent)
        _, error = process.communicate(timeout=30)
        assert process.returncode == code, error

        for server in pair:
            eventually("no session is left", lambda s=server: not s.query(SESSIONS, [ROLE]), 30)  # type: ignore[misc]
    assert b"stopped; nothing is left on the servers; run it again with --resume" in error
    found = verify(run, up, down, "--chunk", 100, "--resume", file)
    assert found.found == EXPECTED
    assert {table["rows_upstream"] for table in found.tables.values()} == {2000}


def broken_sum(self: Statements, after: object, up_to: object, flipped: object = None) -> str:
    return f"SELECT count(*), 0 FROM {self.table} t WHERE {self._range(after, up_to) or 'true'}"  # type: ignore[arg-type]


def short_range(original: Any) -> Any:
    return lambda self, after, up_to: original(self, after, up_to).replace("<=", "<")


def one_thousand(self: Statements, after: object, up_to: object, flipped: object = None) -> str:
    return DIGEST(self, after, up_to, flipped) + " AND false"  # type: ignore[arg-type]


DIGEST, RANGE = Statements.digest, Statements._range


@pytest.mark.parametrize(
    ("name", "wrong"),
    [
        ("digest", broken_sum),
        # Closed bounds were wrong in ACE until 2.1.1, whose release notes report a silent "identical".
        ("_range", short_range(RANGE)),
        ("_flipped", lambda self, hashed, key: "0::bigint"),
    ],
    ids=["sums nothing", "leaves out the last row", "hashes nothing"],
)
def test_a_run_that_sees_no_difference_is_blind(
    run: Run, pair: tuple[Server, Server], monkeypatch: pytest.MonkeyPatch, name: str, wrong: Any
) -> None:
    monkeypatch.setattr(Statements, name, wrong)
    found = verify(run, *map(verifier, pair), "--chunk", 300, "--table", "first")
    assert (found.summary["canary"], found.summary["equal"], found.result.code) == ("missed", False, 3)
    assert "checker_blind" in found.result.err
    text = run("verify", *map(verifier, pair), "--chunk", 300, "--table", "first").out
    assert text.startswith("BLIND  pg-1 -> pg-2")
    assert "equal:" not in text


def test_limits_end_a_run_and_say_so(run: Run, pair: tuple[Server, Server]) -> None:
    """Nothing that was not read is called equal."""
    up, down = map(verifier, pair)
    ended = verify(run, up, down, "--max-duration", 0)
    assert set(ended.states.values()) == {"undecided", "not_compared"}
    assert (ended.summary["ended_early"], ended.result.code) == ("--max-duration 0 s is over", 3)
    few = verify(run, up, down, "--max-differences", 2, "--chunk", 500, "--table", "first")
    table = few.tables["public.first"]
    assert (table["state"], len(few.rows), few.result.code) == ("different", 2, 1)
    assert "2 differing rows were found before it" in table["undecided"][0]["reason"]
    slow = verify(run, up, down, "--table", "third", "--chunk", 100, "--rate", 4000)
    assert slow.states == {"third": "equal"}


def test_a_run_that_waits_is_not_ended_as_idle(run: Run, pair: tuple[Server, Server]) -> None:
    """Between two chunks its sessions are idle for longer than the servers permit.

    pt-archiver lost its connection so while it waited: https://github.com/percona/percona-toolkit/pull/29
    """
    for server in pair:
        server.query(f"ALTER ROLE {ROLE} SET idle_session_timeout = '200ms'")
    try:
        found = verify(run, *map(verifier, pair), "--table", "second", "--chunk", 500, "--rate", 1000)
    finally:
        for server in pair:
            server.query(f"ALTER ROLE {ROLE} RESET idle_session_timeout")
    assert (found.states, found.result.code) == ({"second": "different"}, 1), found.result
    assert found.tables["public.second"]["rows_upstream"] == 2000


@pytest.mark.parametrize("estimate", [0, 5, 10_000_000])
def test_a_wrong_estimate_of_a_table_leaves_no_row_out(run: Run, pair: tuple[Server, Server], estimate: int) -> None:
    """Statistics may be old by a lot. Other tools skip a table by them, or read it in one piece.

    https://github.com/percona/percona-toolkit/pull/49, https://github.com/percona/percona-toolkit/pull/81
    """
    set_estimate = "UPDATE pg_class SET reltuples = %s WHERE relname = 'first'"
    for server in pair:
        server.query(set_estimate, [estimate], dbname="app")
    try:
        found = verify(run, *map(verifier, pair), "--table", "first", "--chunk", 300)
    finally:
        for server in pair:
            server.query(set_estimate, [2000], dbname="app")
    table = found.tables["public.first"]
    assert (table["state"], table["rows_upstream"], table["chunks"]) == ("different", 2000, 7)
    assert table.get("undecided", []) == []
    assert {key for _, key, _, _ in found.found} == {"1", "1000", "2000"}


SLEEPING = "SELECT 1 FROM pg_stat_activity WHERE wait_event = 'PgSleep'"


def sleep(connection: psycopg.Connection[Any]) -> None:
    """Work until cancelled."""
    with contextlib.suppress(psycopg.errors.QueryCanceled):
        connection.execute("SELECT pg_sleep(60)")


def test_a_busy_server_is_left_alone(run: Run, pair: tuple[Server, Server]) -> None:
    """While two sessions work, the run waits; it says which right it lacks to see them."""
    up = pair[0]
    hidden = run("verify", *map(verifier, pair), "--max-active", 1)
    assert (hidden.code, hidden.err.count("\n")) == (2, 1)
    assert "--max-active: the role may not see the sessions of others on pg-1" in hidden.err
    for server in pair:
        server.query(f"GRANT pg_read_all_stats TO {ROLE}")
    with psycopg.connect(up.dsn("app")) as first, psycopg.connect(up.dsn("app")) as second:
        sleeping = [threading.Thread(target=sleep, args=[each]) for each in (first, second)]
        for thread in sleeping:
            thread.start()
        try:
            eventually("both work", lambda: len(up.query(SLEEPING)) == 2)
            waited = verify(run, *map(verifier, pair), "--max-active", 1, "--max-duration", 3)
            free = verify(run, *map(verifier, pair), "--max-active", 2, "--table", "third")
        finally:
            for each, thread in zip((first, second), sleeping, strict=True):
                each.cancel()
                thread.join()
    assert waited.summary["ended_early"] == (
        "--max-duration 3 s is over; it waited: pg-1 has 2 active sessions, and the limit is 1"
    )
    assert free.states == {"third": "equal"}


@pytest.mark.parametrize(
    ("arguments", "code", "line"),
    [
        (
            ("--table", "frist"),
            2,
            "--table: frist is no table that is replicated between these databases; did you mean",
        ),
        (("--schema", "sales"), 2, "--schema: no table of schema sales is replicated"),
        (("--subscription", "nope"), 2, "--subscription: database app of the downstream has no nope; it has pg_2"),
        (("--window", "22-6"), 2, "--window: '22-6' is no part of a day; the form is 22:00-06:00, in UTC"),
        (("--amcheck",), 2, "--amcheck: it is for physical standbys, and pg-2 is a subscriber"),
        (("--resume", "/nonexistent/run"), 2, "--resume: cannot write /nonexistent/run"),
        (("--keys", "/nonexistent/keys"), 2, "--keys: cannot write /nonexistent/keys"),
    ],
)
def test_a_mistake_is_one_clear_line(
    run: Run, pair: tuple[Server, Server], arguments: tuple[str, ...], code: int, line: str
) -> None:
    result = run("verify", *map(verifier, pair), *arguments)
    assert (result.code, result.err.count("\n")) == (code, 1), result.err
    assert line in result.err


def test_wrong_servers_are_one_clear_line(run: Run, pair: tuple[Server, Server]) -> None:
    up, down = pair
    for arguments, line in (
        ((verifier(down), verifier(up)), "the upstream subscribes to the downstream; give them the other way round"),
        ((verifier(up, "postgres"), verifier(down)), "check both dbname"),
        ((verifier(up), f"pg-2={make_conninfo(down.dsn('app'), user='nobody')}"), "pg-2: "),
    ):
        result = run("verify", *arguments)
        assert (result.code, result.err.count("\n")) == (2 if line != "pg-2: " else 3, 1), result.err
        assert line in result.err


def test_the_agents_role_may_read_no_table(run: Run, pair: tuple[Server, Server]) -> None:
    """It is reported by table, with the remedy; the verifier's role may change nothing."""
    up, down = pair
    found = verify(run, f"pg-1={up.dsn('app', AGENT)}", f"pg-2={down.dsn('app', AGENT)}")
    assert (set(found.states.values()), found.result.code) == ({"not_compared"}, 3)
    assert "role leadline may not read it on the upstream" in found.tables["public.first"]["reason"]
    with psycopg.connect(make_conninfo(up.dsn("app"), user=ROLE, password=PASSWORD), autocommit=True) as connection:
        connection.execute("SET default_transaction_read_only = off")
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            connection.execute("UPDATE first SET v = ''")


def test_rows_that_a_policy_hides_are_not_missing(run: Run, pair: tuple[Server, Server]) -> None:
    """Row-level security on one side: refused, instead of thousands of false differences."""
    down = pair[1]
    down.query("ALTER TABLE third ENABLE ROW LEVEL SECURITY", dbname="app")
    try:
        found = verify(run, *map(verifier, pair), "--table", "third")
    finally:
        down.query("ALTER TABLE third DISABLE ROW LEVEL SECURITY", dbname="app")
    assert (found.states, found.rows, found.result.code) == ({"third": "not_compared"}, [], 3)
    assert "row-level security" in found.tables["public.third"]["reason"]


def test_the_summary_is_worth_reading(run: Run, pair: tuple[Server, Server]) -> None:
    """The answer first, in 80 columns; keys and columns, what else is equal, and what was not looked at."""
    result = run("verify", *map(verifier, pair))
    lines = result.out.splitlines()
    assert lines[0] == "DIFFERENT  pg-1 -> pg-2 (logical, database app): 6 rows in 2 of 3 tables"
    assert max(map(len, lines)) <= 80
    assert "  changed  id=1  columns: v" in lines
    assert "  missing  id=2000" in lines
    assert "equal: 1 table, 2,000 rows" in lines
    assert "The difference that the run planted in its own computation was found." in lines
    assert any(line.startswith("not covered: unlogged") for line in lines)
    assert result.err == "leadline: 2 tables with rows that differ\n"
    rows = [json.loads(line) for line in run("verify", *map(verifier, pair), "--format", "json").out.splitlines()]
    assert [row["kind"] for row in rows] == ["table"] * 3 + ["difference"] * 6 + ["summary"]
