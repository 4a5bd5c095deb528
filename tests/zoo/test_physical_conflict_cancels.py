"""Replay cancels queries."""

from contextlib import ExitStack

from tests.fixtures.fleets import Pair
from tests.zoo.rig import Watch
from tests.zoo.sessions import reading

READERS = 6
"""One cancelled query now and then is the price of a standby that is read."""


def test_replay_cancels_queries(pair: Pair, watch: Watch) -> None:
    """Replay waits for no query, feedback is off, and the primary vacuums what reports read."""
    pair.primary.query("CREATE TABLE cancelled AS SELECT generate_series(1, 1000) AS id")
    pair.standby.configure(max_standby_streaming_delay="0")
    pair.fleet.wait_caught_up()
    rig = watch(pair)
    with ExitStack() as stack:
        for _ in range(READERS):
            stack.enter_context(reading(pair.standby, "cancelled"))
        pair.primary.query("DELETE FROM cancelled")
        pair.primary.query("VACUUM cancelled")
        incident = rig.expect(rule="recovery_conflict", cause="recovery_conflict_cancels")
    assert f"{READERS} by snapshot; max_standby_streaming_delay = 0" in incident.causes[0].summary
    pair.standby.configure(max_standby_streaming_delay=None)
