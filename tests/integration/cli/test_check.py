"""`leadline check` over real servers."""

import json
import re
from pathlib import Path

import pytest
from psycopg.conninfo import conninfo_to_dict

from leadline_lab.sandbox.fleet import AGENT
from leadline_lab.sandbox.wait import eventually
from tests.fixtures.commands import Run
from tests.fixtures.fleets import Pair


def test_a_healthy_pair_is_fine(run: Run, pair: Pair) -> None:
    """Both nodes under their cluster_name, the link between them, exit code 0."""
    result = run("check", pair.primary.dsn(user=AGENT), pair.standby.dsn(user=AGENT), "--format", "json")
    assert (result.code, result.err) == (0, "")
    rows = [json.loads(line) for line in result.out.splitlines()]
    assert {row["name"]: row["role"] for row in rows if row["kind"] == "node"} == {
        "pg-1": "primary",
        "pg-2": "standby",
    }
    (link,) = [row for row in rows if row["kind"] == "link"]
    assert (link["upstream"], link["downstream"]) == ("pg-1", "pg-2")
    assert link["verdict"] in ("idle", "healthy")


def test_a_service_and_a_password_file(run: Run, pair: Pair, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """No secret and no address on the command line."""
    password = conninfo_to_dict(pair.primary.dsn(user=AGENT))["password"]
    (tmp_path / "services").write_text(
        "".join(
            f"[{server.name}]\nhost=127.0.0.1\nport={server.port}\nuser={AGENT}\ndbname=postgres\n"
            for server in (pair.primary, pair.standby)
        )
    )
    (tmp_path / "pass").write_text(f"127.0.0.1:*:*:{AGENT}:{password}\n")
    (tmp_path / "pass").chmod(0o600)
    monkeypatch.setenv("PGSERVICEFILE", str(tmp_path / "services"))
    monkeypatch.setenv("PGPASSFILE", str(tmp_path / "pass"))
    services = [f"service={server.name}" for server in (pair.primary, pair.standby)]
    result = run("check", *services, "--format", "json")
    assert (result.code, result.err) == (0, "")
    rows = [json.loads(line) for line in result.out.splitlines()]
    assert {row["name"] for row in rows if row["kind"] == "node"} == {"pg-1", "pg-2"}


def test_a_paused_replay_is_a_problem(run: Run, pair: Pair) -> None:
    """Exit code 1 for people, the code of that world for Nagios."""
    dsns = pair.primary.dsn(user=AGENT), pair.standby.dsn(user=AGENT)
    pair.standby.query("SELECT pg_wal_replay_pause()")
    try:
        eventually("replay is paused", lambda: pair.standby.value("SELECT pg_get_wal_replay_pause_state()") == "paused")
        result = run("check", *dsns)
        assert result.code == 1
        assert "replay_paused" in result.out
        assert "1 of 1 link has a problem" in result.err
        nagios = run("check", "--nagios", *dsns)
        assert nagios.code == 1
        assert nagios.out.startswith("REPLICATION WARNING - ")
        assert re.search(r" \| '[^']+ -> [^']+'=(\d+\.\d{3}s|U);30;300;0$", nagios.out.rstrip())
        assert "PAUSED" in result.out
        assert "SELECT pg_wal_replay_resume();" in result.out
    finally:
        pair.standby.query("SELECT pg_wal_replay_resume()")


def test_lag_from_before_the_first_look_is_shown(run: Run, pair: Pair) -> None:
    """A first look at a standby that is behind says so in seconds, not zero."""
    pair.standby.query("SELECT pg_wal_replay_pause()")
    try:
        eventually("replay is paused", lambda: pair.standby.value("SELECT pg_get_wal_replay_pause_state()") == "paused")
        pair.primary.query("CREATE TABLE lag_before AS SELECT generate_series(1, 20000) AS n")
        pair.primary.query("SELECT pg_sleep(2)")
        result = run("check", pair.primary.dsn(user=AGENT), pair.standby.dsn(user=AGENT), "--format", "json")
        (link,) = [row for row in map(json.loads, result.out.splitlines()) if row["kind"] == "link"]
        assert link["lag_bytes"] > 100_000
        assert link["lag_s"] >= 2.0
    finally:
        pair.standby.query("SELECT pg_wal_replay_resume()")
        pair.primary.query("DROP TABLE lag_before")


def test_a_standby_alone_has_a_link(run: Run, pair: Pair) -> None:
    """Nobody looks at the primary: the standby says where it finds it."""
    result = run("check", pair.standby.dsn(user=AGENT), "--format", "json")
    assert result.code == 0
    (link,) = [row for row in map(json.loads, result.out.splitlines()) if row["kind"] == "link"]
    assert link["upstream"] == f"127.0.0.1:{pair.proxy.port}"
    assert link["verdict"] in ("idle", "healthy")


def test_no_server_answers(run: Run) -> None:
    """Exit code 3; the table says why, and not the password."""
    result = run("check", "postgresql://leadline:sekret@127.0.0.1:1/postgres")
    assert result.code == 3
    assert "DOWN: refused" in result.out
    assert "sekret" not in result.out + result.err


def test_a_server_given_twice_is_refused(run: Run) -> None:
    """Two names for one server would be two nodes."""
    result = run("check", "host=db1", "postgresql://db1:5432/app")
    assert result.code == 2
    assert "db1:5432 is given twice" in result.err


def test_names_are_given_or_asked_for(run: Run, pair: Pair) -> None:
    """A name before the connection string is that of the server; one that another has is not taken."""
    primary, standby = pair.primary.dsn(user=AGENT), pair.standby.dsn(user=AGENT)
    where = f"127.0.0.1:{pair.primary.port}", f"127.0.0.1:{pair.standby.port}"
    assert names(run, f"left={primary}", f"right={standby}") == ("left", "right")
    assert names(run, f"pg-2={primary}", standby) == ("pg-2", where[1])
    nagios = run("check", "--nagios", primary, standby)
    assert f"'{where[0]} -> {where[1]}'=" in nagios.out, "a name must not change with the answer of a server"


def names(run: Run, *dsns: str) -> tuple[str, ...]:
    """Of upstream and downstream."""
    rows = map(json.loads, run("check", *dsns, "--format", "json").out.splitlines())
    (link,) = [row for row in rows if row["kind"] == "link"]
    return link["upstream"], link["downstream"]


def test_the_servers_of_an_agent(run: Run, pair: Pair, tmp_path: Path) -> None:
    """Names, clusters and connection strings are those of the file."""
    file = tmp_path / "agent.yaml"
    instances = [
        {"name": name, "cluster": "orders", "dsn": server.dsn(user=AGENT)}
        for name, server in {"left": pair.primary, "right": pair.standby}.items()
    ]
    file.write_text(json.dumps({"instances": instances}))
    result = run("check", "--servers", file, "--format", "json")
    assert (result.code, result.err) == (0, "")
    rows = [json.loads(line) for line in result.out.splitlines()]
    assert {row["id"] for row in rows if row["kind"] == "link"} == {"orders/left->right"}
    both = run("check", "--servers", file, "host=db1")
    assert (both.code, both.out) == (2, "")
    assert "not both" in both.err
