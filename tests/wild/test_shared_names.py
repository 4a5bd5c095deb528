"""Two agents under one name, and standbys that share a name or an address."""

import pytest

from leadline_lab.sandbox.fleet import AGENT, Fleet
from leadline_lab.sandbox.workload import writing
from tests.fixtures.commands import Run
from tests.wild.conftest import Wild
from tests.wild.watching import address, watched


@pytest.mark.quick
@pytest.mark.situation(907, "Two agents under one name", "pgexporter/pgexporter#90", "MeetMe/newrelic-plugin-agent#386")
def test_the_settings_of_an_agent_were_copied(wild: Wild) -> None:
    """The second host kept the name of the first: what is shown is of two servers."""
    with Fleet(plain=True, slots=False) as fleet:
        primary = fleet.primary("pg-1")
        standby = fleet.standby("pg-2", primary)
        with watched([primary, standby], settled=True) as seen:
            wild.begins()
            seen.observation.start_agent(address(primary), standby.dsn(user=AGENT))
            fired = seen.fires("node_name_shared", 30.0)
            assert "two servers as if they were one" in fired.summary
            cause = seen.names("node_name_shared")
            wild.answers(cause.summary)
            assert f"127.0.0.1:{primary.port}" in cause.summary
            assert f"127.0.0.1:{standby.port}" in cause.summary
            assert {step.risk for step in cause.steps} <= {"look", "safe"}


@pytest.mark.situation(
    909, "A standby of another cluster has the application_name of a member", "patroni/patroni#3545", "patroni#3548"
)
def test_two_standbys_of_one_name(wild: Wild, run: Run) -> None:
    """It is not the member, and the member's link is its own."""
    with Fleet(slots=False) as fleet:
        primary = fleet.primary("pg-1")
        member = fleet.standby("pg-2", primary)
        other = fleet.standby("pg-3", primary, conninfo={"application_name": "pg-2"})
        primary.configure(synchronous_standby_names='FIRST 1 ("pg-2")')
        servers = [primary, member, other]
        with writing(primary), watched(servers, settled=True) as seen:
            seen.quiet(10.0)
            ends = {(link.upstream, link.downstream) for link in seen.links}
            assert ends == {(address(primary), address(member)), (address(primary), address(other))}
        result = run("check", *(each.dsn(user=AGENT) for each in servers))
        assert result.code == 0, result.out
    wild.raises_nothing()


@pytest.mark.situation(
    910, "All standbys have the address of a sidecar", "zalando/postgres-operator#1629", "EnterpriseDB/repmgr#680"
)
def test_standbys_behind_address_translation(wild: Wild, run: Run) -> None:
    """The primary sees one address, each standby follows an address of nobody, and one of them cascades."""
    with Fleet(plain=True, slots=False) as fleet:
        primary = fleet.primary("pg-1", {"wal_keep_size": "64MB"})
        first = fleet.standby("pg-2", primary, through=fleet.proxy(primary))
        second = fleet.standby("pg-3", primary, through=fleet.proxy(primary))
        leaf = fleet.standby("pg-4", first, through=fleet.proxy(first))
        servers = [primary, first, second, leaf]
        with writing(primary), watched(servers, settled=True) as seen:
            seen.quiet(15.0)
            ends = {(link.upstream, link.downstream) for link in seen.links}
            assert ends == {
                (address(primary), address(first)),
                (address(primary), address(second)),
                (address(first), address(leaf)),
            }
        # Idle, all have the same position, and which of two is followed may be found between two looks.
        for _ in range(8):
            result = run("check", *(each.dsn(user=AGENT) for each in servers))
            assert result.code == 0, result.out
    wild.raises_nothing()


@pytest.mark.situation(
    911,
    "primary_conninfo lists every server, and the primary fails over",
    "EnterpriseDB/repmgr#195",
    "patroni/patroni#2875",
)
def test_standbys_that_find_the_new_primary_themselves(wild: Wild) -> None:
    """Nobody is left behind, and nobody proposes to start the old primary beside the new one."""
    with Fleet(plain=True, slots=False) as fleet:
        primary = fleet.primary("pg-1", {"wal_keep_size": "64MB"})
        standbys = [fleet.standby(name, primary) for name in ("pg-2", "pg-3")]
        new, other = standbys
        password = str(primary.dsn(user="replicator")).partition("password=")[2].split()[0]
        for own, beside in ((new, other), (other, new)):
            ports = f"{primary.port},{beside.port}"
            own.configure(
                primary_conninfo=f"user=replicator password={password} host=127.0.0.1,127.0.0.1 port={ports} "
                "target_session_attrs=read-write"
            )
        with watched([primary, *standbys], settled=True) as seen:
            wild.begins()
            primary.kill()
            seen.names("primary_down")
            new.query("SELECT pg_promote()")
            cause = seen.names("primary_replaced", 30.0)
            wild.answers(cause.summary)
            assert f"Start PostgreSQL on {address(primary)}" not in str(cause.steps)
            now = {(address(new), address(other))}
            seen.until(
                "the other one follows", lambda: {(each.upstream, each.downstream) for each in seen.links} == now
            )
            seen.until("nobody is left behind", lambda: "still follow" not in seen.causes()[0].summary)
