"""A standby that comes back by another way, while its upstream has not noticed that the first one is gone."""

import pytest

from leadline_lab.faults.topologies import make_pair
from leadline_lab.sandbox.fleet import AGENT, REPLICATOR, Fleet
from leadline_lab.sandbox.workload import writing
from tests.fixtures.commands import Run
from tests.wild.conftest import Wild
from tests.wild.watching import address, watched


@pytest.mark.parametrize("late", [False, True], ids=["watched-before", "watched-after"])
@pytest.mark.parametrize("timeout", ["0", "10min"])
@pytest.mark.situation(
    1031,
    "The slot of a standby is active for its lost connection",
    "EnterpriseDB/pg_failover_slots#46",
    "2ndQuadrant/bdr#170",
    "patroni/patroni#427",
)
def test_a_sender_that_was_left_behind(wild: Wild, run: Run, timeout: str, late: bool) -> None:
    """The new address is right, and nobody is asked to set it back; the sender that holds the slot is named."""
    with Fleet(plain=True) as fleet:
        pair = make_pair(fleet)
        pair.primary.configure(wal_sender_timeout=timeout)

        def lose() -> None:
            pair.proxy.blackhole()
            pair.standby.configure(primary_conninfo=pair.primary.dsn(user=REPLICATOR))

        with writing(pair.primary):
            if late:
                lose()
            wild.begins()
            with watched([pair.primary, pair.standby], settled=not late) as seen:
                if not late:
                    lose()
                    wild.begins()
                pid = pair.primary.value("SELECT active_pid FROM pg_replication_slots WHERE slot_name = 'pg_2'")
                cause = seen.mentions("slot_in_use_elsewhere", 40.0)
                wild.answers(cause.summary)
                assert f"{address(pair.primary)} still has a sender (pid {pid})" in cause.summary
                assert ("does not end by itself" in cause.summary) is (timeout == "0")
                seen.look(3)
                assert "standby_cannot_connect" not in seen.ever_first(), seen.history()
            result = run("check", pair.primary.dsn(user=AGENT), pair.standby.dsn(user=AGENT))
            assert f"pg_terminate_backend({pid})" in result.out, result.out
