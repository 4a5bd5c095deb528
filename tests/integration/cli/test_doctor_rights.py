"""`leadline doctor --rights` on real servers."""

import json
from collections.abc import Iterator

import pytest

from leadline_lab.sandbox.fleet import AGENT
from tests.fixtures.commands import Run
from tests.fixtures.fleets import Pair
from tests.integration.agents.test_look import password_of

ROLE = "harm_rights"


@pytest.fixture
def bare(pair: Pair) -> Iterator[str]:
    """The dsn of a role that has only pg_read_all_stats, on a server that refuses one function to it."""
    primary = pair.primary
    primary.query(f"CREATE ROLE {ROLE} LOGIN PASSWORD '{password_of(primary)}' IN ROLE pg_read_all_stats")
    primary.query("REVOKE EXECUTE ON FUNCTION pg_stat_get_wal_senders() FROM PUBLIC")
    try:
        yield primary.dsn(user=ROLE)
    finally:
        primary.query("GRANT EXECUTE ON FUNCTION pg_stat_get_wal_senders() TO PUBLIC")
        primary.query(f"DROP ROLE {ROLE}")


def test_all_is_read_with_pg_monitor(run: Run, pair: Pair) -> None:
    """Each group is listed, for both roles of a server."""
    result = run("doctor", "--rights", pair.primary.dsn(user=AGENT), "--rights", pair.standby.dsn(user=AGENT))
    assert (result.code, result.err) == (0, "")
    assert result.out.count("PostgreSQL 18.") == 2
    for group in ("downstreams", "slots", "subscriptions", "activity", "disk", "settings"):
        assert f"{group} " in result.out
    assert "not " not in result.out


def test_what_is_missing_comes_with_its_grant(run: Run, pair: Pair, bare: str) -> None:
    """The statements that it prints allow it: after them nothing is missing."""
    result = run("doctor", "--rights", bare, "--format", "json")
    assert result.code == 1
    server, *rows = [json.loads(line) for line in result.out.splitlines()]
    assert (server["role"], server["login"], server["flavour"]) == ("primary", ROLE, "")
    lacking = {row["group"]: row for row in rows if row["result"] != "read"}
    assert set(lacking) == {"archiver.ready", "disk", "downstreams", "settings"}
    assert lacking["downstreams"]["code"] == "42501"
    assert lacking["downstreams"]["allow"] == (
        f"GRANT EXECUTE ON FUNCTION pg_catalog.pg_stat_get_wal_senders() TO {ROLE};"
    )
    assert lacking["disk"]["allow"] == f"GRANT pg_monitor TO {ROLE};"
    for statement in {row["allow"] for row in lacking.values()}:
        pair.primary.query(statement)
    assert run("doctor", "--rights", bare).code == 0
    pair.primary.query(f"REVOKE EXECUTE ON FUNCTION pg_stat_get_wal_senders() FROM {ROLE}")


def test_a_masked_report_names_nobody(run: Run, pair: Pair, bare: str) -> None:
    """Neither address, role nor password."""
    dead = "host=127.0.0.1 port=1 user=somebody password=secret"
    result = run("doctor", "--mask", "--rights", bare, "--rights", dead)
    assert result.code == 3
    assert "server 2: refused" in result.out
    for word in ("127.0.0.1", str(pair.primary.port), ROLE, password_of(pair.primary), "somebody", "secret"):
        assert word not in result.out


def test_a_member_that_does_not_inherit(run: Run, pair: Pair) -> None:
    """A second GRANT changes nothing; the statement that every command prints does."""
    pair.primary.query(f"CREATE ROLE harm_noinherit LOGIN NOINHERIT PASSWORD '{password_of(pair.primary)}'")
    try:
        pair.primary.query("GRANT pg_monitor TO harm_noinherit")
        dsn, helps = pair.primary.dsn(user="harm_noinherit"), "GRANT pg_monitor TO harm_noinherit WITH INHERIT TRUE"
        looked = run("check", dsn)
        assert looked.code == 3
        assert f"role harm_noinherit does not inherit pg_monitor; run {helps}" in looked.out
        assert f"{helps} shows them" in run("audit", dsn).out
        report = run("doctor", "--rights", dsn, "--format", "json").out.splitlines()
        assert {row["allow"] for row in map(json.loads, report) if row.get("allow")} == {f"{helps};"}
        pair.primary.query(helps)
        assert "BLIND" not in run("check", dsn).out
    finally:
        pair.primary.query("DROP ROLE harm_noinherit")
