"""The rhythm of looking: what is asked when, and what is said when nobody answers."""

import asyncio
import json
from pathlib import Path
from typing import Any

import pytest

from leadline.clock import ManualClock
from leadline.model.observation import Disk, NodeSettings, Sample
from leadline.settings.agent import AgentSettings, InstanceSettings
from leadline.settings.secret import Secret
from leadline_agents import sampler as module
from leadline_agents.engines.postgresql.connect_errors import Trouble
from leadline_agents.sampler import Backlog, Sampler

DOCUMENTS = Path(__file__).parent / "postgresql" / "documents"
FILES = b'{"wal_files": 2, "wal_bytes": 32, "data_directory": "/nowhere"}'
TABLES = b'{"published": {"pub": [{"name": "public.items", "columns": {"id": "integer"}}]}}'
INSTANCE = InstanceSettings(
    dsn=Secret("host=db2,db3 port=5433 password=secret"), name="pg-2", cluster="orders", aliases=["alias:1"]
)


class FakeProbe:
    """Answers from recorded documents; what is in ``troubles`` happens first."""

    def __init__(self, *_: object, **options: Any) -> None:
        self.options = options
        self.asked: list[str] = []
        self.without: list[frozenset[str]] = []
        self.look = (DOCUMENTS / "18-primary.json").read_bytes()
        self.troubles: dict[str, Exception] = {}
        self.round_trip_s = 0.0015
        self.closed = False

    async def ask(self, query: str, without: frozenset[str] = frozenset()) -> bytes:
        self.asked.append(query)
        if query in self.troubles:
            raise self.troubles[query]
        if query == "look":
            self.without.append(without)
            return json.dumps({name: it for name, it in json.loads(self.look).items() if name not in without}).encode()
        settings = (DOCUMENTS / "18-settings.json").read_bytes()
        return {"settings": settings, "files": FILES, "tables": TABLES}[query]

    async def close(self) -> None:
        self.closed = True


@pytest.fixture(autouse=True)
def fake(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "Probe", FakeProbe)


class Rig:
    """A sampler of pg-2, its probe and its clock."""

    def __init__(self, **settings: Any) -> None:
        self.clock = ManualClock()
        self.settings = AgentSettings(instances=[INSTANCE], **settings)
        self.sampler = Sampler(INSTANCE, self.settings, self.clock, lambda: Backlog(3, 4))
        self.probe = self.sampler._probe
        assert isinstance(self.probe, FakeProbe)

    async def look(self, after_s: float = 1.0) -> tuple[Sample, NodeSettings | None]:
        seen = await self.sampler.look()
        self.clock.advance(after_s)
        return seen


async def test_the_first_look_brings_everything() -> None:
    """Sample, log directory and settings, numbered in this order; then only the look."""
    rig = Rig()
    sample, settings = await rig.look()
    assert settings is not None
    assert (sample.seq, settings.seq) == (1, 2)
    assert sample.node.boot == settings.node.boot != ""
    assert sample.disk is not None
    assert sample.disk.free_bytes is None
    again, none = await rig.look()
    assert (again.seq, again.disk, none) == (3, None, None)
    assert rig.probe.asked == ["look", "files", "settings", "look"]


@pytest.mark.parametrize(
    ("document", "vacant"),
    [
        ("18-primary", {"upstream", "conflicts", "subscriptions"}),
        ("18-subscriber", {"upstream", "conflicts"}),
        ("18-standby", {"subscriptions"}),
    ],
)
async def test_what_a_server_cannot_have_is_not_asked_for_again(document: str, vacant: set[str]) -> None:
    """The first look tells what its role has no row of; asking for that would cost all the same."""
    rig = Rig()
    rig.probe.look = (DOCUMENTS / f"{document}.json").read_bytes()
    first, _ = await rig.look()
    again, _ = await rig.look()
    assert rig.probe.without == [frozenset(), vacant]
    assert (again.subscriptions, again.upstream, again.conflicts) == (
        first.subscriptions,
        first.upstream,
        first.conflicts,
    )


@pytest.mark.parametrize(
    ("before", "after"),
    [("18-primary", "18-subscriber"), ("18-primary", "18-standby"), ("18-standby", "18-subscriber")],
)
async def test_what_came_since_is_in_the_same_look(before: str, after: str) -> None:
    """A subscription was made, or the server has another role: no sample is sent without what it has now."""
    rig = Rig()
    rig.probe.look = (DOCUMENTS / f"{before}.json").read_bytes()
    await rig.look()
    rig.probe.look = (DOCUMENTS / f"{after}.json").read_bytes()
    sample, _ = await rig.look()
    fresh = Rig()
    fresh.probe.look = rig.probe.look
    expected, _ = await fresh.look()
    assert (sample.subscriptions, sample.upstream, sample.conflicts) == (
        expected.subscriptions,
        expected.upstream,
        expected.conflicts,
    )
    assert expected.subscriptions or expected.upstream


async def test_files_are_listed_once_a_minute() -> None:
    """A listing looks at every file of the log."""
    rig = Rig()
    for _ in range(121):
        await rig.look()
    assert rig.probe.asked.count("files") == 3


async def test_tables_are_told_while_a_worker_is_in_trouble() -> None:
    """At once, and then now and then; while all is well nobody asks."""
    rig = Rig()
    await rig.look()
    assert "tables" not in rig.probe.asked
    rig.probe.look = rig.probe.look.replace(b'"active": true', b'"active": false')
    told = [(await rig.look())[0].tables for _ in range(61)]
    assert [second for second, tables in enumerate(told) if tables is not None] == [0, 30, 60]
    assert told[0] is not None
    assert told[0].published["pub"][0].columns == {"id": "integer"}


async def test_settings_are_read_again_in_time_and_after_a_reload() -> None:
    """The server says when it last loaded its configuration."""
    rig = Rig(settings_every_s=10)
    for _ in range(10):
        await rig.look()
    assert rig.probe.asked.count("settings") == 1
    await rig.look()
    assert rig.probe.asked.count("settings") == 2
    rig.probe.look = rig.probe.look.replace(b'"settings_loaded_at": "20', b'"settings_loaded_at": "19')
    _, settings = await rig.look()
    assert settings is not None
    assert rig.probe.asked.count("settings") == 3


async def test_a_failed_extra_spoils_no_sample() -> None:
    """Settings that cannot be read now are asked for at the next look."""
    rig = Rig()
    rig.probe.troubles = {"files": Trouble("timeout"), "settings": Trouble("timeout")}
    sample, settings = await rig.look()
    assert sample.up
    assert sample.disk is None
    assert settings is None
    rig.probe.troubles = {}
    _, settings = await rig.look()
    assert settings is not None


async def test_no_answer_is_a_sample_too() -> None:
    """Not up, with the reason, by the agent's clock, and nothing that looks healthy."""
    rig = Rig()
    rig.probe.troubles = {"look": Trouble("refused: nobody there")}
    sample, settings = await rig.look(0)
    assert settings is None
    assert (sample.up, sample.error) == (False, "refused: nobody there")
    assert sample.at == sample.sent_at == rig.clock.now()
    assert sample.node.role == "unknown"
    assert (sample.positions, sample.activity, sample.disk) == (None, None, None)


async def test_the_room_beside_a_server_that_is_down(monkeypatch: pytest.MonkeyPatch) -> None:
    """The agent looks at the volume of the log itself, once it knows where it is and when it is on this host."""
    monkeypatch.setattr(module.host, "volume", {"/nowhere": (7, 9)}.get)
    rig = Rig()
    for here in (True, False):
        monkeypatch.setattr(module.host, "is_here", lambda name, here=here: here)
        rig.probe.troubles = {}
        await rig.look()
        rig.probe.troubles = {"look": Trouble("refused: nobody there")}
        sample, _ = await rig.look()
        assert sample.disk == (Disk(free_bytes=7, total_bytes=9) if here else None)


async def test_a_defect_in_the_agent_is_seen_by_the_fleet(caplog: pytest.LogCaptureFixture) -> None:
    """It ends neither this watch nor the others, and is logged once, with where it is."""
    rig = Rig()
    rig.probe.look = b'{"node": {}}'
    first, _ = await rig.look()
    second, _ = await rig.look()
    assert first.error == second.error
    assert first.error is not None
    assert first.error.startswith("defect in the agent, please report it: ValidationError: ")
    (record,) = caplog.records
    assert record.exc_info


async def test_only_changes_are_logged(caplog: pytest.LogCaptureFixture) -> None:
    """One line when a server goes, one when it is back."""
    caplog.set_level("INFO")
    rig = Rig()
    rig.probe.troubles = {"look": Trouble("refused")}
    for _ in range(3):
        await rig.look()
    rig.probe.troubles = {}
    for _ in range(3):
        await rig.look()
    assert [record.getMessage() for record in caplog.records] == [
        "the server cannot be read: refused",
        "the server answers",
    ]
    assert {vars(record)["node"] for record in caplog.records} == {"pg-2"}


async def test_the_cost_is_told() -> None:
    """Of the statement, of the agent, and what waits."""
    sample, _ = await Rig().look()
    assert sample.cost is not None
    assert sample.cost.statement_ms == 1.5
    assert sample.cost.agent_cpu_s > 0
    assert sample.cost.agent_rss_bytes > 1_000_000
    assert (sample.cost.spooled, sample.cost.dropped) == (3, 4)


async def test_the_address_is_that_of_the_dsn() -> None:
    """The first host; a server on this machine is known by the machine's name as well."""
    sample, _ = await Rig().look()
    assert (sample.node.host, sample.node.port) == ("db2", 5433)
    assert "alias:1" in sample.node.aliases
    here = InstanceSettings(dsn=Secret("host=/run/postgresql"), name="pg-2", cluster="orders")
    sample, _ = await Sampler(here, AgentSettings(instances=[here]), ManualClock()).look()
    assert (sample.node.host, sample.node.port) == ("/run/postgresql", 5432)
    assert sample.node.aliases[0].endswith(":5432")


@pytest.mark.parametrize(("interval_s", "timeout_s"), [(0.1, 0.075), (1.0, 0.75), (60.0, 3.0)])
def test_a_statement_never_outlasts_the_interval(interval_s: float, timeout_s: float) -> None:
    """The setting is an upper limit."""
    options = Rig(interval_s=interval_s).probe.options
    assert options["timeout_s"] == pytest.approx(timeout_s)
    assert options["patience_s"] < interval_s


async def test_a_missed_look_is_not_made_up_for() -> None:
    """After a slow one the rhythm goes on; looks never come in a burst."""
    rig = Rig()
    seen: list[float] = []
    slow = iter([0.0, 2.5])

    async def ask(query: str, without: frozenset[str] = frozenset()) -> bytes:
        if query == "look":
            seen.append(rig.clock.monotonic())
            rig.clock.advance(next(slow, 0.0))
        return await FakeProbe.ask(rig.probe, query, without)

    rig.probe.ask = ask  # type: ignore[method-assign]
    done = asyncio.Event()

    def publish(observation: Sample | NodeSettings) -> None:
        if observation.seq >= 6:
            done.set()

    task = asyncio.create_task(rig.sampler.run(publish, after_s=0.5))
    await asyncio.wait_for(done.wait(), 5)
    task.cancel()
    await asyncio.wait({task})
    assert seen[:4] == [0.5, 1.5, 4.5, 5.5]
    assert rig.probe.closed
