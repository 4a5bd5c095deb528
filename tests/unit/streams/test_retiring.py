"""Nodes that are gone for good are forgotten, by evidence, by time and by command; those that may come back are not."""

import sys
from collections.abc import Callable
from datetime import timedelta
from types import SimpleNamespace

import pytest
from msgspec.structs import replace

from leadline.model.ids import ClusterName, NodeName
from leadline.model.retirement import Retirement
from leadline.model.status import NodeStatus
from leadline.wire import OBSERVATIONS, encode, outgoing
from leadline_streams.assembly import ClusterFactory
from leadline_streams.judge.cluster import ClusterState
from leadline_streams.judge.departure import DROPPED_AFTER_S, REPLACED_AFTER_S
from leadline_streams.judge.policy import Policy
from leadline_streams.judge.status import Forgotten
from leadline_streams.runtime.partition import Partition
from leadline_streams.runtime.snapshot import Saved
from tests.unit.streams.world import QUICK, Server, World, at

RULES = {"node_down": QUICK, "agent_silent": QUICK, "replication_cut_off": QUICK}
REFUSED = "refused: connection refused (is the server running there?)"


class Three(World):
    """A primary and two standbys, which stream."""

    def __init__(self, **policy: float) -> None:
        super().__init__(policy=Policy(**{"quiet_s": 5.0, "rules": RULES, **policy}))  # type: ignore[arg-type]
        self.up, self.down = self.pair()
        self.other = self.add("pg-3", "standby")
        self.gone: set[str] = set()
        self.live(10)

    def live(self, seconds: int, every: int = 1) -> None:
        """Those that are not gone stream."""
        for _ in range(0, seconds, every):
            for server in list(self.servers.values()):
                if server is not self.up and server.node.name not in self.gone:
                    self.stream(self.up, server)
            if every > 4:
                self.sleep(every - 1.0)
                self.step(1)
            else:
                self.step(every)

    def sleep(self, seconds: float) -> None:
        """Nothing is looked at or judged for so long."""
        self.time += seconds
        self.outputs += self.state.tick(at(self.time))

    def stop(self, server: Server, *, clean: bool = True) -> None:
        """A server is stopped, or crashes; its agent goes on."""
        self.gone.add(server.node.name)
        kept = {name: value for name, value in server.fields.items() if name == "interval_s"}
        server.fields = {"up": False, "error": REFUSED, "stopped": clean, **kept}
        slot = f"s{server.node.name.rpartition('-')[2]}"
        self.up.set(
            downstreams=tuple(row for row in self.up.fields["downstreams"] if row.slot != slot),
            slots=tuple(replace(each, active=each.active and each.name != slot) for each in self.up.fields["slots"]),
        )

    def drop_slot(self, server: Server) -> None:
        """Somebody drops the slot of a server on the primary."""
        slot = f"s{server.node.name.rpartition('-')[2]}"
        self.up.set(slots=tuple(each for each in self.up.fields["slots"] if each.name != slot))

    def command(self, node: str) -> None:
        """A person retires a node."""
        retirement = Retirement(
            retirement_id=f"ret-{self.time}",
            cluster=ClusterName(self.cluster),
            node=NodeName(node),
            by="ann",
            sent_at=at(self.time) + timedelta(milliseconds=600),
        )
        seen = OBSERVATIONS.decode(encode(retirement))
        assert isinstance(seen, Retirement)
        self.outputs += self.state.observe(seen)

    def retired(self) -> list[tuple[str, str]]:
        """Rule and summary of each alert that ended because a node was forgotten."""
        return [(each.rule, each.summary) for each in self.transitions if each.reason == "retired"]

    def nodes(self) -> set[str]:
        return set(self.state.memory.nodes)

    def tombstones(self) -> list[tuple[str, str]]:
        return [(each.ident, each.retired) for each in self.outputs if isinstance(each, Forgotten)]


def test_a_standby_that_was_stopped_and_whose_slot_was_dropped_is_forgotten() -> None:
    """Its alert ends and says why, its incident ends, its status and that of its link have tombstones."""
    world = Three()
    world.stop(world.down)
    world.live(20)
    assert "node_down" in world.fired()
    world.drop_slot(world.down)
    world.live(int(DROPPED_AFTER_S) + 30)
    assert ("node_down", "node_down on pg-2 is over: pg-2 was stopped, and its slot on pg-1 was dropped") in (
        world.retired()
    )
    assert world.nodes() == {"pg-1", "pg-3"}
    assert not world.state.memory.alerts
    assert {incident.state for incident in {each.incident_id: each for each in world.incidents}.values()} == {
        "resolved"
    }
    assert any("its slot on pg-1 was dropped" in entry.what for entry in world.incidents[-1].timeline)
    assert set(world.tombstones()) == {("orders/pg-1->pg-2", ""), ("orders/pg-2", "evidence")}
    world.live(120)
    assert world.nodes() == {"pg-1", "pg-3"}, "its agent still reports that it does not answer"


def test_one_that_returns_is_a_node_again() -> None:
    world = Three()
    world.stop(world.down)
    world.drop_slot(world.down)
    world.live(60)
    assert "pg-2" not in world.nodes()
    world.gone.clear()
    world.down.fields = {}
    world.live(20)
    assert world.state.memory.nodes["pg-2"].answers
    assert "orders/pg-1->pg-2" in world.state.memory.links
    assert not world.state.memory.retired
    assert not world.state.memory.alerts
    world.stop(world.down, clean=False)
    world.live(30)
    assert any(each.to == "firing" and each.rule == "node_down" and each.seq > 1 for each in world.transitions)


@pytest.mark.slow
@pytest.mark.parametrize(
    "leave",
    [
        pytest.param(lambda world: (world.stop(world.down, clean=False), world.drop_slot(world.down)), id="crashed"),
        pytest.param(lambda world: world.stop(world.down), id="slot kept"),
        pytest.param(lambda world: setattr(world.down, "silent", True), id="agent silent, server there"),
        pytest.param(
            lambda world: (
                world.stop(world.down),
                world.drop_slot(world.down),
                world.up.set(not_permitted=("slots",), slots=()),
            ),
            id="slots hidden",
        ),
        pytest.param(
            lambda world: (world.stop(world.down), world.drop_slot(world.down), setattr(world.up, "silent", True)),
            id="primary silent",
        ),
    ],
)
def test_one_that_may_come_back_is_not_forgotten(leave: Callable[[Three], object]) -> None:
    """An orchestrator drops the slot of a member that crashed, too; nobody may be left unwarned of it."""
    world = Three()
    leave(world)
    world.gone.add("pg-2")
    world.live(7200, every=4)
    assert "pg-2" in world.nodes()
    assert not world.retired()
    assert any(alert.state in ("firing", "unknown") for alert in world.state.memory.alerts.values())


@pytest.mark.slow
def test_a_standby_that_another_one_replaced_is_forgotten() -> None:
    """A pod with its agent is killed, and one with another name takes its place; only one for each."""
    world = Three()
    for server in (world.down, world.other):
        world.stop(server, clean=False)
        world.drop_slot(server)
        server.silent = True
    world.live(30)
    world.add("pg-4", "standby")
    world.live(int(REPLACED_AFTER_S) + 60, every=4)
    assert world.nodes() == {"pg-1", "pg-3", "pg-4"}
    assert {why for _, why in world.tombstones() if why} == {"evidence"}
    assert any(summary.endswith("and pg-4 took its place") for _, summary in world.retired())


def test_what_nobody_reads_is_forgotten_by_time() -> None:
    """The silent agent of a server that others are connected with is not; that server runs."""
    world = Three(retire_after_s=600.0)
    world.stop(world.down, clean=False)
    world.down.silent = world.other.silent = True
    world.live(500, every=4)
    assert "pg-2" in world.nodes()
    world.live(150, every=4)
    assert world.nodes() == {"pg-1", "pg-3"}
    assert ("orders/pg-2", "time") in world.tombstones()


def test_time_without_the_processor_does_not_count() -> None:
    """After an outage of a week every agent reports anew, and nobody is forgotten."""
    world = Three()
    world.sleep(7 * 86400.0)
    world.live(900, every=4)
    assert world.nodes() == {"pg-1", "pg-2", "pg-3"}
    assert not world.retired()


def test_a_person_retires_a_node() -> None:
    world = Three()
    world.stop(world.down, clean=False)
    world.live(20)
    world.command("pg-2")
    assert ("node_down", "node_down on pg-2 is over: pg-2 was retired by ann") in world.retired()
    world.live(20)
    assert world.nodes() == {"pg-1", "pg-3"}
    assert world.incidents[-1].state == "resolved"


def test_one_that_answers_is_not_retired_by_command() -> None:
    world = Three()
    for node in ("pg-2", "pg-9"):
        world.command(node)
    world.live(5)
    assert world.nodes() == {"pg-1", "pg-2", "pg-3"}
    assert not world.tombstones()


def test_what_was_forgotten_stays_so_after_a_restart() -> None:
    world = Three()
    world.stop(world.down)
    world.drop_slot(world.down)
    world.live(60)
    world.state = ClusterState.load(world.state.dump(), world.judgement)
    world.live(30)
    assert world.nodes() == {"pg-1", "pg-3"}


def test_an_old_primary_that_was_replaced_and_stopped_is_forgotten() -> None:
    """After ``judgement.forget_s``; not while somebody still follows it."""
    world = Three(forget_s=600.0)
    old, new, other = world.up, world.down, world.other
    world.gone = {"pg-1", "pg-2", "pg-3"}
    old.fields = {"up": False, "error": REFUSED, "stopped": True}
    new.node = replace(new.node, role="primary", timeline=2)
    new.fields = {}
    for _ in range(175):
        world.stream(new, other)
        world.step(4.0)
    assert world.nodes() == {"pg-2", "pg-3"}
    statuses = [each for each in world.outputs if isinstance(each, NodeStatus) and each.node == "pg-1"]
    assert statuses


def calls(world: World) -> int:
    """The cost of one round of healthy samples, as a number of calls of functions."""
    found = 0

    def count(*event: object) -> None:
        nonlocal found
        found += event[1] == "call"

    sys.setprofile(count)
    try:
        world.step()
    finally:
        sys.setprofile(None)
    return found


@pytest.mark.slow
def test_a_year_of_pods() -> None:
    """A standby comes under a new name every three days and leaves after one, in one way or another: memory, the size
    of the state and the cost of a sample stay where they were."""
    hour = 3600
    world = Three()
    for server in world.servers.values():
        server.set(interval_s=6.0 * hour)
    world.live(24 * hour, every=6 * hour)
    before = calls(world)
    sizes, alerts = [], []
    for number in range(120):
        pod = world.add(f"pg-{100 + number}", "standby")
        pod.set(interval_s=6.0 * hour)
        world.live(24 * hour, every=6 * hour)
        world.stop(pod, clean=number % 3 != 0)
        pod.silent = number % 3 != 1
        if number % 4:
            world.drop_slot(pod)
        world.live(24 * hour, every=6 * hour)
        world.drop_slot(pod)
        world.live(24 * hour, every=6 * hour)
        del world.servers[pod.node.name]
        sizes.append(len(world.state.dump()))
        alerts.append(len(world.state.memory.alerts))
        world.outputs.clear()
    memory = world.state.memory
    assert max(alerts[60:]) <= max(alerts[:60])
    assert max(sizes[60:]) <= 1.1 * max(sizes[:60])
    world.live(5 * 24 * hour, every=6 * hour)
    assert set(memory.nodes) == set(memory.arrivals.sources) == {"pg-1", "pg-2", "pg-3"}
    assert len(memory.links) == 2
    assert not memory.alerts
    assert calls(world) <= before


def test_a_worker_folds_a_retirement() -> None:
    """As bytes among the samples of its cluster; the node's status is removed, and it is counted."""
    world = Three()
    world.stop(world.down)
    world.live(20)
    partition = Partition(0, 0, ClusterFactory(world.judgement.policy), {}, 10.0)
    partition.restore(b"orders", Saved(0, 0, world.state.dump()), 0.0)
    retirement = Retirement(
        retirement_id="ret-1", cluster=ClusterName("orders"), node=NodeName("pg-2"), by="ann", sent_at=at(world.time)
    )
    made = outgoing(retirement, "")
    record = SimpleNamespace(key=made.key, offset=0, headers=made.headers, value=made.value)
    folded = partition.fold([record], 0.0)
    assert (folded.judged, folded.rejected) == (1, [])
    assert {output for _, output in folded.outputs if isinstance(output, Forgotten)} == {
        Forgotten("orders/pg-1->pg-2"),
        Forgotten("orders/pg-2", "command"),
    }
