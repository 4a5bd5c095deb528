"""Commits wait for standbys."""

from tests.fixtures.fleets import Pair
from tests.zoo.rig import Watch


def test_synchronous_standby_missing(pair: Pair, watch: Watch) -> None:
    """synchronous_standby_names was changed to a name that no standby bears: every commit hangs."""
    rig = watch(pair)
    with rig.writing(pair.primary):
        pair.primary.configure(synchronous_standby_names="nobody")
        incident = rig.expect(rule="sync_commit_blocked", cause="sync_standby_missing")
        assert "not connected: nobody" in incident.causes[0].summary
        assert "synchronous_standby_names on pg-1 was changed from empty to nobody" in incident.causes[0].summary
        pair.primary.configure(synchronous_standby_names=None)
        rig.expect_resolved()


def test_synchronous_standby_cut_off(pair: Pair, watch: Watch) -> None:
    """Nobody writes yet: the first who does will wait."""
    pair.primary.configure(synchronous_standby_names='"pg-2"')
    rig = watch(pair)
    pair.proxy.cut()
    rig.expect(rule="sync_degraded", cause="sync_standby_missing", verdict="cut_off")
    rig.until_named("standby_cannot_connect")
    pair.proxy.heal()
    rig.expect_resolved()
    pair.primary.configure(synchronous_standby_names=None)


def test_remote_apply_waits_for_replay(pair: Pair, watch: Watch) -> None:
    """Commits wait until the standby has replayed them, and its replay is paused: the pause is the root."""
    pair.primary.configure(synchronous_standby_names='"pg-2"', synchronous_commit="remote_apply")
    rig = watch(pair)
    with rig.writing(pair.primary):
        pair.standby.query("SELECT pg_wal_replay_pause()")
        incident = rig.expect(rule="sync_commit_blocked", cause="replay_paused_by_operator")
        assert "sync_remote_apply_slow" in [cause.code for cause in incident.causes]
        pair.standby.query("SELECT pg_wal_replay_resume()")
        rig.expect_resolved()
    pair.primary.configure(synchronous_standby_names=None, synchronous_commit=None)
