"""An engine that nobody thought of goes from its samples to an incident, and no neutral file changes for it."""

from typing import Any

import pytest
from msgspec.structs import replace

from leadline.errors import BadRecord
from leadline.model.ids import ClusterName, NodeName
from leadline.model.incident import Incident
from leadline.model.lag import LagRollup
from leadline.model.node import Node
from leadline.model.observation import Sample
from leadline.model.replication import Positions, Upstream
from leadline.wire import OBSERVATIONS, encode
from leadline_streams.assembly import ENGINES, judgement
from leadline_streams.judge.cluster import ClusterState
from leadline_streams.judge.policy import Policy
from tests.fixtures.counting import NAME, Counting
from tests.unit.streams.world import START, at

QUICK = {"for_s": 3.0, "keep_s": 3.0}
POLICY = Policy(quiet_s=5.0, rules={"replication_stalled": QUICK, "replication_cut_off": QUICK, "node_down": QUICK})


class Pair:
    """A server ``a`` and its replica ``b``, ten changes a second."""

    def __init__(self) -> None:
        self.state = ClusterState("shop", judgement(POLICY, ENGINES | {NAME: Counting()}))
        self.outputs: list[Any] = []
        self.second = 0
        self.changes = 0
        self.applied: int | None = None
        """The position at which the replica stopped applying; None while it keeps up."""
        self.upstream = Upstream(host="a", status="running")
        self.up = True

    def step(self, seconds: int) -> None:
        """Both servers are read each second; what they show goes over the wire."""
        for _ in range(seconds):
            self.second += 1
            self.changes += 10
            applied = self.changes if self.applied is None else self.applied
            replica = Positions(received=self.changes, applied=applied)
            for sample in (
                self._sample("a", "primary", positions=Positions(current=self.changes)),
                self._sample("b", "standby", positions=replica, upstream=self.upstream),
            ):
                self.outputs += self.state.observe(OBSERVATIONS.decode(encode(sample)))  # type: ignore[arg-type]
            self.outputs += self.state.tick(at(self.second + 0.5))

    def _sample(self, name: str, role: Any, **groups: Any) -> Sample:
        node = Node(name=NodeName(name), cluster=ClusterName("shop"), boot=name, engine=NAME, role=role, system_id="1")
        time = at(self.second + (0.0 if name == "a" else 0.1))
        if name == "a" and not self.up:
            return Sample(node=node, seq=self.second, at=time, sent_at=time, up=False, error="connection lost")
        return Sample(node=node, seq=self.second, at=time, sent_at=time, up=True, **groups)

    @property
    def incident(self) -> Incident:
        """The newest record."""
        return [output for output in self.outputs if isinstance(output, Incident)][-1]

    @property
    def link(self) -> Any:
        """The one link."""
        (link,) = self.state.memory.links.values()
        return link


def test_a_replica_that_keeps_up_is_healthy() -> None:
    """Positions are counts, the lag is zero, and roll-ups say that they count transactions."""
    pair = Pair()
    pair.step(70)
    assert (pair.link.verdict, pair.link.lag_s, pair.link.kind) == ("healthy", 0.0, "gtid")
    rollups = [output for output in pair.outputs if isinstance(output, LagRollup)]
    assert {(each.unit, each.bytes_max, each.transactions_max) for each in rollups} == {("transactions", None, 0)}
    assert not any(isinstance(output, Incident) for output in pair.outputs)


def test_a_replica_that_stops_applying_becomes_an_incident() -> None:
    """One change is a gap: no slack of bytes applies. Positions in the evidence are the engine's."""
    pair = Pair()
    pair.step(10)
    pair.applied = pair.changes
    pair.step(20)
    assert pair.link.verdict == "replay_stalled"
    assert pair.incident.rules == ["replication_stalled"]
    evidence = [output for output in pair.outputs if getattr(output, "to", "") == "firing"][-1].evidence
    assert {"position": "#100", "applier": "stopped"}.items() <= {each.name: each.value for each in evidence}.items()
    pair.applied = None
    pair.step(30)
    assert pair.incident.state == "resolved"


def test_a_replica_that_is_cut_off_becomes_an_incident() -> None:
    """The connection is what the engine says it is."""
    pair = Pair()
    pair.step(10)
    pair.upstream = replace(pair.upstream, status=None)
    pair.step(20)
    assert pair.link.verdict == "cut_off"
    assert "replication_cut_off" in pair.incident.rules


def test_a_server_that_is_gone_is_named_as_the_cause() -> None:
    """Causes about nodes need no engine of their own."""
    pair = Pair()
    pair.step(10)
    pair.up = False
    pair.step(20)
    assert "node_down" in pair.incident.rules
    assert pair.incident.causes[0].code == "primary_down"


def test_an_engine_refuses_its_own_bad_samples() -> None:
    """Validation is the engine's, with the path of what is wrong."""
    pair = Pair()
    bad = replace(pair._sample("b", "standby"), positions=Positions(received=1, applied=2))
    with pytest.raises(BadRecord, match=r"\$\.positions\.applied"):
        pair.state.observe(bad)


def test_an_unknown_engine_is_refused() -> None:
    """It goes to the dead letters with its path; nothing of it is remembered."""
    state = ClusterState("shop", judgement(POLICY))
    node = Node(name=NodeName("a"), cluster=ClusterName("shop"), boot="a", engine="oracle")
    with pytest.raises(BadRecord, match=r"'oracle'.*\$\.node\.engine"):
        state.observe(Sample(node=node, seq=1, at=START, sent_at=START, up=True))
    assert state.memory.nodes == {}


def test_two_servers_that_take_writes_are_a_split_brain() -> None:
    """The engine says who takes writes, and which servers hold the same data."""
    pair = Pair()
    pair.step(10)
    for _ in range(10):
        pair.second += 1
        pair.changes += 10
        for name in ("a", "b"):
            writer = pair._sample(name, "primary", positions=Positions(current=pair.changes))
            pair.outputs += pair.state.observe(writer)
        pair.outputs += pair.state.tick(at(pair.second + 0.5))
    assert "split_brain" in pair.incident.rules
    assert pair.incident.causes[0].code == "two_writers"
