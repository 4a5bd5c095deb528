"""Replay is paused."""

import pytest

from tests.fixtures.fleets import Pair
from tests.zoo.rig import Watch


@pytest.mark.older
def test_replay_paused(pair: Pair, watch: Watch) -> None:
    """Somebody paused replay and forgot it."""
    rig = watch(pair)
    pair.standby.query("SELECT pg_wal_replay_pause()")
    rig.expect(rule="replay_paused", cause="replay_paused_by_operator", verdict="replay_paused")
    pair.standby.query("SELECT pg_wal_replay_resume()")
    rig.expect_resolved()
