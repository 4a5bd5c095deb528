"""Standbys whose upstream was promoted to a newer timeline."""

import pytest

from leadline_lab.sandbox.fleet import Fleet
from leadline_lab.sandbox.wait import eventually
from tests.fixtures.commands import Run
from tests.fixtures.postgres_versions import binaries_for
from tests.wild.conftest import Wild
from tests.wild.test_succession import follow, promote
from tests.wild.watching import Watching, address

KEEP = {"wal_keep_size": "64MB"}
CURRENT = {**KEEP, "recovery_target_timeline": "current"}


@pytest.mark.situation(
    120,
    "A setting keeps a standby on the timeline of a primary that failed",
    "CrunchyData/crunchy-containers#225",
    "patroni/patroni#741",
)
@pytest.mark.parametrize(("major", "late"), [(18, False), (18, True), (15, False)])
def test_a_standby_that_stays_on_its_timeline(wild: Wild, run: Run, major: int, late: bool) -> None:
    """It was pointed at the new primary, which is right: its timeline is what keeps it, and a restart with it is."""
    wild.server_version = str(major)
    with Fleet(binaries_for(major), plain=True, slots=False) as fleet:
        old = fleet.primary("pg-1", KEEP)
        new, kept = fleet.standby("pg-2", old, settings=KEEP), fleet.standby("pg-3", old, settings=CURRENT)
        dsns = [each.dsn(user="leadline") for each in (old, new, kept)]
        eventually("both stream", lambda: old.value("SELECT count(*) FROM pg_stat_replication") == 2)
        old.query("CREATE TABLE t (n int)")

        def fail_over(watching: Watching | None = None) -> None:
            old.kill()
            if watching is not None:
                watching.look(3)
            promote(new)
            if watching is not None:
                watching.look(2)
            follow(kept, new)

        if late:
            fail_over()
        with Watching(*dsns, for_s=5.0) as watching:
            if not late:
                watching.look(4)
                fail_over(watching)
            wild.begins()
            cause = watching.mentions("timeline_not_followed", 40.0)
            assert cause.confidence > 0.9, watching.history()
            assert f"keeps {address(kept)} on timeline 1, which {address(new)} has left" in cause.summary
            wild.answers(cause.summary)
            watching.look(15)
            assert "config_changed" not in watching.ever_first(), watching.history()
            named = [each for one in watching.incidents() for each in one.causes]
            assert not {"config_changed", "timeline_fork", "standby_cannot_connect"} & {each.code for each in named}
            assert watching.ask(lambda state: [link.verdict for link in state.memory.links.values()]) == ["cut_off"]
            checked = run("check", *dsns)
            assert checked.code == 1
            assert "ALTER SYSTEM SET recovery_target_timeline = 'latest'" in checked.out
            kept.configure(recovery_target_timeline="latest")
            kept.restart()
            watching.until("it streams", lambda: all(link.connected for link in watching.links), 30.0)


@pytest.mark.situation(120, "The upstream of a cascade is promoted", "CrunchyData/crunchy-containers#225")
def test_a_standby_of_a_promoted_standby(wild: Wild, run: Run) -> None:
    """Its upstream's address stays right; what it waits for never comes."""
    with Fleet(plain=True, slots=False) as fleet:
        old = fleet.primary("pg-1", KEEP)
        new = fleet.standby("pg-2", old, settings=KEEP)
        kept = fleet.standby("pg-3", new, settings=CURRENT)
        eventually("it streams", lambda: new.value("SELECT count(*) FROM pg_stat_replication") == 1)
        dsns = [each.dsn(user="leadline") for each in (new, kept)]
        old.stop()
        promote(new)
        with Watching(*dsns, for_s=5.0) as watching:
            wild.begins()
            wild.answers(watching.names("timeline_not_followed", 30.0, above=0.9).summary)
        assert "recovery_target_timeline = current" in run("check", *dsns).out


@pytest.mark.situation(120, "A standby that is to follow, and would not", "CrunchyData/crunchy-containers#225")
def test_a_step_to_follow_names_the_setting(wild: Wild) -> None:
    """The primary is replaced: to point its other standby at the new one is not enough."""
    with Fleet(plain=True, slots=False) as fleet:
        old = fleet.primary("pg-1", KEEP)
        new, kept = fleet.standby("pg-2", old, settings=KEEP), fleet.standby("pg-3", old, settings=CURRENT)
        eventually("both stream", lambda: old.value("SELECT count(*) FROM pg_stat_replication") == 2)
        with Watching(*(each.dsn(user="leadline") for each in (old, new, kept)), for_s=5.0) as watching:
            watching.look(4)
            old.kill()
            wild.begins()
            watching.look(2)
            promote(new)
            steps = str(watching.names("primary_replaced", 30.0).steps)
            assert (
                f"and its recovery_target_timeline to 'latest', and restart it: with 'current', {address(kept)}"
                in steps
            )
            wild.answers(steps)
