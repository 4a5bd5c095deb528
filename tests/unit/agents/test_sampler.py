"""The sampler over an engine that was invented for the purpose: rhythm, numbers, failures, cost."""

import asyncio
from collections.abc import Callable
from typing import Any

import pytest

from leadline.clock import ManualClock, moment
from leadline.errors import UsageError
from leadline.model.audit_look import AuditLook
from leadline.model.host import Disk
from leadline.model.ids import ClusterName, NodeName
from leadline.model.observation import NodeSettings, Sample
from leadline.model.replication import Positions
from leadline.settings.agent import AgentSettings, InstanceSettings
from leadline.settings.secret import Secret
from leadline_agents.engines.registry import ENGINES
from leadline_agents.sampler import Backlog, Sampler
from tests.fixtures.counting_engine import NAME, CountingServer, Servers, unreachable

INSTANCE = InstanceSettings(
    dsn=Secret("b"), engine=NAME, name="node-2", cluster="orders", aliases=["alias:1"], labels={"team": "x"}
)
LOOK = AuditLook(node=NodeName("node-2"), cluster=ClusterName("orders"), at=moment(0))


class Rig:
    """A sampler of node-2, its server and its clock."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, server: dict[str, Any], settings: dict[str, Any]) -> None:
        self.clock = ManualClock()
        self.server = CountingServer("b", upstream="a", **server)
        monkeypatch.setitem(ENGINES, NAME, Servers(self.server).open)
        agent = AgentSettings(instances=[INSTANCE], **settings)
        self.sampler = Sampler(INSTANCE, agent, self.clock, lambda: Backlog(3, 4))

    async def look(self, after_s: float = 1.0) -> tuple[Sample, NodeSettings | None]:
        observations = await self.sampler.look()
        self.clock.advance(after_s)
        return observations


Make = Callable[..., Rig]


@pytest.fixture
def make(monkeypatch: pytest.MonkeyPatch) -> Make:
    return lambda server=None, **settings: Rig(monkeypatch, server or {}, settings)


async def test_observations_are_numbered_in_order(make: Make) -> None:
    """A sample and the settings at the first look, then samples only; one boot for all of them."""
    rig = make()
    sample, settings = await rig.look()
    assert settings is not None
    assert (sample.seq, settings.seq) == (1, 2)
    assert sample.node.boot == settings.node.boot != ""
    again, none = await rig.look()
    assert (again.seq, none) == (3, None)
    assert rig.server.calls == ["look", "settings", "look"]


async def test_the_sample_is_what_the_engine_read(make: Make) -> None:
    """The core adds the configured node and the interval, and changes nothing else."""
    sample, settings = await make({"changes": 41}, interval_s=2.0).look()
    assert (sample.node.name, sample.node.cluster, sample.node.engine) == ("node-2", "orders", NAME)
    assert (sample.node.role, sample.node.version, sample.node.labels) == ("standby", "1", {"team": "x"})
    assert sample.positions == Positions(received=41, applied=41)
    assert sample.upstream is not None
    assert (sample.upstream.host, sample.up, sample.interval_s) == ("a", True, 2.0)
    assert settings is not None
    assert settings.settings["keep_changes"].value == "1000"
    assert settings.node == sample.node


async def test_settings_are_read_again_in_time_and_after_a_change(make: Make) -> None:
    """Every ``settings_every_s``, and at once when the engine notices that they changed."""
    rig = make(settings_every_s=10)
    for _ in range(10):
        await rig.look()
    assert rig.server.calls.count("settings") == 1
    await rig.look()
    assert rig.server.calls.count("settings") == 2
    rig.server.settings_version += 1
    _, settings = await rig.look()
    assert settings is not None
    assert rig.server.calls.count("settings") == 3


async def test_settings_that_cannot_be_read_spoil_no_sample(make: Make) -> None:
    """They are read at the next look."""
    rig = make()
    rig.server.fails = {"settings": unreachable("timeout")}
    sample, settings = await rig.look()
    assert sample.up
    assert settings is None
    rig.server.fails = {}
    _, settings = await rig.look()
    assert settings is not None


async def test_no_answer_is_a_sample_too(make: Make) -> None:
    """It is not up, has the reason and the agent's clock, and nothing that looks healthy."""
    rig = make()
    rig.server.fails = {"look": unreachable("refused: nobody there")}
    sample, settings = await rig.look(0)
    assert settings is None
    assert (sample.up, sample.error) == (False, "refused: nobody there")
    assert sample.at == sample.sent_at == rig.clock.now()
    assert sample.node.role == "unknown"
    assert (sample.positions, sample.activity, sample.disk) == (None, None, None)


async def test_the_room_beside_a_server_that_is_down(make: Make) -> None:
    """The sample has the disk that the engine can measure without the server."""
    rig = make({"room": Disk(free_bytes=7, total_bytes=9)})
    rig.server.fails = {"look": unreachable()}
    sample, _ = await rig.look()
    assert sample.disk == Disk(free_bytes=7, total_bytes=9)


async def test_a_defect_is_visible_to_the_fleet(make: Make, caplog: pytest.LogCaptureFixture) -> None:
    """It does not end the sampler; the process log has it once, with the traceback."""
    rig = make()
    rig.server.fails = {"look": ZeroDivisionError("division by zero")}
    first, _ = await rig.look()
    second, _ = await rig.look()
    assert (
        first.error
        == second.error
        == ("agent error: ZeroDivisionError: division by zero (this is a defect, please report it)")
    )
    (record,) = caplog.records
    assert record.exc_info


async def test_a_reason_leaves_without_secrets(make: Make) -> None:
    """The words of a server or of libpq may quote a connection string."""
    rig = make()
    for error in (unreachable("no route to postgresql://u:hunter2@h"), ValueError("host=h password=hunter2 user=x")):
        rig.server.fails = {"look": error}
        sample, _ = await rig.look()
        assert sample.error is not None
        assert "***" in sample.error
        assert "hunter2" not in sample.error


async def test_only_changes_are_logged(make: Make, caplog: pytest.LogCaptureFixture) -> None:
    """One line when a server stops to answer, one when it answers again."""
    caplog.set_level("INFO")
    rig = make()
    rig.server.fails = {"look": unreachable("refused")}
    for _ in range(3):
        await rig.look()
    rig.server.fails = {}
    for _ in range(3):
        await rig.look()
    assert [record.getMessage() for record in caplog.records] == [
        "the server cannot be read: refused",
        "the server answers",
    ]
    assert {vars(record)["node"] for record in caplog.records} == {"node-2"}


async def test_each_sample_has_its_cost(make: Make) -> None:
    """Of the round trip, of the agent, and what waits."""
    sample, _ = await make().look()
    assert sample.cost is not None
    assert sample.cost.statement_ms == 1.5
    assert sample.cost.agent_cpu_s > 0
    assert sample.cost.agent_rss_bytes > 1_000_000
    assert (sample.cost.spooled, sample.cost.dropped) == (3, 4)


async def test_the_address_is_the_engines(make: Make) -> None:
    """A server on this machine has the machine's name as one more alias."""
    sample, _ = await make({"host": "db.example"}).look()
    assert (sample.node.host, sample.node.port, sample.node.aliases) == ("db.example", 7000, ("alias:1",))
    sample, _ = await make({"host": "/run/counting"}).look()
    assert (sample.node.host, sample.node.port) == ("/run/counting", 7000)
    assert sample.node.aliases[1].endswith(":7000")


@pytest.mark.parametrize(("interval_s", "timeout_s"), [(0.1, 0.075), (1.0, 0.75), (60.0, 3.0)])
def test_a_statement_never_outlasts_the_interval(make: Make, interval_s: float, timeout_s: float) -> None:
    """The setting is an upper limit."""
    options = make(interval_s=interval_s).server.options
    assert options is not None
    assert options.statement_timeout_s == pytest.approx(timeout_s)
    assert options.patience_s < interval_s


async def test_a_missed_look_is_left_out(make: Make) -> None:
    """After a slow look the rhythm goes on; looks never come in a burst."""
    rig = make()
    started: list[float] = []
    slow = iter([0.0, 2.5])

    def before_look() -> None:
        started.append(rig.clock.monotonic())
        rig.clock.advance(next(slow, 0.0))

    rig.server.before_look = before_look
    done = asyncio.Event()

    def publish(observation: Sample | NodeSettings) -> None:
        if observation.seq >= 6:
            done.set()

    task = asyncio.create_task(rig.sampler.run(publish, after_s=0.5))
    await asyncio.wait_for(done.wait(), 5)
    task.cancel()
    await asyncio.wait({task})
    assert started[:4] == [0.5, 1.5, 4.5, 5.5]
    assert rig.server.closed


def test_an_unknown_engine_is_a_usage_error() -> None:
    """It names the instance, the engine, and the engines that there are."""
    instance = InstanceSettings(dsn=Secret("b"), engine="abacus", name="node-2", cluster="orders")
    with pytest.raises(UsageError, match=r"'node-2' of cluster 'orders': there is no engine 'abacus'; .* postgresql"):
        Sampler(instance, AgentSettings(instances=[instance]), ManualClock())


async def test_looks_for_the_audit_come_at_the_start_after_a_change_and_rarely(make: Make) -> None:
    """Every ``audit_every_s``; at once when other settings were read; not of a server that does not answer."""
    rig = make({"audit": LOOK}, audit_every_s=60, settings_every_s=10)

    async def looks(times: int) -> int:
        found = 0
        for _ in range(times):
            sample, settings = await rig.look()
            found += await rig.sampler.audit(sample, settings) is not None
        return found

    assert await looks(60) == 1
    assert await looks(1) == 1
    assert await looks(30) == 0
    rig.server.settings = {"keep_changes": "7"}
    rig.server.settings_version += 1
    assert await looks(1) == 1
    rig.server.fails["look"] = unreachable()
    assert await looks(200) == 0
    rig.server.fails.clear()
    assert await looks(1) == 1


async def test_a_look_for_the_audit_that_fails_is_tried_again_and_harms_nothing(make: Make) -> None:
    """After a minute, whatever the failure is; samples go on."""
    rig = make({"audit": LOOK})
    for failure in (unreachable("a lock is in the way"), ZeroDivisionError("a defect")):
        rig.server.fails["audit"] = failure
        sample, settings = await rig.look(61.0)
        assert await rig.sampler.audit(sample, settings) is None
        assert sample.up
    rig.server.fails.clear()
    assert await rig.sampler.audit(*(await rig.look(61.0))) is not None


async def test_no_looks_for_the_audit_where_they_are_switched_off(make: Make) -> None:
    """Neither at the start nor after a change."""
    rig = make({"audit": LOOK}, audit_every_s=0)
    for version in range(3):
        rig.server.settings = {"keep_changes": str(version)}
        rig.server.settings_version += 1
        assert await rig.sampler.audit(*(await rig.look())) is None
    assert "audit" not in rig.server.calls
