"""`leadline switchover-check` over real servers, and the switchover itself."""

import json

import pytest

from leadline_lab.sandbox.fleet import AGENT, REPLICATOR, Fleet
from leadline_lab.sandbox.wait import eventually
from tests.fixtures.audit_looks import GOOD, good_logical, good_pair
from tests.fixtures.commands import Run


def dsns(fleet: Fleet) -> list[str]:
    return [f"{server.name}={server.dsn(user=AGENT)}" for server in fleet.servers.values()]


def test_a_pair_that_is_ready_and_is_switched_over(run: Run) -> None:
    """Yes, and it is done: the old primary follows the new one, and the answer for the way back is yes."""
    with Fleet() as fleet:
        good_pair(fleet)
        primary, standby = fleet.servers["pg-1"], fleet.servers["pg-2"]
        result = run("switchover-check", *dsns(fleet))
        assert (result.code, result.out.splitlines()[0]) == (0, "YES  switch over from pg-1 to pg-2")
        assert "  back to pg-1 later: yes" in result.out
        assert "  follow pg-2 then: pg-1" in result.out

        for old, new in ((primary, standby), (standby, primary)):
            old.stop()
            new.query("SELECT pg_promote()")
            old.follow(new.dsn(user=REPLICATOR, application_name=old.name), "")
            (old.data / "standby.signal").touch()
            old.start()
            eventually(f"{old.name} follows", lambda new=new: bool(new.query("SELECT 1 FROM pg_stat_replication")))
            result = run("switchover-check", "--to", old.name, *dsns(fleet), "--format", "json")
            (row,) = map(json.loads, result.out.splitlines())
            assert (result.code, row["answer"], row["back"]) == (0, "yes", "yes"), row["reasons"]
            assert (row["primary"], row["standby"], row["follow"]) == (new.name, old.name, [new.name])


def test_what_forbids_it(run: Run) -> None:
    """Each is named with its step: what the new primary, the old one and another standby would not survive."""
    with Fleet() as fleet:
        good_pair(fleet)
        primary, standby = fleet.servers["pg-1"], fleet.servers["pg-2"]
        third = fleet.standby("pg-3", primary, settings=GOOD)
        standby.configure(max_connections="60", archive_mode="on", archive_command="")
        standby.restart()
        fleet.wait_caught_up()
        result = run("switchover-check", "--to", "pg-2", *dsns(fleet))
        assert result.code == 1
        lines = result.out.splitlines()
        assert lines[0] == "NO  switch over from pg-1 to pg-2"
        because = [line.removeprefix("  because: ") for line in lines if line.startswith("  because: ")]
        assert [text for text in because if text.startswith("max_connections is 50 on pg-1 and 60 on pg-2")]
        assert [text for text in because if text.startswith("max_connections is 50 on pg-3 and 60 on pg-2")]
        assert "archive_command is empty (PG-ARC-002)" in " ".join(result.out.split())
        assert "\\n" not in result.out
        assert all(len(line) <= 80 or line.lstrip().startswith(("SELECT", "ALTER")) for line in lines)
        assert "pg-3 asks for slot pg_3, which pg-2 does not have" in because
        assert "SELECT pg_create_physical_replication_slot('pg_3', true)" in result.out

        standby.query("SELECT pg_create_physical_replication_slot('pg_3', true)")
        standby.configure(max_connections=None, archive_mode=None, archive_command=None)
        standby.restart()
        fleet.wait_caught_up()
        assert run("switchover-check", "--to", "pg-2", *dsns(fleet)).code == 0

        given = [each for each in dsns(fleet) if not each.startswith("pg-3")]
        result = run("switchover-check", "--to", "pg-2", *given)
        assert result.code == 3
        assert "not seen: pg-3 follows pg-1 and was not given" in result.out
        third.stop()


def test_a_cascade(run: Run) -> None:
    """The standby in the middle may take over, and the last one goes on; the last one itself may not."""
    with Fleet() as fleet:
        good_pair(fleet)
        fleet.standby("pg-3", fleet.servers["pg-2"], settings=GOOD)
        fleet.wait_caught_up()
        result = run("switchover-check", *dsns(fleet))
        assert (result.code, result.out.splitlines()[0]) == (0, "YES  switch over from pg-1 to pg-2")
        assert "  follow pg-2 then: pg-1, pg-3" in result.out
        result = run("switchover-check", "--to", "pg-3", *dsns(fleet))
        assert result.code == 1
        assert "pg-3 follows pg-2, which is a standby: switch over to pg-2" in result.out


def test_servers_that_are_no_pair(run: Run) -> None:
    """A subscriber alone is a no; an unknown name is wrong use; a primary that does not answer is not seen."""
    with Fleet() as fleet:
        good_logical(fleet)
        result = run("switchover-check", *dsns(fleet))
        assert result.code == 1
        assert "pg-3 is a subscriber of pg-1 and no standby: sequences" in result.out
        result = run("switchover-check", "--to", "pg-9", *dsns(fleet))
        assert result.code == 2
        assert "--to pg-9: no server of that name was given; there are pg-1, pg-3" in result.err
        fleet.servers["pg-1"].stop()
        result = run("switchover-check", *dsns(fleet))
        assert result.code == 3
        assert "pg-1 was not read" in result.err


pytestmark = pytest.mark.timeout(180)
