"""The forms in which looks at real servers are sent: which of them are vitals, and what a reader gets out of these."""

import pytest

from leadline import wire
from leadline.clock import SystemClock
from leadline.model.observation import Sample
from leadline.model.vitals import Vitals
from leadline.settings.agent import AgentSettings, InstanceSettings
from leadline.settings.secret import Secret
from leadline_agents.engines.postgresql.instance import PostgresqlInstance
from leadline_agents.sampler import Sampler
from leadline_agents.wire_form import WireForm
from leadline_lab.sandbox.fleet import AGENT
from leadline_lab.sandbox.postgres import Server
from leadline_lab.sandbox.workload import writing
from tests.fixtures.fleets import Logical, Pair

LOOKS = 12
INTERVAL_S = 0.2


async def sent(server: Server, dbname: str = "postgres") -> tuple[list[Sample], list[str]]:
    """The looks that are sent whole, and the fields that differ in them; what is sent otherwise is checked."""
    instance = InstanceSettings(dsn=Secret(server.dsn(dbname, AGENT)), name=server.name, cluster="orders")
    clock = SystemClock()
    sampler = Sampler(instance, AgentSettings(instances=[instance], interval_s=10.0), clock)
    form, whole, differ = WireForm(PostgresqlInstance.vitals, clock), list[Sample](), list[str]()
    try:
        for _ in range(LOOKS):
            sample, _ = await sampler.look()
            assert sample.up, sample.error
            seen = wire.OBSERVATIONS.decode(wire.encode(form.of(sample)))
            if isinstance(seen, Sample):
                differ += [name for name in seen.__struct_fields__ if whole and changed(name, whole[-1], seen)]
                whole.append(seen)
            else:
                assert isinstance(seen, Vitals)
                assert wire.encode(seen.whole(whole[-1])) == wire.encode(wire.OBSERVATIONS.decode(wire.encode(sample)))
            await clock.sleep(INTERVAL_S)
    finally:
        await sampler.close()
    return whole, differ


def changed(name: str, before: Sample, after: Sample) -> bool:
    return bool(getattr(before, name) != getattr(after, name))


@pytest.mark.parametrize("standby", [False, True])
async def test_a_busy_pair_is_sent_as_vitals(any_pair: Pair, standby: bool) -> None:
    """Rows and transactions come and go; few looks are whole."""
    with writing(any_pair.primary):
        whole, differ = await sent(any_pair.standby if standby else any_pair.primary)
    assert len(whole) <= 4, differ


@pytest.mark.parametrize("subscriber", [False, True])
async def test_a_busy_subscription_is_sent_as_vitals(any_logical: Logical, subscriber: bool) -> None:
    """Counters of decoding move with each look."""
    server = any_logical.subscriber if subscriber else any_logical.publisher
    with writing(any_logical.publisher):
        whole, differ = await sent(server)
    assert len(whole) <= LOOKS // 2, differ
