"""The archive takes nothing."""

from tests.fixtures.fleets import Pair
from tests.zoo.rig import Watch


def test_archiver_fails(pair: Pair, watch: Watch) -> None:
    """archive_command was changed to something that does not work."""
    pair.primary.configure(archive_mode="on", archive_command="true")
    pair.primary.restart()
    rig = watch(pair)
    pair.primary.configure(archive_command="false")
    pair.primary.query("SELECT pg_logical_emit_message(true, 'zoo', 'x')")
    pair.primary.query("SELECT pg_switch_wal()")
    incident = rig.expect(rule="archive_failing", cause="archiver_failing")
    assert "archive_command on pg-1 was changed from true to false" in incident.causes[0].summary
    pair.primary.configure(archive_command="true")
    rig.expect_resolved(within=90)
    pair.primary.configure(archive_command=None, archive_mode=None)
    pair.primary.restart()
