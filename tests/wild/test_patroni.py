"""A real Patroni cluster: idle, a switchover, a failover, a member that is gone."""

import threading
from collections.abc import Callable

import pytest

from leadline_streams.engines.postgresql.orchestrators import orchestrator_of
from leadline_streams.engines.postgresql.owners import owners_of
from tests.wild.conftest import Wild
from tests.wild.patroni import AGENT, Member, PatroniCluster
from tests.wild.watching import Watching

SLOTS = {"slot_inactive": {"for_s": 5.0}}
"""In place of five minutes."""
PASSING = {"node_down": {"for_s": 5.0}, **SLOTS}


def dsns(cluster: PatroniCluster) -> list[str]:
    return [member.dsn(user=AGENT) for member in cluster.members]


def name(member: Member) -> str:
    return f"127.0.0.1:{member.port.number}"


def follows(cluster: PatroniCluster, watching: Watching, leader: Member) -> bool:
    """Whether each other member follows the leader, by a link that is connected, and there is no other link."""
    hops = {(name(leader), name(member)) for member in cluster.members if member is not leader}
    return {(link.upstream, link.downstream) for link in watching.links if link.connected} == hops and len(
        watching.links
    ) == len(hops)


def beside(work: Callable[[], object], watching: Watching) -> None:
    """Look while something is done."""
    thread = threading.Thread(target=work)
    thread.start()
    while thread.is_alive():
        watching.look()
    thread.join()


@pytest.mark.timeout(600)
@pytest.mark.situation(41, "An idle Patroni cluster, a switchover of it, and a member stopped for good", "patroni#3145")
def test_a_patroni_cluster(wild: Wild) -> None:
    """Slots that nobody reads, a handover in seconds, and a member that leaves raise nothing about slots and links."""
    with PatroniCluster() as cluster:
        old = cluster.leader
        new = next(member for member in cluster.members if member is not old)
        with Watching(*dsns(cluster), rules=SLOTS) as watching:
            watching.until("two links", lambda: follows(cluster, watching, old))
            watching.look(20)
            assert not watching.fired, watching.history()
            nodes = watching.state.memory.nodes.values()
            assert {found.name for node in nodes if (found := orchestrator_of(node))} == {"Patroni"}
            spares = [
                (node, slot)
                for node in nodes
                for slot in (node.sample.slots if node.sample is not None else ())
                if not slot.active
            ]
            assert len(spares) == 4
            memory = watching.state.memory
            assert all(any(own.kind == "orchestrator" for own in owners_of(memory, *spare)) for spare in spares)

            beside(lambda: cluster.switchover(new.name), watching)
            watching.until("two links from the new leader", lambda: follows(cluster, watching, new), 60.0)
            watching.look(42)
            assert follows(cluster, watching, new), watching.history()
            assert not watching.fired, watching.history()
            changes = [(change.node, change.to) for change in memory.changes if change.setting == "role"]
            assert (name(new), "primary") in changes
            assert (name(old), "standby") in changes

            beside(old.stop, watching)
            watching.look(45)
            assert "slot_inactive" not in watching.fired, watching.history()
            assert not watching.fired & {"replication_cut_off", "split_brain"}, watching.history()
    wild.raises_nothing()


@pytest.mark.timeout(600)
@pytest.mark.situation(42, "Patroni fails over after a crash, and the old leader comes back", "patroni#3145")
def test_a_failover_by_patroni(wild: Wild) -> None:
    """The leader is killed with its Patroni; the others elect one of them; the old one is rewound and follows."""
    with PatroniCluster() as cluster:
        old = cluster.leader
        with Watching(*dsns(cluster), rules=PASSING) as watching:
            watching.until("two links", lambda: follows(cluster, watching, old))
            old.kill()
            wild.begins()
            watching.until("the replacement is named", lambda: watching.cause("primary_replaced"), 90.0)
            cause = watching.cause("primary_replaced")
            assert cause is not None
            assert f"{name(old)} went down" in cause.summary
            wild.answers(cause.summary)
            cluster.start(old)
            watching.until("the old leader follows", lambda: follows(cluster, watching, cluster.leader), 120.0)
            assert "split_brain" not in watching.fired, watching.history()
