"""Replay has no time: its process gets a small share of a processor."""

from tests.fixtures.fleets import Pair
from tests.zoo.rig import Watch
from tests.zoo.sessions import starved

SHARE = 0.005
LOAD = "INSERT INTO busy SELECT md5(id::text) FROM generate_series(1, %s) AS id"
TABLE = "CREATE TABLE IF NOT EXISTS busy (id text); CREATE INDEX IF NOT EXISTS busy_id ON busy (id)"


def test_replay_cannot_keep_up(pair: Pair, watch: Watch) -> None:
    """The primary writes as it always does, and the standby's only replaying process no longer manages."""
    pair.primary.query(TABLE)
    rig = watch(pair)
    with rig.writing(pair.primary, every_s=0.1, statement=LOAD, size=2_000):
        rig.quiet(12)
        with starved(pair.standby, "startup", SHARE):
            rig.mark()
            rig.expect(rule="replication_lag", cause="replay_cannot_keep_up", verdict="falling_behind")
    rig.expect_resolved()


def test_remote_apply_is_slow(pair: Pair, watch: Watch) -> None:
    """Commits wait until the standby has replayed them, and its replay takes long."""
    pair.primary.query(TABLE)
    pair.primary.configure(synchronous_standby_names='"pg-2"', synchronous_commit="remote_apply")
    rig = watch(pair)
    with rig.writing(pair.primary, statement=LOAD, size=200_000):
        rig.quiet(12)  # what is written is as usual, then
        with starved(pair.standby, "startup", SHARE):
            rig.mark()
            rig.expect(rule="sync_commit_blocked", cause="sync_remote_apply_slow")
    rig.expect_resolved()
    pair.primary.configure(synchronous_standby_names=None, synchronous_commit=None)
