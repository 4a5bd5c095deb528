"""The whole agent over an engine that was invented for the purpose, with a Kafka in this process."""

import asyncio
import gc
from collections.abc import Iterator
from pathlib import Path

import pytest

from leadline.clock import ManualClock
from leadline.errors import UsageError
from leadline.model.observation import NodeSettings, Sample
from leadline.model.replication import Positions
from leadline.settings.agent import AgentSettings, InstanceSettings, SpoolSettings
from leadline.settings.secret import Secret
from leadline_agents import service
from leadline_agents.engines.registry import ENGINES
from tests.fixtures.channels import FakeKafka
from tests.fixtures.counting_engine import NAME, CountingServer, Servers


@pytest.fixture(autouse=True)
def unfrozen() -> Iterator[None]:
    """The service freezes what is loaded; the other tests of this process are not part of it."""
    yield
    gc.unfreeze()


@pytest.fixture
def kafka(monkeypatch: pytest.MonkeyPatch) -> FakeKafka:
    kafka = FakeKafka()
    monkeypatch.setattr(service.KafkaChannel, "open", lambda *_: kafka.connect())
    return kafka


def settings(folder: Path, *names: str) -> AgentSettings:
    instances = [InstanceSettings(dsn=Secret(name), engine=NAME, name=name, cluster="counts") for name in names]
    return AgentSettings(instances=instances, spool=SpoolSettings(path=str(folder / "spool")))


async def test_any_engine_goes_through_the_whole_agent(
    kafka: FakeKafka, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Two servers are read, and their observations numbered, kept and published."""
    up, down = CountingServer("up", changes=9), CountingServer("down", upstream="up", changes=7)
    monkeypatch.setitem(ENGINES, NAME, Servers(up, down).open)
    task = asyncio.create_task(service.run(settings(tmp_path, "up", "down"), ManualClock()))
    async with asyncio.timeout(10):
        while min(len(server.calls) for server in (up, down)) < 6 and not task.done():
            await asyncio.sleep(0.01)
    task.cancel()
    await asyncio.wait({task})
    assert up.closed
    assert down.closed
    by_node = {name: [each for each in kafka.observations if each.node.name == name] for name in ("up", "down")}
    for observations in by_node.values():
        assert [each.seq for each in observations] == list(range(1, len(observations) + 1))
        assert isinstance(observations[1], NodeSettings)
        assert {each.node.engine for each in observations} == {NAME}
    first, follower = by_node["up"][0], by_node["down"][0]
    assert isinstance(first, Sample)
    assert isinstance(follower, Sample)
    assert (first.node.role, first.positions) == ("primary", Positions(current=9))
    assert follower.upstream is not None
    assert follower.upstream.host == "up"
    assert (follower.node.role, follower.positions) == ("standby", Positions(received=7, applied=7))


async def test_an_unknown_engine_stops_the_start(kafka: FakeKafka, tmp_path: Path) -> None:
    """The spool is closed again, so that the corrected agent can open it."""
    for _ in range(2):
        with pytest.raises(UsageError, match="there is no engine 'counting'"):
            await service.run(settings(tmp_path, "up"), ManualClock())
    assert kafka.open == 0
