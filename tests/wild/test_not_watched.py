"""Servers that exist and are not watched."""

import pytest

from leadline_lab.sandbox.fleet import AGENT, Fleet
from tests.fixtures.commands import Run
from tests.wild.conftest import Wild
from tests.wild.watching import address, watched


@pytest.mark.quick
@pytest.mark.situation(903, "A standby that nobody watches", "pawtograder/platform#1022", "OPMDG/check_pgactivity#284")
def test_a_standby_without_an_agent(wild: Wild, run: Run) -> None:
    """It is reported as a notice of the server that sends to it, which goes on being judged as before."""
    with Fleet(plain=True, slots=False) as fleet:
        primary = fleet.primary("pg-1")
        watched_one, other = (fleet.standby(name, primary) for name in ("pg-2", "pg-3"))
        wild.begins()
        with watched([primary, watched_one]) as seen:
            cause = seen.names("server_not_watched", 40.0)
            wild.answers(cause.summary)
            assert seen.fired == {"server_not_watched"}
            assert not seen.incidents()
            assert not seen.ask(lambda state: state.memory.is_failing)
        result = run("check", primary.dsn(user=AGENT), watched_one.dsn(user=AGENT))
        assert result.code == 0, result.out
        assert result.out.count("is not watched") == 1
        assert other.name == "pg-3"


@pytest.mark.situation(903, "Only standbys are watched", "pgwatch#503", "check_pgactivity#284")
def test_an_upstream_without_an_agent(wild: Wild) -> None:
    """It is named by the address that the standby uses."""
    with Fleet(plain=True, slots=False) as fleet:
        primary = fleet.primary("pg-1")
        standby = fleet.standby("pg-2", primary)
        wild.begins()
        with watched([standby]) as seen:
            cause = seen.names("server_not_watched", 40.0)
            wild.answers(cause.summary)
            assert address(primary) in cause.summary
            assert seen.fired == {"server_not_watched"}
