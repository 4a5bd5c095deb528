"""Servers that are taken out of service, and those that only look like it."""

import pytest

from leadline.model.alert import Transition
from leadline_lab.sandbox.postgres import Server
from tests.wild.conftest import Wild
from tests.wild.test_identity import UNNAMED, agent, fleet
from tests.wild.watching import Watching

SOURCES = ("patroni/patroni#3145", "cybertec-postgresql/pgwatch#503")


def names(watching: Watching) -> set[str]:
    return set(watching.state.memory.nodes)


def name(server: Server) -> str:
    return f"127.0.0.1:{server.port}"


@pytest.mark.timeout(300)
@pytest.mark.situation(44, "A member that is stopped for good", *SOURCES)
@pytest.mark.parametrize("major", [15, 18])
def test_a_standby_is_taken_out_of_service(wild: Wild, major: int) -> None:
    """It is stopped in order and its slot is dropped: what was raised ends, and nothing is left. It may come back."""
    wild.server_version = str(major)
    with fleet(major) as made:
        primary = made.primary("a", UNNAMED)
        kept, leaving = made.standby("b", primary), made.standby("c", primary)
        with Watching(*map(agent, (primary, kept, leaving)), for_s=5.0) as watching:
            watching.look(5)
            leaving.stop()
            wild.begins()
            watching.fires("node_down", within_s=40.0)
            primary.query("SELECT pg_drop_replication_slot('c')")
            watching.until("it is forgotten", lambda: name(leaving) not in names(watching), 90.0)
            watching.ends(60.0)
            assert names(watching) == {name(primary), name(kept)}
            assert not watching.state.memory.alerts, watching.history()
            ends = [each for _, each in watching.observation.outputs if isinstance(each, Transition)]
            (why,) = {each.summary for each in ends if each.rule == "node_down" and each.reason == "retired"}
            assert why.endswith(f"{name(leaving)} was stopped, and its slot on {name(primary)} was dropped")
            wild.answers(why)
            watching.quiet(15.0)
            primary.query("SELECT pg_create_physical_replication_slot('c', true)")
            leaving.start()
            watching.until("it is a node again", lambda: name(leaving) in names(watching), 30.0)
            watching.until(
                "its link is healthy", lambda: {each.verdict for each in watching.links} <= {"idle", "healthy"}
            )
            assert len(watching.links) == 2


@pytest.mark.timeout(300)
@pytest.mark.situation(44, "A member that crashed, and whose slot an orchestrator dropped", *SOURCES)
def test_a_crash_is_not_taken_for_a_decommission(wild: Wild) -> None:
    """To the primary it looks the same; the alert stays."""
    with fleet() as made:
        primary = made.primary("a", UNNAMED)
        kept, crashed = made.standby("b", primary), made.standby("c", primary)
        with Watching(*map(agent, (primary, kept, crashed)), for_s=5.0) as watching:
            watching.look(5)
            crashed.kill()
            wild.begins()
            watching.fires("node_down", within_s=40.0)
            wild.answers(watching.summary("node_down"))
            primary.query("SELECT pg_drop_replication_slot('c')")
            watching.stays("node_down", 60.0)
            assert name(crashed) in names(watching)
