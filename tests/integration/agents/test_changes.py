"""Changes of settings on real servers, from the agent's look to the record: when, and by which file and line.

Situations as people report them: ALTER SYSTEM overrides what is edited in postgresql.conf (pgpool/pgpool2#67), a value
waits for a restart that is forgotten (patroni/patroni#2654), settings are given to one server of a pair only
(OPMDG/check_pgactivity#174, alphagov/govuk-puppet#6418).
"""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
from psycopg.conninfo import conninfo_to_dict

from leadline.clock import SystemClock
from leadline.model.change_record import ChangeRecord
from leadline.settings.agent import AgentSettings, InstanceSettings
from leadline.settings.secret import Secret
from leadline_agents.sampler import Sampler
from leadline_lab.sandbox.fleet import AGENT
from leadline_lab.sandbox.postgres import Server
from leadline_streams.assembly import judgement
from leadline_streams.judge.cluster import ClusterState
from leadline_streams.judge.policy import Policy
from tests.fixtures.fleets import Pair, make_pair, own

CLOCK = SystemClock()
SETTING = "max_slot_wal_keep_size"


class Trail:
    """An agent, and the judgement of what it sees."""

    def __init__(self, dsn: str) -> None:
        instance = InstanceSettings(dsn=Secret(dsn), name="pg", cluster="orders")
        self._settings = AgentSettings(instances=[instance], interval_s=10.0)
        self._instance = instance
        self.state = ClusterState("orders", judgement(Policy(lateness_s=0.0)))
        self.sampler = self._sampler()

    def _sampler(self) -> Sampler:
        return Sampler(self._instance, self._settings, CLOCK)

    async def restart_agent(self) -> None:
        """Another run of the agent, without the memory of the one before."""
        await self.sampler.close()
        self.sampler = self._sampler()

    async def look(self) -> list[ChangeRecord]:
        """The changes that one look puts on record."""
        sample, settings = await self.sampler.look()
        assert sample.up, sample.error
        found = self.state.observe(sample)
        if settings is not None:
            found += self.state.observe(settings)
        found += self.state.tick(CLOCK.now())
        return [each for each in found if isinstance(each, ChangeRecord)]


@asynccontextmanager
async def watching(server: Server, user: str = AGENT) -> AsyncIterator[Trail]:
    """A trail after its first looks."""
    trail = Trail(server.dsn(user=user))
    try:
        for _ in range(3):
            assert await trail.look() == []
        yield trail
    finally:
        await trail.sampler.close()


async def test_alter_system_and_reload(any_pair: Pair) -> None:
    """The next look has both values in the unit that people write, the file and its line, and the look before it."""
    server = any_pair.primary
    async with watching(server) as trail:
        before = CLOCK.now()
        server.configure(max_slot_wal_keep_size="10GB")
        (first,) = await trail.look()
        server.configure(max_slot_wal_keep_size="1GB")
        (record,) = await trail.look()
        assert await trail.look() == []
        server.configure(max_slot_wal_keep_size=None)
        (reset,) = await trail.look()
    change, after = record.change, first.change.after
    assert (change.setting, change.from_, change.to) == (SETTING, "10GB", "1GB")
    assert (change.source, change.file) == ("configuration file", str(server.data / "postgresql.auto.conf"))
    assert change.line is not None
    assert first.change.line == change.line > 0
    assert change.after is not None
    assert after is not None
    assert after <= before <= change.after <= first.change.at <= change.at
    assert (reset.change.from_, reset.change.source, reset.change.file) == ("1GB", "default", None)


async def test_over_a_restart_of_the_agent(pair: Pair) -> None:
    """A change while no agent runs is found by the first reading of the next one."""
    async with watching(pair.primary) as trail:
        await trail.restart_agent()
        assert await trail.look() == []
        await trail.sampler.close()
        pair.primary.configure(max_slot_wal_keep_size="1GB")
        await trail.restart_agent()
        try:
            (record,) = await trail.look()
        finally:
            pair.primary.configure(max_slot_wal_keep_size=None)
    assert (record.change.setting, record.change.to) == (SETTING, "1GB")
    assert record.change.after is not None


async def test_an_edit_that_alter_system_overrides() -> None:
    """The value that is edited in postgresql.conf does not hold, so nothing has changed."""
    with own(make_pair) as pair:
        server = pair.primary
        server.configure(max_slot_wal_keep_size="10GB")
        async with watching(server) as trail:
            conf = server.data / "postgresql.conf"
            conf.write_text(conf.read_text() + f"{SETTING} = '1GB'\nwal_keep_size = '64MB'\n")
            server.configure(wal_sender_timeout="70s")
            found = {each.change.setting: each.change for each in await trail.look()}
        assert set(found) == {"wal_keep_size", "wal_sender_timeout"}
        kept = found["wal_keep_size"]
        assert (kept.to, kept.file, kept.line) == ("64MB", str(conf), len(conf.read_text().splitlines()))
        assert found["wal_sender_timeout"].file == str(server.data / "postgresql.auto.conf")


async def test_a_value_that_waits_for_a_restart() -> None:
    """It is on record when it begins to wait and when it holds: with the last look before the restart."""
    with own(make_pair) as pair:
        server = pair.primary
        was = server.value("SHOW max_connections")
        async with watching(server) as trail:
            server.configure(max_connections="77")
            (waits,) = await trail.look()
            assert (waits.change.pending_restart, waits.change.from_, waits.change.to) == (True, was, was)
            server.restart()
            (record,) = await trail.look()
        change = record.change
        assert (change.pending_restart, change.from_, change.to) == (False, was, "77")
        assert change.after is not None
        assert waits.change.at <= change.at


async def test_without_the_right_to_see_files(pair: Pair) -> None:
    """The change is there, and the file is not; nothing says so where there is none."""
    server = pair.primary
    password = conninfo_to_dict(server.dsn())["password"]
    server.query(f"CREATE ROLE plain_reader LOGIN PASSWORD '{password}'")
    try:
        async with watching(server, "plain_reader") as trail:
            server.configure(max_slot_wal_keep_size="1GB")
            (record,) = await trail.look()
            assert (record.change.to, record.change.source, record.change.file) == ("1GB", "configuration file", None)
    finally:
        server.configure(max_slot_wal_keep_size=None)
        server.query("DROP ROLE plain_reader")


async def test_a_setting_of_the_agents_role_is_none_of_the_server(pair: Pair) -> None:
    """ALTER ROLE ... SET holds in the agent's next session only."""
    server = pair.primary
    async with watching(server) as trail:
        server.query(f"ALTER ROLE {AGENT} SET deadlock_timeout = '7s'")
        server.query(f"ALTER ROLE {AGENT} SET synchronous_commit = off")
        try:
            await trail.restart_agent()
            assert await trail.look() == []
        finally:
            server.query(f"ALTER ROLE {AGENT} RESET ALL")
            await trail.restart_agent()
            assert await trail.look() == []


@pytest.mark.parametrize("password", ["hunter2 and more", "it's"])
async def test_a_password_is_on_no_record(pair: Pair, password: str) -> None:
    """A change of primary_conninfo is, without it; one of nothing but the password is no change that is seen."""
    standby = pair.standby
    conninfo = standby.value("SHOW primary_conninfo")
    async with watching(standby) as trail:
        quoted = password.replace("\\", "\\\\").replace("'", "\\'")
        try:
            standby.configure(primary_conninfo=f"{conninfo} keepalives_idle=7 password='{quoted}'")
            (record,) = await trail.look()
        finally:
            standby.configure(primary_conninfo=conninfo)
            pair.fleet.wait_caught_up()
    assert record.change.setting == "primary_conninfo"
    assert "keepalives_idle=7" in (record.change.to or "")
    assert password not in repr(record)
    assert password.partition(" ")[0] not in repr(record)
