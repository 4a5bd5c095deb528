"""An address that leads to the promoted standby from some moment on: a virtual IP address, or a proxy."""

import pytest

from leadline_lab.sandbox.fleet import AGENT, REPLICATOR, Fleet
from leadline_lab.sandbox.postgres import Server
from leadline_lab.sandbox.proxy import Proxy
from leadline_lab.sandbox.wait import eventually
from tests.fixtures.commands import Run
from tests.wild.conftest import Wild
from tests.wild.test_identity import agent, ends, hop
from tests.wild.test_succession import promote
from tests.wild.watching import Watching, address

KEEP = {"wal_keep_size": "64MB"}
SOURCES = "EnterpriseDB/repmgr#404", "EnterpriseDB/repmgr#886", "EnterpriseDB/edb-ansible#341"
PHANTOMS = {"config_changed", "primary_restored_older", "standbys_follow_each_other", "two_writers"}


def behind(fleet: Fleet) -> tuple[Proxy, Server, Server, Server]:
    """An address that leads to the primary, the primary, and two standbys that follow the address."""
    old = fleet.primary("pg-1", KEEP)
    vip = fleet.proxy(old)
    new, other = (fleet.standby(name, old, through=vip, settings=KEEP) for name in ("pg-2", "pg-3"))
    eventually("both stream", lambda: old.value("SELECT count(*) FROM pg_stat_replication") == 2)
    return vip, old, new, other


@pytest.mark.quick
@pytest.mark.situation(121, "A watched address moves to the standby that was promoted", *SOURCES)
def test_a_watched_address_moves(wild: Wild) -> None:
    """It lacks commits of the old primary and has another port: it is another server, not one that was changed."""
    with Fleet(plain=True, slots=False) as fleet:
        vip, old, new, other = behind(fleet)
        watched = old.dsn(user=AGENT, port=vip.port), agent(new), agent(other)
        with Watching(*watched, for_s=3.0) as watching:
            watching.look(4)
            for each in (new, other):
                each.configure(primary_conninfo="host=127.0.0.1 port=9")
            old.query("CREATE TABLE lost AS SELECT generate_series(1, 20000) AS n")
            watching.look(2)
            old.kill()
            wild.begins()
            vip.lead_to(new.port)
            promote(new)
            other.configure(primary_conninfo=new.dsn(user=REPLICATOR, port=vip.port))
            watching.until("its link is found", lambda: ends(watching) == {hop(new, other)})
            watching.look(10)
            assert ends(watching) == {hop(new, other)}, watching.history()
            assert "log_went_back" not in watching.fired, watching.history()
            name = f"127.0.0.1:{vip.port}"
            # The standbys are cut off by a setting indeed; of the address no change of a setting is a cause.
            assert not (PHANTOMS - {"config_changed"}) & watching.ever_first(), watching.history()
            assert f"on {name} was changed" not in watching.history(), watching.history()
            changes = watching.ask(lambda state: list(state.memory.changes))
            assert [each.setting for each in changes if each.node == name] == ["server"], changes
            assert watching.state.memory.nodes[name].same_as == address(new)
            wild.answers(f"the same server as {name}, under another address")


@pytest.mark.quick
@pytest.mark.situation(121, "An address that nobody watches moves to the standby that was promoted", *SOURCES)
def test_an_address_of_nobody_moves(wild: Wild) -> None:
    """The old primary, watched by its own address, is replaced; nobody follows it any more."""
    with Fleet(plain=True, slots=False) as fleet:
        vip, old, new, other = behind(fleet)
        with Watching(*map(agent, (old, new, other)), for_s=3.0) as watching:
            watching.look(4)
            old.kill()
            wild.begins()
            vip.lead_to(new.port)
            promote(new)
            watching.names("primary_replaced", 30.0, above=0.9)
            watching.until("its link is found", lambda: ends(watching) == {hop(new, other)})
            watching.look(3)
            assert ends(watching) == {hop(new, other)}, watching.history()
            assert not PHANTOMS & watching.ever_first(), watching.history()
            wild.answers(watching.names("primary_replaced").summary)


@pytest.mark.situation(121, "An address moves to a standby that nobody promoted", *SOURCES)
def test_an_address_moves_too_early(wild: Wild, run: Run) -> None:
    """The standby streams from itself. Which connection is whose cannot be seen: none is to the dead primary."""
    with Fleet(plain=True, slots=False) as fleet:
        vip, old, new, other = behind(fleet)
        dsns = [agent(each) for each in (old, new, other)]
        with Watching(*dsns, for_s=3.0) as watching:
            watching.look(4)
            old.kill()
            wild.begins()
            vip.lead_to(new.port)
            watching.until(
                "no link is from the dead primary",
                lambda: address(old) not in {link.upstream for link in watching.links},
                30.0,
            )
            watching.look(20)
            assert address(old) not in {link.upstream for link in watching.links}, watching.history()
            cause = watching.names("primary_down")
            assert "still receive" not in cause.summary
            wild.answers(cause.summary)
        assert run("check", *dsns).code == 1
