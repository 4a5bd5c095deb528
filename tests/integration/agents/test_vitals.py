"""Vitals of real servers of every version: they show what a look shows, and what changes is in the same look.

Most looks are sent as vitals, too.
"""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import psycopg
import pytest

from leadline import wire
from leadline.clock import SystemClock
from leadline.model.observation import Sample
from leadline.model.vitals import Vitals
from leadline.settings.agent import AgentSettings, InstanceSettings
from leadline.settings.secret import Secret
from leadline_agents.engines.postgresql import catalog, reader
from leadline_agents.engines.postgresql.answers import LookAnswer, read_look
from leadline_agents.engines.postgresql.instance import PostgresqlInstance
from leadline_agents.engines.postgresql.probe import Probe
from leadline_agents.engines.postgresql.vital_answers import read_vitals
from leadline_agents.engines.postgresql.vitals import following, is_healthy
from leadline_agents.sampler import Sampler
from leadline_agents.wire_form import WireForm
from leadline_lab.sandbox.fleet import AGENT
from leadline_lab.sandbox.postgres import Server
from leadline_lab.sandbox.wait import eventually
from leadline_lab.sandbox.workload import writing
from tests.fixtures.fleets import Logical, Pair

SENDER = "SELECT max(pid) FROM pg_stat_replication WHERE state = 'streaming'"
RECEIVER = "SELECT max(pid) FROM pg_stat_wal_receiver WHERE status = 'streaming'"


def asked(session: psycopg.Connection, query: str, without: frozenset[str] = frozenset()) -> bytes:
    row = session.execute(catalog.statement(query, session.info.server_version, without)).fetchone()
    assert row is not None
    return bytes(row[0], "utf-8")


def shows_the_same(server: Server, dbname: str = "postgres") -> None:
    """Between two looks at which nothing moves, vitals make the second out of the first."""

    def same() -> bool:
        first = read_look(asked(session, "look"))
        without = frozenset() if first.subscriptions else frozenset({catalog.SUBSCRIBER})
        shown = following(first, read_vitals(asked(session, "vitals", without))) if is_healthy(first) else None
        second = read_look(asked(session, "look"))
        return shown is not None and steady(shown) == steady(second)

    with psycopg.connect(server.dsn(dbname, AGENT), autocommit=True) as session:
        session.execute("SET search_path = pg_catalog; SET timezone = 'UTC'")
        eventually(f"vitals of {server.name} show what a look shows", same)


def steady(look: LookAnswer) -> list[object]:
    """All that a look shows but ages, which grow from one statement to the next."""
    times, document = ("at", "connected_s", "message_age_s", "inactive_s", "wait", "alone"), []
    for name in look.__struct_fields__:
        group = getattr(look, name)
        rows = group if isinstance(group, tuple | list) else [group]
        for row in rows:
            found = {field: getattr(row, field) for field in getattr(row, "__struct_fields__", ())} or {name: row}
            document.append({field: value for field, value in found.items() if field not in times})
    return document


def test_a_pair(any_pair: Pair) -> None:
    """Both roles."""
    shows_the_same(any_pair.primary)
    shows_the_same(any_pair.standby)


def test_a_subscription(any_logical: Logical) -> None:
    """Both ends, and from another database, where tables are not visible."""
    shows_the_same(any_logical.publisher, "app")
    shows_the_same(any_logical.subscriber, "app")
    shows_the_same(any_logical.subscriber)


class Watch:
    """An agent of one server, and the statements that it sends."""

    def __init__(self, server: Server, dbname: str) -> None:
        instance = InstanceSettings(dsn=Secret(server.dsn(dbname, AGENT)), name=server.name, cluster="orders")
        settings = AgentSettings(instances=[instance], interval_s=10.0, wire="vitals")
        self.sampler = Sampler(instance, settings, SystemClock())
        self.sent: list[str] = []

    async def look(self) -> Sample:
        self.sent.clear()
        sample, _ = await self.sampler.look()
        assert sample.up, sample.error
        return sample

    async def settle(self) -> None:
        """Look until that takes vitals only."""
        for _ in range(50):
            await self.look()
            if "vitals" in self.sent and "look" not in self.sent:
                return
            await SystemClock().sleep(0.1)
        pytest.fail("vitals alone are never read")


@asynccontextmanager
async def watched(server: Server, monkeypatch: pytest.MonkeyPatch, dbname: str = "postgres") -> AsyncIterator[Watch]:
    """An agent that has just read vitals; it reads a whole look only when these ask for it."""
    monkeypatch.setattr(reader, "SETTLED_S", 0.0)
    monkeypatch.setattr(reader, "WHOLE_EVERY_S", 3600.0)
    watch, ask = Watch(server, dbname), Probe.ask

    async def recorded(self: Probe, query: str, *given: frozenset[str]) -> bytes:
        watch.sent.append(query)
        return await ask(self, query, *given)

    monkeypatch.setattr(Probe, "ask", recorded)
    try:
        await watch.settle()
        yield watch
    finally:
        await watch.sampler.close()


async def test_what_changes_on_a_primary_is_in_the_same_look(any_pair: Pair, monkeypatch: pytest.MonkeyPatch) -> None:
    """A slot, a publication, an old transaction, another sender."""
    primary = any_pair.primary
    async with watched(primary, monkeypatch) as watch:
        primary.query("SELECT pg_create_physical_replication_slot('left')")
        assert "left" in [slot.name for slot in (await watch.look()).slots]
        await watch.settle()
        primary.query("SELECT pg_drop_replication_slot('left')")
        assert "left" not in [slot.name for slot in (await watch.look()).slots]
        await watch.settle()
        primary.query("CREATE PUBLICATION seen")
        assert "seen" in (await watch.look()).publications
        primary.query("DROP PUBLICATION seen")
        await watch.settle()
        with psycopg.connect(primary.dsn()) as session:
            session.execute("SELECT pg_current_xact_id(), pg_sleep(1.1)")
            activity = (await watch.look()).activity
            assert activity is not None
            assert [(each.pid, each.wrote) for each in activity.oldest] == [(session.info.backend_pid, True)]
        await watch.settle()
        before = [row.pid for row in (await watch.look()).downstreams]
        primary.query("SELECT pg_terminate_backend(pid) FROM pg_stat_replication")
        eventually("the sender is another", lambda: primary.value(SENDER) not in (None, *before))
        assert [row.pid for row in (await watch.look()).downstreams] != before


async def test_what_changes_on_a_standby_is_in_the_same_look(any_pair: Pair, monkeypatch: pytest.MonkeyPatch) -> None:
    """A pause of replay, a reload, another receiver."""
    standby = any_pair.standby
    async with watched(standby, monkeypatch) as watch:
        standby.query("SELECT pg_wal_replay_pause()")
        try:
            positions = (await watch.look()).positions
            assert positions is not None
            assert positions.replay_paused
        finally:
            standby.query("SELECT pg_wal_replay_resume()")
        await watch.settle()
        loaded = standby.value("SELECT pg_conf_load_time()")
        standby.query("SELECT pg_reload_conf()")
        eventually("it is loaded", lambda: standby.value("SELECT pg_conf_load_time()") != loaded)
        await watch.look()
        assert "settings" in watch.sent
        await watch.settle()
        before = (await watch.look()).upstream
        any_pair.primary.query("SELECT pg_terminate_backend(pid) FROM pg_stat_replication")
        assert before is not None
        eventually("the receiver is another", lambda: standby.value(RECEIVER) not in (None, before.pid))
        upstream = (await watch.look()).upstream
        assert upstream is not None
        assert upstream.pid != before.pid


async def test_what_changes_on_a_subscriber_is_in_the_same_look(
    any_logical: Logical, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A subscription that is disabled, one that is created."""
    subscriber = any_logical.subscriber
    async with watched(subscriber, monkeypatch, "app") as watch:
        (subscription,) = (await watch.look()).subscriptions
        subscriber.query(f"ALTER SUBSCRIPTION {subscription.name} DISABLE", dbname="app")
        try:
            assert [each.enabled for each in (await watch.look()).subscriptions] == [False]
        finally:
            subscriber.query(f"ALTER SUBSCRIPTION {subscription.name} ENABLE", dbname="app")
        any_logical.fleet.wait_caught_up()
        await watch.settle()
        subscriber.query(
            "CREATE SUBSCRIPTION another CONNECTION 'dbname=nowhere' PUBLICATION p WITH (connect = false)", dbname="app"
        )
        try:
            assert len((await watch.look()).subscriptions) == 2
        finally:
            subscriber.query("ALTER SUBSCRIPTION another SET (slot_name = NONE)", dbname="app")
            subscriber.query("DROP SUBSCRIPTION another", dbname="app")


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
