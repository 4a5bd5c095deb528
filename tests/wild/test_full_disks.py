"""Standbys whose disk has no room for the WAL that they receive."""

import pytest

from leadline.errors import UsageError
from leadline_lab.faults.physical.servers import FILL, SMALL_MB, wal_volume
from leadline_lab.faults.topologies import LOGGED, READS_SERVER_LOG
from leadline_lab.sandbox.fleet import AGENT, Fleet
from tests.require import need
from tests.wild.conftest import Wild
from tests.wild.watching import Watching, address

KEEP = {"wal_keep_size": LOGGED["wal_keep_size"]}


@pytest.mark.situation(125, "The disk of a standby is full", "neondatabase/neon#8172")
@pytest.mark.parametrize("reads", [True, False], ids=["server log", "free space"])
def test_a_standby_whose_disk_is_full(wild: Wild, reads: bool) -> None:
    """It answers, and its WAL receiver ends at each attempt: no network is to blame."""
    with Fleet(plain=True, slots=False) as fleet:
        settings = LOGGED if reads else KEEP
        primary = fleet.primary("pg-1", settings)
        if reads:
            primary.query(f"GRANT EXECUTE ON FUNCTION {READS_SERVER_LOG} TO {AGENT}")
        standby = fleet.standby("pg-2", primary, settings=settings)
        fleet.wait_caught_up()
        standby.stop()
        try:
            with wal_volume(standby):
                standby.start()
                with Watching(primary.dsn(user=AGENT), standby.dsn(user=AGENT), for_s=3.0) as watching:
                    watching.look(4)
                    wild.begins()
                    for _ in range(SMALL_MB + 8):
                        primary.query(FILL)
                    cause = watching.names("disk_full", 60.0, above=0.85)
                    assert cause.summary.startswith(f"the WAL receiver of {address(standby)} ends because")
                    assert ("No space left on device" in cause.summary) == reads
                    wild.answers(cause.summary)
                standby.stop("immediate")
        except UsageError as error:
            need(False, str(error))
