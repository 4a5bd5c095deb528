"""Limits of the agent's own role, which say nothing about the server."""

import pytest

from leadline_lab.sandbox.fleet import AGENT, Fleet
from tests.wild.conftest import Wild
from tests.wild.watching import address, watched

END = f"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = '{AGENT}'"


@pytest.mark.quick
@pytest.mark.situation(
    1032,
    "The connections of the agent's role are used up",
    "percona/pmm#1406",
    "prometheus-community/postgres_exporter#996",
)
def test_the_limit_of_the_agents_role(wild: Wild) -> None:
    """Many runs of check, or another program under the role: the server runs, has room, and is not down."""
    with Fleet(plain=True, slots=False) as fleet:
        primary = fleet.primary("pg-1")
        standby = fleet.standby("pg-2", primary)
        fleet.wait_caught_up()
        with watched([primary, standby], settled=True) as seen:
            primary.execute(f"ALTER ROLE {AGENT} CONNECTION LIMIT 0", END)
            fleet.wait_caught_up()
            standby.execute(END)
            wild.begins()
            cause = seen.names("agent_down", 30.0)
            wild.answers(cause.summary)
            assert "runs and refuses its agent" in cause.summary
            assert not {"primary_down", "connections_exhausted", "standby_down"} & seen.ever_first()
            assert not {"primary_lost", "split_brain"} & seen.fired
            assert address(primary) in cause.summary or address(standby) in cause.summary
