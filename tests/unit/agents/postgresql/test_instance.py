"""A PostgreSQL server as an engine: what is asked at which look. A recorded answer stands for the server."""

import json
from pathlib import Path
from typing import Any

import pytest
from msgspec import ValidationError

from leadline.clock import ManualClock
from leadline.errors import UsageError
from leadline.model.host import Disk
from leadline.model.ids import ClusterName, NodeName
from leadline.model.node import Node
from leadline.model.observation import NodeSettings, Sample, SettingValue
from leadline.settings.agent import InstanceSettings
from leadline.settings.secret import Secret
from leadline_agents.engine import UNNUMBERED, CannotRead, EngineOptions
from leadline_agents.engines.postgresql import instance as module
from leadline_agents.engines.postgresql.instance import PostgresqlInstance
from leadline_agents.engines.postgresql.rights import Rights

DOCUMENTS = Path(__file__).parent / "documents"
FILES = b'{"wal_files": 2, "wal_bytes": 32, "data_directory": "/nowhere"}'
TABLES = b'{"published": {"pub": [{"name": "public.items", "columns": {"id": "integer"}}]}}'
REFUSED = b'{"refused": [{"name": "public.logged", "reason": "no_identity"}]}'
OPTIONS = EngineOptions(
    statement_timeout_s=0.75, patience_s=0.9, connect_timeout_s=5.0, query_text="masked", vitals=False
)
NODE = Node(name=NodeName("pg-2"), cluster=ClusterName("orders"), boot="b")

NO_SERVER_LOG = b'{"may_find": false, "may_read": false, "by_function": false}'


class FakeProbe:
    """Answers from recorded documents; a query in ``fails`` raises instead."""

    def __init__(self, *_: object, **options: Any) -> None:
        self.options = options
        self.asked: list[str] = []
        self.without: list[frozenset[str]] = []
        self.look = (DOCUMENTS / "18-primary.json").read_bytes()
        self.fails: dict[str, Exception] = {}
        self.databases = b'{"databases": []}'
        self.round_trip_s = 0.0015
        self.closed = False
        self.rights = Rights(
            role="leadline",
            version_num=180000,
            version="18.0",
            in_recovery=False,
            may_read_stats=True,
            may_read_settings=True,
            may_monitor=True,
        )

    async def connected(self) -> Rights:
        return self.rights

    async def ask(
        self, query: str, without: frozenset[str] = frozenset(), refused: frozenset[str] = frozenset()
    ) -> bytes:
        self.asked.append(query)
        if query in self.fails:
            raise self.fails[query]
        if query == "look":
            self.without.append(without)
            answer = json.loads(self.look)
            return json.dumps({name: group for name, group in answer.items() if name not in without}).encode()
        settings = (DOCUMENTS / "18-settings.json").read_bytes()
        others = {"tables": TABLES, "refused": REFUSED, "listed": b'{"subscribes": {}}', "logrights": NO_SERVER_LOG}
        others["databases"] = self.databases
        return {"settings": settings, "files": FILES, **others}[query]

    async def overridden(self) -> dict[str, SettingValue]:
        return {"default_transaction_read_only": SettingValue(value="on", source="configuration file")}

    async def close(self) -> None:
        self.closed = True


@pytest.fixture(autouse=True)
def fake(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "Probe", FakeProbe)


class Rig:
    """The engine of pg-2, its connection and its clock."""

    def __init__(self, dsn: str = "host=db2,db3 port=5433 password=secret") -> None:
        self.clock = ManualClock()
        instance = InstanceSettings(dsn=Secret(dsn), name="pg-2", cluster="orders")
        self.engine = PostgresqlInstance(instance, OPTIONS, self.clock)
        probe = self.engine._probe
        assert isinstance(probe, FakeProbe)
        self.probe = probe
        self.changed = True

    async def look(self, after_s: float = 1.0) -> Sample:
        reading = await self.engine.look(NODE)
        self.changed = reading.settings_changed
        self.clock.advance(after_s)
        return reading.sample

    async def settings(self) -> NodeSettings:
        return await self.engine.settings(NODE)


async def test_the_first_look_lists_files_and_the_next_does_not() -> None:
    """Only the look is asked at every interval."""
    rig = Rig()
    first, second = await rig.look(), await rig.look()
    assert first.disk is not None
    assert (first.disk.wal_files, first.disk.free_bytes, second.disk) == (2, None, None)
    assert first.seq == second.seq == UNNUMBERED
    assert rig.probe.asked == ["look", "files", "refused", "databases", "look"]


@pytest.mark.parametrize(
    ("document", "vacant"),
    [
        ("18-primary", {"upstream", "conflicts", "subscriptions", "copies"}),
        ("18-subscriber", {"upstream", "conflicts"}),
        ("18-standby", {"subscriptions", "copies"}),
    ],
)
async def test_groups_that_a_server_cannot_have_are_left_out(document: str, vacant: set[str]) -> None:
    """The first look shows of which groups its role has no row; reading them would cost all the same."""
    rig = Rig()
    rig.probe.look = (DOCUMENTS / f"{document}.json").read_bytes()
    first, again = await rig.look(), await rig.look()
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
async def test_a_group_that_gets_rows_is_in_the_same_look(before: str, after: str) -> None:
    """After a subscription was made, or in another role, no sample lacks a group that the server has now."""
    rig = Rig()
    rig.probe.look = (DOCUMENTS / f"{before}.json").read_bytes()
    await rig.look()
    rig.probe.look = (DOCUMENTS / f"{after}.json").read_bytes()
    sample = await rig.look()
    fresh = Rig()
    fresh.probe.look = rig.probe.look
    expected = await fresh.look()
    assert (sample.subscriptions, sample.upstream, sample.conflicts) == (
        expected.subscriptions,
        expected.upstream,
        expected.conflicts,
    )
    assert expected.subscriptions or expected.upstream


async def test_files_are_listed_once_a_minute() -> None:
    """A listing looks at every file of the WAL directory."""
    rig = Rig()
    for _ in range(121):
        await rig.look()
    assert rig.probe.asked.count("files") == 3


async def test_databases_are_sent_while_something_is_wrong_and_once_more() -> None:
    """A sample of which nothing is wrong says nothing of databases, so that vitals can stand for it."""
    rig = Rig()
    assert [(await rig.look(after_s=20.0)).databases for _ in range(3)] == [None, None, None]
    rig.probe.databases = b'{"databases": [{"name": "shop", "checksum_failures": 2, "checksum_failed_s": 1.5}]}'
    found = [(await rig.look(after_s=20.0)).databases for _ in range(2)]
    assert [each[0].checksum_failures for each in found if each] == [2, 2]
    rig.probe.databases = b'{"databases": []}'
    assert [(await rig.look(after_s=20.0)).databases for _ in range(2)] == [(), None]


async def test_a_setting_that_the_session_overrides_is_as_others_have_it() -> None:
    """It is read beside the settings of the session."""
    assert (await Rig().settings()).settings["default_transaction_read_only"].value == "on"


async def test_tables_are_read_while_a_worker_is_missing() -> None:
    """At once, and then every 30 s; never while all workers run."""
    rig = Rig()
    await rig.look()
    assert "tables" not in rig.probe.asked
    rig.probe.look = rig.probe.look.replace(b'"active": true', b'"active": false')
    tables = [(await rig.look()).tables for _ in range(61)]
    assert [second for second, read in enumerate(tables) if read is not None] == [0, 30, 60]
    assert tables[0] is not None
    assert tables[0].published["pub"][0].columns == {"id": "integer"}


async def test_a_reload_is_a_change_of_the_settings() -> None:
    """The server reports when it last loaded its configuration; a change holds until the settings were read."""
    rig = Rig()
    await rig.look()
    assert rig.changed
    rig.probe.fails = {"settings": CannotRead("timeout")}
    with pytest.raises(CannotRead):
        await rig.settings()
    await rig.look()
    assert rig.changed
    rig.probe.fails = {}
    settings = await rig.settings()
    assert settings.settings["wal_level"].source == "configuration file"
    await rig.look()
    assert not rig.changed
    rig.probe.look = rig.probe.look.replace(b'"settings_loaded_at": "20', b'"settings_loaded_at": "19')
    await rig.look()
    assert rig.changed


async def test_a_failure_beside_the_look_spoils_no_sample(caplog: pytest.LogCaptureFixture) -> None:
    """The process log names what is missing."""
    rig = Rig()
    rig.probe.fails = {"files": CannotRead("timeout")}
    sample = await rig.look()
    assert sample.up
    assert sample.disk is None
    assert [record.getMessage() for record in caplog.records] == ["cannot read the files: timeout"]


async def test_an_answer_of_another_shape_is_a_defect() -> None:
    """The queries and the types belong together; it is no failure of the server."""
    rig = Rig()
    rig.probe.look = b'{"node": {}}'
    with pytest.raises(ValidationError):
        await rig.look()


async def test_room_on_the_volume_without_the_server(monkeypatch: pytest.MonkeyPatch) -> None:
    """Known once the server reported its directory, and only where the server is on this host."""
    monkeypatch.setattr(module.host, "volume", {Path("/nowhere/pg_wal"): (7, 9)}.get)
    rig = Rig("host=/run/postgresql")
    assert rig.engine.disk() is None
    await rig.look()
    assert rig.engine.disk() == Disk(free_bytes=7, total_bytes=9)
    remote = Rig()
    await remote.look()
    assert remote.engine.disk() is None


@pytest.mark.parametrize(
    ("dsn", "address"),
    [
        ("host=db2,db3 port=5433", ("db2", 5433)),
        ("host=db2,db3 port=5433,5434", ("db2", 5433)),
        ("hostaddr=10.0.0.1", ("10.0.0.1", 5432)),
        ("host=/run/postgresql", ("/run/postgresql", 5432)),
        ("dbname=app", ("localhost", 5432)),
    ],
)
def test_the_address_is_the_first_of_the_dsn(dsn: str, address: tuple[str, int]) -> None:
    """Other parts have libpq's defaults."""
    assert Rig(dsn).engine.address == address


def test_a_dsn_that_is_none_is_a_usage_error() -> None:
    """It is not quoted."""
    with pytest.raises(UsageError, match="this is not a connection string") as raised:
        Rig("secret rubbish")
    assert "rubbish" not in str(raised.value)


async def test_the_limits_reach_the_connection() -> None:
    """And closing closes it."""
    rig = Rig()
    assert rig.probe.options == {"timeout_s": 0.75, "patience_s": 0.9, "connect_timeout_s": 5.0}
    await rig.engine.close()
    assert rig.probe.closed
