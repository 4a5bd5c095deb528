"""An invented engine from its servers to an incident: agent, wire and judgement work with any engine."""

import pytest

from leadline import wire
from leadline.clock import ManualClock
from leadline.model.incident import Incident
from leadline.settings.agent import AgentSettings, InstanceSettings
from leadline.settings.secret import Secret
from leadline_agents.engines import registry
from leadline_agents.sampler import Sampler
from leadline_streams.assembly import ENGINES, judgement
from leadline_streams.judge.cluster import ClusterState
from leadline_streams.judge.policy import Policy
from tests.fixtures.counting import Counting
from tests.fixtures.counting_engine import NAME, CountingServer, Servers

POLICY = Policy(rules={"replication_stalled": {"for_s": 3.0, "keep_s": 3.0}})


async def test_a_stalled_replica_of_an_invented_engine_becomes_an_incident(monkeypatch: pytest.MonkeyPatch) -> None:
    """Two servers are sampled each second; the replica stops applying, and its link is named."""
    primary, replica = CountingServer("a"), CountingServer("b", upstream="a")
    monkeypatch.setitem(registry.ENGINES, NAME, Servers(primary, replica).open)
    clock = ManualClock()
    instances = [InstanceSettings(dsn=Secret(name), engine=NAME, name=name, cluster="shop") for name in ("a", "b")]
    samplers = [Sampler(instance, AgentSettings(instances=instances), clock) for instance in instances]
    state = ClusterState("shop", judgement(POLICY, ENGINES | {NAME: Counting()}))
    verdicts: list[str] = []
    incidents: list[Incident] = []
    for second in range(30):
        primary.changes += 10
        replica.changes = primary.changes
        if second == 10:
            replica.applied = replica.changes
        for sampler in samplers:
            for observation in await sampler.look():
                if observation is not None:
                    outputs = state.observe(wire.OBSERVATIONS.decode(wire.encode(observation)))
                    incidents += [each for each in outputs if isinstance(each, Incident)]
        clock.advance(1.0)
        incidents += [each for each in state.tick(clock.now()) if isinstance(each, Incident)]
        verdicts += [link.verdict for link in state.memory.links.values()]
    assert verdicts[5] == "healthy"
    assert verdicts[-1] == "replay_stalled"
    assert incidents[-1].rules == ["replication_stalled"]
