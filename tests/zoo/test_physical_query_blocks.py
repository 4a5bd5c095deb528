"""A query on the standby holds what replay waits for."""

import pytest

from tests.fixtures.fleets import Pair
from tests.zoo.rig import Watch
from tests.zoo.sessions import reading

CHANGES = {
    "snapshot": ("DELETE FROM blocked_snapshot", "VACUUM blocked_snapshot"),
    "lock": ("TRUNCATE blocked_lock",),
}


@pytest.mark.older
@pytest.mark.parametrize("held", CHANGES)
def test_query_blocks_replay(pair: Pair, watch: Watch, held: str) -> None:
    """Somebody let replay wait for ever, then left a report open whose table the primary vacuums or truncates."""
    table = f"blocked_{held}"
    pair.primary.query(f"CREATE TABLE {table} AS SELECT generate_series(1, 1000) AS id")
    pair.fleet.wait_caught_up()
    rig = watch(pair)
    pair.standby.configure(max_standby_streaming_delay="-1")
    with rig.writing(pair.primary), reading(pair.standby, table) as pid:
        for statement in CHANGES[held]:
            pair.primary.query(statement)
        incident = rig.expect(rule="replication_stalled", cause="standby_query_blocks_replay", verdict="replay_stalled")
    summary = incident.causes[0].summary
    assert f"pid {pid} on pg-2" in summary
    assert f"holds a {held}" in summary
    assert "max_standby_streaming_delay on pg-2 was changed from 30000 ms to -1" in summary
    rig.expect_resolved()
    pair.standby.configure(max_standby_streaming_delay=None)
