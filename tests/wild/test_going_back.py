"""A primary that was restored to an older state, and the standby that holds what it lost."""

import pytest

from leadline_lab.faults.physical.servers import copy_files, rebuild, restore
from leadline_lab.faults.topologies import make_pair
from leadline_lab.sandbox.fleet import AGENT, Fleet
from leadline_lab.sandbox.workload import writing
from leadline_streams.judge.cluster import ClusterState
from tests.fixtures.commands import Run
from tests.fixtures.fleets import Pair
from tests.wild.conftest import Wild
from tests.wild.watching import Watching


@pytest.mark.parametrize("late", [False, True], ids=["watched", "looked at later"])
@pytest.mark.situation(7, "A primary restored to an older state", "patroni#2717", "pgbackrest#1204")
def test_a_primary_restored_to_an_older_state(wild: Wild, run: Run, late: bool) -> None:
    """On the same timeline, so that the standby streams again as if nothing had been lost."""
    with Fleet() as fleet:
        pair = make_pair(fleet)
        dsns = pair.primary.dsn(user=AGENT), pair.standby.dsn(user=AGENT)
        older = pair.primary.data.with_name("older")
        pair.primary.stop()
        copy_files(pair.primary.data, older)
        pair.primary.start()
        with Watching(*dsns) as now:
            if not late:
                now.look(3)
            pair.primary.execute("CREATE TABLE lost AS SELECT generate_series(1, 20000) AS n")
            fleet.wait_caught_up()
            if not late:
                now.look(2)
            restore(pair.primary, older)
            wild.begins()
            now.until("log_went_back", lambda: "log_went_back" in now.fired)
            now.until("the cause", lambda: now.cause("primary_restored_older"))
            named = now.cause("primary_restored_older")
            assert named is not None
            assert "that 127.0.0.1:" in named.summary
            wild.answers(named.summary)
        result = run("check", *dsns)
        assert result.code == 1, result.out
        assert "was restored to an older state" in result.out


@pytest.mark.quick
@pytest.mark.situation(7, "A standby that is looked at after its busy primary", "patroni#2717")
def test_a_busy_pair_lost_nothing(wild: Wild, run: Run, pair: Pair) -> None:
    """Its position is above that of the primary's last sample, as it should be."""
    dsns = pair.primary.dsn(user=AGENT), pair.standby.dsn(user=AGENT)
    with Watching(*dsns, for_s=0.0) as now:
        for _ in range(3):
            with writing(pair.primary, every_s=0.02, size=200_000):
                now.look(3)
            now.look(1)
        assert not now.pending, now.history()
    with writing(pair.primary, every_s=0.02):
        assert run("check", *dsns).code == 0
    wild.raises_nothing()


@pytest.mark.situation(
    123, "The standby of a restored primary is rebuilt unseen", "EnterpriseDB/repmgr#677", "patroni#2717"
)
def test_a_standby_that_was_rebuilt_unseen(wild: Wild) -> None:
    """Its primary had got beyond what it held before it is seen again: its first position shows no rebuilding."""
    with Fleet() as fleet:
        pair = make_pair(fleet)
        older = pair.primary.data.with_name("older")
        pair.primary.stop()
        copy_files(pair.primary.data, older)
        pair.primary.start()
        with Watching(pair.primary.dsn(user=AGENT), pair.standby.dsn(user=AGENT), for_s=3.0) as now:
            now.look(3)
            pair.primary.execute("CREATE TABLE lost AS SELECT generate_series(1, 20000) AS n")
            fleet.wait_caught_up()
            now.look(2)
            restore(pair.primary, older)
            now.fires("log_went_back")
            pair.primary.execute("CREATE TABLE more AS SELECT generate_series(1, 100000) AS n")
            now.look(8)
            assert not [one for one in now.incidents() if one.state == "resolved"], now.history()
            wild.begins()
            rebuild(pair.standby, pair)
            now.until("it is over", lambda: not now.ask(lambda state: "log_went_back" in _rules(state)), 60.0)
            wild.answers("the standby was started since, and streams beyond what it held")


def _rules(state: ClusterState) -> set[str]:
    return {alert.rule for alert in state.memory.alerts.values()}
