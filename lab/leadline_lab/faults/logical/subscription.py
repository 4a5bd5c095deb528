"""A subscription is disabled, or has lost its slot, its publication, its connection or its worker."""

import psycopg
from psycopg import sql

from leadline_lab.faults.fault import Broken, Course, Expected, Healed, Injected, Named, Prepared, fault
from leadline_lab.faults.topologies import Logical, LogicalAndStandby, make_logical, make_logical_and_standby
from leadline_lab.sandbox.fleet import REPLICATOR
from leadline_lab.sandbox.workload import writing

DUPLICATE = "INSERT INTO {} VALUES (4000, '{}')"


@fault(
    make_logical,
    Expected(
        rule="subscription_disabled",
        cause="subscription_disabled_by_operator",
        verdict="broken",
        fix=("ALTER SUBSCRIPTION pg_3 ENABLE",),
    ),
)
def disabled_by_operator(logical: Logical) -> Course:
    """A subscription was disabled for a migration and not enabled again."""
    yield Prepared()
    logical.alter("DISABLE")
    yield Injected()
    logical.alter("ENABLE")
    yield Healed()


@fault(
    make_logical,
    Expected(
        rule="subscription_disabled",
        cause="subscription_disabled_on_error",
        verdict="broken",
        others=(Named("subscriber_duplicate_key", rank=1, at_once=True),),
    ),
)
def disabled_on_error(logical: Logical) -> Course:
    """The server disabled a subscription at the first error, as disable_on_error asks of it."""
    yield Prepared()
    logical.alter("SET (disable_on_error = true)")
    logical.on_subscriber(DUPLICATE.format(logical.table, "local"))
    logical.on_publisher(DUPLICATE.format(logical.table, "remote"))
    yield Injected()
    logical.on_subscriber(f"DELETE FROM {logical.table} WHERE id = 4000")
    logical.alter("SET (disable_on_error = false)")
    logical.alter("ENABLE")
    yield Healed()


@fault(
    make_logical,
    Expected(
        rule="replication_cut_off",
        cause="publication_or_slot_dropped",
        verdict="broken",
        confidence=0.9,
    ),
    # Whose slot it was was to be seen only as long as it was there: then it is a guess, by the publications.
    late=Expected(
        rule="subscription_without_worker",
        cause="publication_or_slot_dropped",
        summary=("pg-1 has its publications (pg_3) and no slot pg_3",),
    ),
)
def subscription_slot_dropped(logical: Logical) -> Course:
    """The slot of a subscription was dropped while it was not in use."""
    slot = logical.subscription
    yield Prepared()
    logical.disable()
    logical.on_publisher(f"SELECT pg_drop_replication_slot('{slot}')")
    logical.alter("ENABLE")
    yield Broken()
    yield Injected()
    logical.on_publisher(f"SELECT pg_create_logical_replication_slot('{slot}', 'pgoutput')")
    yield Healed()


@fault(
    make_logical_and_standby,
    Expected(
        rule="subscription_without_worker",
        cause="slot_lost_in_failover",
        summary=("pg-2", "without slot pg_3"),
        within_s=40.0,
    ),
    since=18,
    own_servers=True,
)
def publisher_switched_over_without_slots(logical: LogicalAndStandby) -> Course:
    """A planned switchover of the publisher left the subscription's slot behind."""
    old, new = logical.publisher, logical.standby
    yield Prepared()
    old.stop()
    new.execute("SELECT pg_promote()")
    old.follow(new.dsn(user=REPLICATOR, application_name="pg-1"), "")
    old.start()
    yield Injected()


@fault(
    make_logical,
    Expected(
        rule="subscription_without_worker",
        cause="publisher_not_seen",
        summary=("no watched server has its slot elsewhere",),
        within_s=30.0,
    ),
)
def publisher_is_not_watched(logical: Logical) -> Course:
    """A subscription cannot reach its publisher, which is not among the watched servers."""
    yield Prepared()
    logical.on_subscriber(
        "CREATE SUBSCRIPTION elsewhere CONNECTION 'host=127.0.0.1 port=9 dbname=app' PUBLICATION elsewhere "
        "WITH (connect = false)",
        "ALTER SUBSCRIPTION elsewhere ENABLE",
    )
    yield Injected()
    logical.on_subscriber(
        "ALTER SUBSCRIPTION elsewhere DISABLE",
        "ALTER SUBSCRIPTION elsewhere SET (slot_name = NONE)",
        "DROP SUBSCRIPTION elsewhere",
    )
    yield Healed()


@fault(
    make_logical,
    Expected(rule="publication_missing", cause="publication_or_slot_dropped", verdict="broken"),
    older=True,
)
def publication_dropped(logical: Logical) -> Course:
    """The publication of a subscription was dropped.

    PostgreSQL 18 continues without an error and loses every row. Earlier versions fail permanently: they decode what
    was written meanwhile as of that time, when there was no publication.
    """
    new, name = logical.publisher.major >= 18, logical.subscription
    yield Prepared()
    logical.on_publisher(f"DROP PUBLICATION {name}", f"INSERT INTO {logical.table} VALUES (7000, 'lost')")
    yield Injected(summary=("skipped without an error" if new else "keeps failing",))
    logical.on_publisher(f"CREATE PUBLICATION {name} FOR ALL TABLES")
    if not new:
        logical.disable()
        logical.on_publisher(f"SELECT pg_replication_slot_advance('{name}', pg_current_wal_lsn())")
        logical.alter("ENABLE")
    yield Healed()


@fault(make_logical, Expected(rule="replication_cut_off", cause="subscriber_cannot_connect", verdict="cut_off"))
def subscriber_cut_off(logical: Logical) -> Course:
    """Connections from the subscriber to the publisher are refused; the server counts the loss as an apply error."""
    yield Prepared()
    logical.proxy.cut()
    yield Injected()
    logical.proxy.heal()
    yield Healed()


@fault(make_logical, Expected(rule="replication_lag", cause="subscriber_cannot_connect", within_s=20.0))
def subscriber_receives_nothing(logical: Logical) -> Course:
    """Packets between publisher and subscriber are lost, and both ends take their connection for alive."""
    yield Prepared()
    with writing(logical.publisher, dbname=logical.database):
        logical.proxy.blackhole()
        yield Injected()
        logical.proxy.heal()
        yield Healed()


@fault(
    make_logical,
    Expected(
        rule="replication_cut_off",
        cause="apply_workers_exhausted",
        verdict="cut_off",
        link="/second",
        summary=("max_logical_replication_workers = 1",),
    ),
)
def workers_exhausted(logical: Logical) -> Course:
    """Two subscriptions share one worker: the second is enabled and applies nothing, without an error."""
    subscriber = logical.subscriber
    subscriber.configure(max_logical_replication_workers="1")
    subscriber.restart()
    yield Prepared()
    address = sql.Literal(logical.publisher.dsn(logical.database, REPLICATOR)).as_string()
    logical.on_subscriber(
        f"CREATE SUBSCRIPTION second CONNECTION {address} PUBLICATION {logical.subscription} WITH (copy_data = false)"
    )
    yield Broken()
    yield Injected()
    logical.on_subscriber("DROP SUBSCRIPTION second")
    yield Healed()
    subscriber.configure(max_logical_replication_workers=None)
    subscriber.restart()


@fault(
    make_logical,
    Expected(
        rule="rule_blind", cause="inputs_refused", summary=("subscriptions", "a lock is in the way"), within_s=30.0
    ),
    one_look=False,
)
def catalog_locked(logical: Logical) -> Course:
    """A transaction on the subscriber is left open with a lock on the catalog of subscriptions."""
    yield Prepared()
    with psycopg.connect(logical.subscriber.dsn(logical.database), application_name="migration") as session:
        session.execute("LOCK TABLE pg_subscription IN ACCESS EXCLUSIVE MODE")
        yield Injected()
    yield Healed()
