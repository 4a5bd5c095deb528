"""A role without pg_monitor, and servers that do not answer: not seen is neither health nor failure."""

import json
from collections.abc import Iterator

import pytest

from leadline_lab.sandbox.fleet import AGENT
from leadline_lab.sandbox.wait import eventually
from tests.fixtures.commands import Run
from tests.fixtures.fleets import Pair
from tests.wild.conftest import Wild
from tests.wild.watching import Watching

GRANT = "role nomon lacks pg_monitor; run GRANT pg_monitor TO nomon"


@pytest.fixture
def nomon(pair: Pair) -> Iterator[tuple[str, str]]:
    """Connection strings of the pair for a role without any right."""
    pair.primary.query("CREATE ROLE nomon LOGIN PASSWORD 'nomon'")
    pair.fleet.wait_caught_up()
    yield _as_nomon(pair.primary.dsn()), _as_nomon(pair.standby.dsn())
    pair.primary.query("DROP ROLE nomon")


def _as_nomon(dsn: str) -> str:
    return " ".join(part for part in dsn.split() if not part.startswith(("user=", "password="))) + (
        " user=nomon password=nomon"
    )


@pytest.mark.quick
@pytest.mark.situation(2, "A role without pg_monitor: check", "postgres_exporter#97", "bitnami/charts#6874")
def test_check_names_the_grant(wild: Wild, run: Run, nomon: tuple[str, str]) -> None:
    """The exit code is neither that of health nor that of a problem, and the statement that helps is printed."""
    result = run("check", *nomon)
    assert result.code == 3
    assert f"BLIND: {GRANT}" in result.out
    assert "cannot tell whether these servers replicate" in result.out
    wild.answers(f"exit 3, BLIND: {GRANT}")
    nagios = run("check", "--nagios", *nomon)
    assert nagios.code == 3
    assert nagios.out.startswith("REPLICATION UNKNOWN - ")
    assert GRANT in nagios.out
    rows = [json.loads(line) for line in run("check", *nomon, "--format", "json").out.splitlines()]
    assert [row["blind"] for row in rows if row["kind"] == "node"] == [GRANT, GRANT]


@pytest.mark.situation(2, "A role without pg_monitor on one of two servers", "postgres_exporter#97")
@pytest.mark.parametrize("blind", [0, 1])
def test_the_other_end_still_shows_the_link(
    wild: Wild, run: Run, pair: Pair, nomon: tuple[str, str], blind: int
) -> None:
    """The seen end shows the link; the hidden one does not cut it."""
    dsns = [pair.primary.dsn(user=AGENT), pair.standby.dsn(user=AGENT)]
    dsns[blind] = nomon[blind]
    result = run("check", *dsns)
    assert result.code == 3
    assert "CUT OFF" not in result.out
    assert GRANT in result.err
    wild.answers(f"exit 3, blind on {('the primary', 'the standby')[blind]}, the link by the other end")


@pytest.mark.quick
@pytest.mark.situation(2, "A role without pg_monitor: watch", "bitnami/charts#6874", "pgwatch#348")
def test_watch_raises_a_notice(wild: Wild, pair: Pair, nomon: tuple[str, str]) -> None:
    """The node says it, a rule of its own fires, and nothing is called cut off while replay is paused."""
    with Watching(*nomon, for_s=2.0) as now:
        wild.begins()
        now.until("the notice", lambda: "not_seen" in now.fired, 15.0)
        assert GRANT in now.summary("not_seen")
        wild.answers(now.summary("not_seen"))
        now.look(3)
        assert now.pending <= {"not_seen"}, now.history()


@pytest.mark.quick
@pytest.mark.situation(2, "A role with the rights that it needs", "postgres_exporter#97")
def test_the_right_rights_raise_nothing(wild: Wild, run: Run, pair: Pair) -> None:
    """pg_monitor and nothing more: all is seen."""
    dsns = pair.primary.dsn(user=AGENT), pair.standby.dsn(user=AGENT)
    result = run("check", *dsns)
    assert result.code == 0, result.out
    assert "BLIND" not in result.out
    assert "not seen" not in result.out
    with Watching(*dsns, for_s=0.0) as now:
        now.look(4)
        assert not now.pending, now.history()
    wild.raises_nothing()


@pytest.mark.quick
@pytest.mark.situation(401, "One of the servers does not answer", "repmgr#894", "check_postgres#163")
def test_a_server_that_does_not_answer(wild: Wild, run: Run, pair: Pair) -> None:
    """Whether a server replicates with one that is not seen is not known."""
    result = run("check", pair.primary.dsn(user=AGENT).replace(f"port={pair.primary.port}", "port=1"))
    assert result.code == 3
    assert "cannot tell whether these servers replicate: 127.0.0.1:1 did not answer" in result.out
    assert "no replication" not in result.out
    wild.answers("cannot tell whether these servers replicate: 127.0.0.1:1 did not answer")


@pytest.mark.quick
@pytest.mark.situation(402, "Only the standby was given", "check_pgactivity#284", "pgwatch#503")
def test_the_upstream_is_not_watched(wild: Wild, run: Run, pair: Pair) -> None:
    """The standby names an upstream, and nobody looks at it."""
    result = run("check", pair.standby.dsn(user=AGENT))
    assert result.code == 0, result.out
    (line,) = [line for line in result.out.splitlines() if line.startswith("not seen")]
    assert "which is not watched: give its connection string too" in line
    wild.answers(line)


@pytest.mark.quick
@pytest.mark.situation(403, "A paused replay, seen once", "check_pgactivity#201")
def test_check_names_cause_and_step(wild: Wild, run: Run, pair: Pair) -> None:
    """One look shows the pause; the statement that ends it is printed."""
    pair.standby.query("SELECT pg_wal_replay_pause()")
    try:
        eventually("replay is paused", lambda: pair.standby.value("SELECT pg_get_wal_replay_pause_state()") == "paused")
        result = run("check", pair.primary.dsn(user=AGENT), pair.standby.dsn(user=AGENT))
    finally:
        pair.standby.query("SELECT pg_wal_replay_resume()")
    assert result.code == 1
    assert "SELECT pg_wal_replay_resume();" in result.out
    (line,) = [line for line in result.out.splitlines() if line.startswith("cause")]
    wild.answers(line)
