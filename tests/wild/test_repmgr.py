"""A cluster under repmgr: its switchover and its rejoin, as the database alone shows them."""

import pytest

from leadline_lab.sandbox.fleet import AGENT
from tests.fixtures.commands import Run
from tests.fixtures.repmgr import repmgr
from tests.wild.conftest import Wild
from tests.wild.test_identity import agent, ends, hop
from tests.wild.watching import HEALTHY, Watching

SOURCES = "EnterpriseDB/repmgr#430", "EnterpriseDB/repmgr#297", "EnterpriseDB/repmgr#721"


@pytest.mark.situation(950, "A switchover by repmgr, and the old primary rejoins", *SOURCES)
def test_a_switchover_by_repmgr(wild: Wild, run: Run) -> None:
    """It stops, promotes, lets the other standby follow, and rejoins with pg_rewind where that is needed."""
    wild.server_version = "15"
    with repmgr() as cluster:
        old, new, other = cluster.servers
        with Watching(*map(agent, (old, new, other))) as watching:
            watching.look(4)
            old.stop()
            watching.look(2)
            cluster.run(new, "standby", "promote")
            watching.look(2)
            cluster.run(other, "standby", "follow")
            watching.look(3)
            cluster.run(old, "node", "rejoin", "-d", new.dsn(), "--force-rewind", "--no-wait")
            old.start()
            watching.look(42)
            assert ends(watching) == {hop(new, old), hop(new, other)}, watching.history()
            assert {link.verdict for link in watching.links} <= set(HEALTHY), watching.history()
            assert not watching.fired, watching.history()
        slots = new.query("SELECT slot_name, active FROM pg_replication_slots ORDER BY 1")
        assert slots == [("repmgr_slot_1", True), ("repmgr_slot_3", True)]
        result = run("check", *(each.dsn(user=AGENT) for each in (old, new, other)))
        assert result.code == 0, result.out
    wild.raises_nothing()


@pytest.mark.situation(
    951,
    "repmgr fails over, and pg_rewind finds no WAL for the old primary",
    "EnterpriseDB/repmgr#697",
    "EnterpriseDB/repmgr#723",
    "cagriekin/charts#178",
)
def test_a_rejoin_that_fails(wild: Wild, run: Run) -> None:
    """Started without it, the old primary cannot follow: it has WAL that the new timeline does not have."""
    wild.server_version = "15"
    with repmgr() as cluster:
        old, new, other = cluster.servers
        with Watching(*map(agent, (old, new, other)), for_s=3.0) as watching:
            watching.look(3)
            for each in (new, other):
                each.configure(primary_conninfo="host=127.0.0.1 port=9")
            old.query("CREATE TABLE lost AS SELECT generate_series(1, 20000) AS n")
            old.kill()
            cluster.run(new, "standby", "promote")
            cluster.run(other, "standby", "follow")
            new.query("CREATE TABLE made AS SELECT 1 AS n")
            old.follow(new.dsn(user="replicator"), "")
            wild.begins()
            old.start()
            cause = watching.names("timeline_fork", 40.0, above=0.9)
            wild.answers(cause.summary)
            assert f"{hop(old, new)[0]} has WAL from before the fork" in cause.summary
            risks = [step.risk for step in cause.steps]
            assert "destructive" not in risks or risks.index("look") < risks.index("destructive")
        assert run("check", *(each.dsn(user=AGENT) for each in (old, new, other))).code == 1
