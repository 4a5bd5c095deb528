"""`leadline promote-check` over real servers."""

from leadline_lab.sandbox.fleet import AGENT, Fleet
from leadline_lab.sandbox.wait import eventually
from tests.fixtures.audit_looks import good_pair
from tests.fixtures.commands import Run


def test_the_answers(run: Run) -> None:
    """Yes for a healthy pair, no for a standby that is not ready, and neither when the primary is not seen."""
    with Fleet() as fleet:
        good_pair(fleet)
        primary, standby = fleet.servers["pg-1"], fleet.servers["pg-2"]
        given = [f"{server.name}={server.dsn(user=AGENT)}" for server in (standby, primary)]
        result = run("promote-check", *given)
        assert (result.code, result.out.splitlines()[0]) == (0, "YES  promote pg-2")
        assert "of WAL that only pg-1 has" in result.out

        standby.configure(synchronous_standby_names='"pg-2"')
        standby.query("SELECT pg_wal_replay_pause()")
        eventually("replay is paused", lambda: standby.value("SELECT pg_get_wal_replay_pause_state()") == "paused")
        result = run("promote-check", *given)
        assert result.code == 1
        assert "because: replay is paused on pg-2 (PG-SBY-006)" in result.out
        assert "once promoted, pg-2 would wait for itself" in result.out

        standby.query("SELECT pg_wal_replay_resume()")
        standby.configure(synchronous_standby_names=None)
        assert run("promote-check", *reversed(given)).code == 1
        primary.stop()
        result = run("promote-check", *given)
        assert result.code == 3
        assert result.out.startswith("CANNOT SAY  promote pg-2\n  not seen: pg-1 was not read")
