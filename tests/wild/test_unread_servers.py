"""Servers that have not answered since looking began."""

import pytest

from leadline_lab.sandbox.fleet import AGENT, Fleet
from leadline_lab.sandbox.wait import eventually
from tests.fixtures.commands import Run
from tests.wild.conftest import Wild
from tests.wild.watching import address

KEEP = {"wal_keep_size": "64MB"}


@pytest.mark.quick
@pytest.mark.situation(
    124,
    "check of a primary that is down, behind an address that leads to it",
    "EnterpriseDB/repmgr#722",
    "EnterpriseDB/repmgr#886",
)
def test_check_of_a_primary_that_never_answered(wild: Wild, run: Run) -> None:
    """Its standbys follow another address: nobody shows its role, and none is claimed."""
    with Fleet(plain=True, slots=False) as fleet:
        primary = fleet.primary("pg-1", KEEP)
        vip = fleet.proxy(primary)
        standbys = [fleet.standby(name, primary, through=vip, settings=KEEP) for name in ("pg-2", "pg-3")]
        eventually("both stream", lambda: primary.value("SELECT count(*) FROM pg_stat_replication") == 2)
        primary.kill()
        wild.begins()
        result = run("check", *(each.dsn(user=AGENT) for each in (primary, *standbys)))
        assert result.code == 1, result.out
        assert "standby_down" not in result.out
        assert "standby 127" not in result.out
        (cause,) = [line for line in result.out.splitlines() if line.startswith("cause")]
        assert f"{address(primary)} has not answered since looking began" in cause
        assert "whether it is a primary or a standby is not known" in cause
        assert f"no connection to 127.0.0.1:{vip.port}, and no server that answers takes writes" in cause
        assert f"Find out where 127.0.0.1:{vip.port} leads to" in result.out
        wild.answers(cause)


@pytest.mark.situation(124, "check of a standby that is down", "EnterpriseDB/repmgr#722")
def test_check_of_a_standby_that_never_answered(wild: Wild, run: Run) -> None:
    """Nothing is lost by anybody: it may be anything."""
    with Fleet(plain=True, slots=False) as fleet:
        primary = fleet.primary("pg-1", KEEP)
        standby = fleet.standby("pg-2", primary, settings=KEEP)
        standby.stop()
        wild.begins()
        result = run("check", *(each.dsn(user=AGENT) for each in (primary, standby)))
        (cause,) = [line for line in result.out.splitlines() if line.startswith("cause")]
        assert cause.endswith("whether it is a primary or a standby is not known")
        wild.answers(cause)
