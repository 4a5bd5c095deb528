"""One look at real servers of every version, as the least privileged role."""

from collections.abc import Iterator
from contextlib import closing, contextmanager

import psycopg
import pytest
from psycopg.conninfo import conninfo_to_dict

from leadline.clock import SystemClock
from leadline.model.observation import NodeSettings, Sample
from leadline.settings.agent import AgentSettings, InstanceSettings
from leadline.settings.secret import Secret
from leadline_agents.sampler import Sampler
from leadline_lab.sandbox.fleet import AGENT
from leadline_lab.sandbox.postgres import Server
from leadline_lab.sandbox.wait import eventually
from tests.fixtures.fleets import Cascade, Logical, Pair

SENDER = "SELECT active_pid FROM pg_replication_slots WHERE slot_type = 'logical'"


def agent(dsn: str) -> Sampler:
    """A sampler with the defaults of the process."""
    instance = InstanceSettings(dsn=Secret(dsn), name="pg", cluster="orders")
    return Sampler(instance, AgentSettings(instances=[instance], interval_s=10.0), SystemClock())


async def once(dsn: str) -> tuple[Sample, NodeSettings | None]:
    """The first look of an agent, whatever its result."""
    sampler = agent(dsn)
    try:
        return await sampler.look()
    finally:
        await sampler.close()


async def look(server: Server, dbname: str = "postgres", user: str = AGENT) -> tuple[Sample, NodeSettings]:
    sample, settings = await once(server.dsn(dbname, user))
    assert sample.up, sample.error
    assert settings is not None
    return sample, settings


@contextmanager
def session(server: Server, dbname: str, *statements: str) -> Iterator[psycopg.Connection]:
    """A client in the middle of a transaction, which is rolled back at the end."""
    with psycopg.connect(server.dsn(dbname, application_name="shop")) as connection:
        for statement in statements:
            connection.execute(statement.encode())
        yield connection
        connection.rollback()


def password_of(server: Server) -> str:
    return conninfo_to_dict(server.dsn())["password"]


def waits(server: Server, process: str, event: str) -> bool:
    query = "SELECT count(*) FROM pg_stat_activity WHERE backend_type LIKE %s AND wait_event = %s"
    return bool(server.value(query, [process, event]))


async def test_primary_and_standby(any_pair: Pair, major: int) -> None:
    """Both ends of a physical link agree; nothing is denied to a role with pg_monitor."""
    primary, settings = await look(any_pair.primary)
    standby, _ = await look(any_pair.standby)
    assert (primary.node.role, standby.node.role) == ("primary", "standby")
    assert primary.node.system_id == standby.node.system_id
    assert primary.node.timeline == standby.node.timeline == 1
    assert primary.node.version_num // 10000 == major
    assert primary.not_permitted == standby.not_permitted == ()
    (downstream,) = primary.downstreams
    assert (downstream.name, downstream.kind, downstream.slot) == ("pg-2", "physical", "pg_2")
    assert downstream.state == "streaming"
    assert downstream.reply_age_s is not None
    (slot,) = primary.slots
    assert (slot.name, slot.active, slot.active_pid) == ("pg_2", True, downstream.pid)
    assert slot.retained_bytes is not None
    assert standby.upstream is not None
    assert (standby.upstream.status, standby.upstream.application_name) == ("streaming", "pg-2")
    assert standby.upstream.message_age_s is not None
    assert standby.positions is not None
    assert standby.positions.startup_wait == "Activity/RecoveryWalStream"
    assert set(standby.conflicts) >= {"postgres"}
    assert primary.disk is not None
    assert primary.disk.wal_bytes
    assert primary.disk.free_bytes is None or primary.disk.free_bytes > 0
    assert settings.settings["wal_level"].value == "logical"


async def test_publisher_and_subscriber(any_logical: Logical) -> None:
    """Both ends of a logical link agree."""
    publisher, _ = await look(any_logical.publisher, "app")
    subscriber, _ = await look(any_logical.subscriber, "app")
    (downstream,) = publisher.downstreams
    (slot,) = publisher.slots
    (subscription,) = subscriber.subscriptions
    assert (downstream.kind, slot.kind, slot.plugin, slot.database) == ("logical", "logical", "pgoutput", "app")
    assert subscription.slot == slot.name == downstream.slot
    assert subscription.enabled
    assert subscription.pid
    assert subscription.tables == {"r": 1}
    assert subscription.database == "app"
    assert subscriber.node.role == "primary"


async def test_a_subscription_made_since_is_in_the_next_look(any_pair: Pair) -> None:
    """On a server without subscriptions the agent does not read them; no look misses the first one."""
    primary, sampler = any_pair.primary, agent(any_pair.primary.dsn(user=AGENT))
    try:
        before, _ = await sampler.look()
        primary.query("CREATE SUBSCRIPTION late CONNECTION 'dbname=nowhere' PUBLICATION p WITH (connect = false)")
        first, _ = await sampler.look()
        second, _ = await sampler.look()
        primary.query("ALTER SUBSCRIPTION late SET (slot_name = NONE)")
        primary.query("DROP SUBSCRIPTION late")
        last, gone = [(await sampler.look())[0] for _ in range(2)]
    finally:
        await sampler.close()
    found = [[each.name for each in sample.subscriptions] for sample in (before, first, second, last, gone)]
    assert found == [[], ["late"], ["late"], [], []]
    assert all(sample.up for sample in (before, first, second, last, gone))


async def test_from_another_database_the_tables_are_unknown(any_logical: Logical) -> None:
    """pg_subscription_rel is per database: absent, not zero, everywhere else."""
    subscriber, _ = await look(any_logical.subscriber, "postgres")
    (subscription,) = subscriber.subscriptions
    assert subscription.pid
    assert (subscription.tables, subscription.unsynced) == ({}, ())


async def test_tables_are_read_when_a_worker_restarted(any_logical: Logical) -> None:
    """The publisher has the columns that are sent, without generated ones; the subscriber those that can be written."""
    table = "CREATE TABLE parts (id int PRIMARY KEY, size numeric(8,2), \"Of\" text DEFAULT '', by text NOT NULL"
    any_logical.publisher.query(table + ", twice int GENERATED ALWAYS AS (id * 2) STORED)", dbname="app")
    any_logical.subscriber.query(table + ")", dbname="app")
    publisher, subscriber = (
        agent(server.dsn("app", AGENT)) for server in (any_logical.publisher, any_logical.subscriber)
    )
    try:
        assert [(await each.look())[0].tables for each in (publisher, subscriber)] == [None, None]
        before = any_logical.publisher.value(SENDER)
        any_logical.subscriber.query("SELECT pg_terminate_backend(pid) FROM pg_stat_subscription")
        eventually("its sender is another", lambda: any_logical.publisher.value(SENDER) not in (None, before))
        sent, here = [(await each.look())[0].tables for each in (publisher, subscriber)]
    finally:
        await publisher.close()
        await subscriber.close()
    columns = {"id": "integer", "size": "numeric(8,2)", "Of": "text", "by": "text"}
    assert sent is not None
    assert here is not None
    assert {table.name: table.columns for table in sent.published["pg_3"]} == {
        "public.items": {"id": "integer", "note": "text"},
        "public.parts": columns,
    }
    assert [(table.name, table.required) for table in here.present] == [
        ("public.items", ("id",)),
        ("public.parts", ("id", "by")),
    ]
    assert here.present[1].columns == columns
    assert (sent.present, here.published) == ((), {})
    for server in (any_logical.publisher, any_logical.subscriber):
        server.query("DROP TABLE parts", dbname="app")
    any_logical.fleet.wait_caught_up()


async def test_published_tables_that_cannot_be_changed(any_logical: Logical) -> None:
    """Only tables that were changed before are listed; an index or the whole row is an identity as well as a key."""
    publisher, subscriber = any_logical.publisher, any_logical.subscriber
    for name in ("logged", "keyless", "Whole", "indexed"):
        for server in (subscriber, publisher):
            server.query(f'CREATE TABLE "{name}" (id int NOT NULL UNIQUE)', dbname="app")
        publisher.query(f'ALTER TABLE "{name}" REPLICA IDENTITY FULL', dbname="app")
        publisher.query(f'INSERT INTO "{name}" VALUES (1)', dbname="app")
    for name in ("keyless", "Whole", "indexed"):
        publisher.query(f'UPDATE "{name}" SET id = 2', dbname="app")
        publisher.query(f'DELETE FROM "{name}"', dbname="app")
    for name in ("logged", "keyless"):
        publisher.query(f"ALTER TABLE {name} REPLICA IDENTITY DEFAULT", dbname="app")
    publisher.query("ALTER TABLE indexed REPLICA IDENTITY USING INDEX indexed_id_key", dbname="app")
    changed = "SELECT pg_stat_get_tuples_deleted('indexed'::regclass)"
    eventually("the changes are counted", lambda: publisher.value(changed, dbname="app") == 1)
    sample, _ = await look(publisher, "app")
    assert sample.refused is not None
    assert [(table.name, table.reason) for table in sample.refused] == [("public.keyless", "no_identity")]
    for server in (publisher, subscriber):
        server.query('DROP TABLE logged, keyless, "Whole", indexed', dbname="app")
    any_logical.fleet.wait_caught_up()


async def test_cascade(cascade: Cascade) -> None:
    """A standby in the middle is both: it follows, and it has a downstream and a slot."""
    middle, _ = await look(cascade.standby)
    assert middle.node.role == "standby"
    assert middle.upstream is not None
    assert [downstream.name for downstream in middle.downstreams] == ["pg-3"]
    assert [slot.name for slot in middle.slots] == ["pg_3"]
    assert middle.slots[0].retained_bytes is not None


async def test_the_holder_of_the_lock_that_replay_waits_for(any_pair: Pair) -> None:
    """pg_blocking_pids() does not cover the startup process; the agent names pid, lock and query."""
    any_pair.primary.query("CREATE TABLE locked (n int)")
    any_pair.fleet.wait_caught_up()
    with session(any_pair.standby, "postgres", "SELECT * FROM locked WHERE n = 4711") as reader:
        any_pair.primary.query("DROP TABLE locked")
        eventually("replay waits", lambda: waits(any_pair.standby, "startup", "relation"))
        sample, _ = await look(any_pair.standby)
        assert sample.positions is not None
        assert sample.positions.startup_wait == "Lock/relation"
        assert sample.activity is not None
        (blocker,) = sample.activity.blockers
        assert blocker.pid == reader.info.backend_pid
        assert (blocker.application, blocker.state) == ("shop", "idle in transaction")
        assert blocker.client == reader.info.hostaddr
        assert blocker.holds == "AccessShareLock on public.locked"
        assert blocker.query == "SELECT * FROM locked WHERE n = ?"
    any_pair.fleet.wait_caught_up()


async def test_the_holder_of_the_snapshot_that_replay_waits_for(any_pair: Pair, major: int) -> None:
    """The oldest snapshot of the standby is named while replay waits to remove rows."""
    any_pair.standby.configure(max_standby_streaming_delay="-1")
    any_pair.primary.query("CREATE TABLE IF NOT EXISTS old AS SELECT generate_series(1, 1000) AS n")
    any_pair.fleet.wait_caught_up()
    begin = "SET TRANSACTION ISOLATION LEVEL REPEATABLE READ"
    try:
        with session(any_pair.standby, "postgres", begin, "SELECT count(*) FROM old") as reader:
            any_pair.primary.query("DELETE FROM old")
            any_pair.primary.query("VACUUM old")
            event = "RecoveryConflictSnapshot"
            eventually("replay waits", lambda: waits(any_pair.standby, "startup", event))
            sample, _ = await look(any_pair.standby)
            assert sample.activity is not None
            assert [blocker.pid for blocker in sample.activity.blockers] == [reader.info.backend_pid]
            assert sample.activity.blockers[0].xmin_age is not None
    finally:
        any_pair.standby.configure(max_standby_streaming_delay=None)
    any_pair.fleet.wait_caught_up()


async def test_the_oldest_transactions(any_pair: Pair) -> None:
    """Those that wrote come first and are marked: only for them do slots keep WAL."""
    primary = any_pair.primary
    primary.query("CREATE TABLE IF NOT EXISTS written (id int)")
    with (
        session(primary, "postgres", "SELECT count(*) FROM written") as reader,
        session(primary, "postgres", "INSERT INTO written VALUES (1)") as writer,
    ):
        primary.query("SELECT pg_sleep(1.1)")
        sample, _ = await look(primary)
        assert sample.activity is not None
        seen = [(one.pid, one.wrote) for one in sample.activity.oldest]
        assert seen == [(writer.info.backend_pid, True), (reader.info.backend_pid, False)]


async def test_the_holder_of_the_lock_that_apply_waits_for(any_logical: Logical) -> None:
    """The session is named, and the subscription refers to it."""
    subscriber = any_logical.subscriber
    with session(subscriber, "app", "LOCK TABLE items IN ACCESS EXCLUSIVE MODE") as holder:
        any_logical.publisher.query("INSERT INTO items VALUES (900, 'x')", dbname="app")
        eventually("apply waits", lambda: waits(subscriber, "logical replication %", "relation"))
        sample, _ = await look(subscriber, "app")
        (subscription,) = sample.subscriptions
        assert subscription.wait == "Lock/relation"
        assert subscription.transaction_s is not None
        assert subscription.blocked_by == (holder.info.backend_pid,)
        assert sample.activity is not None
        (blocker,) = sample.activity.blockers
        assert (blocker.pid, blocker.holds) == (holder.info.backend_pid, "AccessExclusiveLock on public.items")
    any_logical.fleet.wait_caught_up()
    any_logical.publisher.query("DELETE FROM items WHERE id = 900", dbname="app")


async def test_a_paused_replay(any_pair: Pair) -> None:
    """As the server reports it, in every version."""
    any_pair.standby.query("SELECT pg_wal_replay_pause()")
    try:
        sample, _ = await look(any_pair.standby)
        assert sample.positions is not None
        assert sample.positions.replay_paused
    finally:
        any_pair.standby.query("SELECT pg_wal_replay_resume()")


async def test_a_slot_without_consumer_and_a_commit_that_waits(pair: Pair) -> None:
    """An abandoned slot, and a commit that waits for a synchronous standby that does not exist."""
    primary = pair.primary
    primary.query("SELECT pg_create_logical_replication_slot('left', 'pgoutput')")
    primary.configure(synchronous_standby_names="nobody")
    try:
        with closing(psycopg.connect(primary.dsn(), autocommit=True)) as commit:
            commit.pgconn.send_query(b"CREATE TABLE waiting (n int)")
            eventually("the commit waits", lambda: waits(primary, "client backend", "SyncRep"))
            sample, settings = await look(primary)
            primary.configure(synchronous_standby_names=None)
    finally:
        primary.configure(synchronous_standby_names=None)
        primary.query("SELECT pg_drop_replication_slot('left')")
        primary.query("DROP TABLE IF EXISTS waiting")
    slot = next(slot for slot in sample.slots if slot.name == "left")
    assert (slot.active, slot.active_pid, slot.kind) == (False, None, "logical")
    assert slot.inactive_s is not None
    assert slot.catalog_xmin_age is not None
    assert sample.activity is not None
    assert sample.activity.sync_waiters == 1
    assert sample.activity.sync_wait_s > 0
    assert settings.settings["synchronous_standby_names"].value == "nobody"


async def test_groups_that_a_role_may_not_read_are_named(pair: Pair) -> None:
    """They are absent; groups that every role may read are there."""
    pair.primary.query("CREATE ROLE nobody_special LOGIN")
    pair.primary.query(f"ALTER ROLE nobody_special PASSWORD '{password_of(pair.primary)}'")
    pair.fleet.wait_caught_up()
    try:
        for server in (pair.primary, pair.standby):
            sample, settings = await look(server, user="nobody_special")
            assert sample.not_permitted == ("downstreams", "upstream", "activity", "disk", "settings", "archiver.ready")
            assert (sample.downstreams, sample.upstream, sample.activity, sample.disk) == ((), None, None, None)
            assert sample.positions is not None
            assert sample.node.role != "unknown"
            assert "primary_conninfo" not in settings.settings
    finally:
        pair.primary.query("DROP ROLE nobody_special")


async def test_no_password_of_a_connection_string_gets_out(pair: Pair) -> None:
    """primary_conninfo is sent, its password is not."""
    sample, settings = await look(pair.standby)
    assert "user=replicator" in settings.settings["primary_conninfo"].value
    assert password_of(pair.primary) not in repr((sample, settings))


async def test_settings_are_the_servers_not_those_of_the_agents_session(pair: Pair) -> None:
    """The agent's own session runs read-only and with timeouts."""
    _, settings = await look(pair.primary)
    assert not {name for name, setting in settings.settings.items() if setting.source in ("session", "client")}


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"user": "nobody"}, "authentication failed: "),
        ({"dbname": "nowhere"}, "no such database: "),
    ],
)
async def test_a_wrong_dsn(pair: Pair, change: dict[str, str], reason: str) -> None:
    """It makes one sample that names what is wrong with it."""
    sample, settings = await once(pair.primary.dsn(**change))
    assert settings is None
    assert not sample.up
    assert sample.error is not None
    assert sample.error.startswith(reason)
