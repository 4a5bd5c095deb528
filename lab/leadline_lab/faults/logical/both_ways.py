"""Two servers subscribe to each other."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

from psycopg import sql

from leadline.errors import ProblemFound
from leadline_lab.faults.fault import Course, Expected, Healed, Injected, Prepared, fault
from leadline_lab.faults.topologies import Logical, make_logical
from leadline_lab.sandbox.fleet import REPLICATOR, ReplicationLink
from leadline_lab.sandbox.wait import eventually

WORKER: Final = "SELECT max(pid) FROM pg_stat_subscription WHERE subname = %s"
STREAMS: Final = "SELECT 1 FROM pg_stat_replication WHERE application_name = %s AND state = 'streaming'"


@fault(
    make_logical,
    Expected(
        rule="apply_error",
        cause="bidirectional_loop",
        verdict="broken",
        link="/back",
        summary=("subscription back on pg-1",),
        remains="subscriber_duplicate_key",
    ),
    since=16,
)
def changes_come_back(logical: Logical) -> Course:
    """Two servers subscribe to each other with origin = any, and a new row comes back to its own server."""
    with _subscribed_both_ways(logical, "none"):
        yield Prepared()
        _take_any(logical)
        logical.on_publisher(f"INSERT INTO {logical.table} VALUES (6000, 'a')")
        yield Injected()
        logical.on_publisher("ALTER SUBSCRIPTION back SET (origin = none)")
        logical.alter("SET (origin = none)")
        yield Healed()


@fault(
    make_logical,
    Expected(rule="changes_come_back", cause="bidirectional_loop", summary=("goes round", "items"), within_s=90.0),
    since=16,
)
def changes_go_round(logical: Logical) -> Course:
    """Two servers subscribe to each other with origin = any: an update goes from one to the other without end."""
    logical.on_publisher(f"INSERT INTO {logical.table} VALUES (6002, 'before')")
    logical.fleet.wait_caught_up()
    with _subscribed_both_ways(logical, "none"):
        yield Prepared()
        _take_any(logical)
        logical.on_publisher(f"UPDATE {logical.table} SET note = 'round' WHERE id = 6002")
        yield Injected()
        logical.on_publisher("ALTER SUBSCRIPTION back SET (origin = none)")
        logical.alter("SET (origin = none)")
        yield Healed()


@fault(
    make_logical,
    Expected(rule="apply_conflict", cause="multi_writer_swap"),
    since=16,
    event_window=True,
    no_trace="the rows differ without an error, and a counter that stands may be from last year",
)
def two_writers(logical: Logical) -> Course:
    """Two servers change the same row at the same time, and each ends with the other's value, without an error."""
    update = f"UPDATE {logical.table} SET note = '{{}}' WHERE id = 6001"
    logical.on_publisher(f"INSERT INTO {logical.table} VALUES (6001, 'before')")
    logical.fleet.wait_caught_up()
    with _subscribed_both_ways(logical, "none"):
        yield Prepared()
        logical.disable()
        logical.on_publisher("ALTER SUBSCRIPTION back DISABLE", update.format("one"))
        logical.on_subscriber(update.format("other"))
        logical.alter("ENABLE")
        logical.on_publisher("ALTER SUBSCRIPTION back ENABLE")
        yield Injected()
        note = f"SELECT note FROM {logical.table} WHERE id = 6001"
        ends = (logical.publisher, logical.subscriber)
        notes = [server.value(note, dbname=logical.database) for server in ends]
        if notes != ["other", "one"]:
            raise ProblemFound(f"the two values are not swapped: {notes}")
        yield Healed()


@fault(
    make_logical,
    Expected(
        rule="conflict_blindness",
        cause="origins_not_recorded",
        summary=("pg-3",),
        within_s=40.0,
        resolved_within_s=40.0,
    ),
    since=18,
    restarts=True,
)
def origins_not_recorded(logical: Logical) -> Course:
    """Two servers subscribe to each other, and one was restarted without track_commit_timestamp."""
    with _subscribed_both_ways(logical, "none"):
        yield Prepared()
        logical.subscriber.configure(track_commit_timestamp=None)
        logical.subscriber.restart()
        yield Injected()
        logical.subscriber.configure(track_commit_timestamp="on")
        logical.subscriber.restart()
        yield Healed()


def _take_any(logical: Logical) -> None:
    """Let both subscriptions take changes of any origin, and wait until their workers do."""

    def workers() -> set[int | None]:
        names = ((logical.publisher, "back"), (logical.subscriber, logical.subscription))
        return {server.value(WORKER, [name]) for server, name in names}

    before = workers()
    logical.on_publisher("ALTER SUBSCRIPTION back SET (origin = any)")
    logical.alter("SET (origin = any)")
    eventually("both workers are others", lambda: None not in workers() and before.isdisjoint(workers()), 15.0)


@contextmanager
def _subscribed_both_ways(logical: Logical, origin: str) -> Iterator[None]:
    """The publisher subscribes to the subscriber in turn inside the block, as the subscription ``back``."""
    one, other = logical.publisher, logical.subscriber
    for server in (one, other):
        server.configure(track_commit_timestamp="on")
        server.restart()
    logical.on_subscriber(f"CREATE PUBLICATION back FOR TABLE {logical.table}")
    logical.alter(f"SET (origin = {origin})")
    address = sql.Literal(other.dsn(logical.database, REPLICATOR)).as_string()
    logical.on_publisher(
        f"CREATE SUBSCRIPTION back CONNECTION {address} PUBLICATION back WITH (copy_data = false, origin = {origin})",
    )
    eventually(
        "both stream", lambda: bool(one.query(STREAMS, [logical.subscription]) and other.query(STREAMS, ["back"])), 15.0
    )
    link = ReplicationLink(other, one, "back", logical.database)
    logical.fleet.links.append(link)
    try:
        yield
    finally:
        logical.fleet.links.remove(link)
        logical.on_publisher("DROP SUBSCRIPTION back")
        logical.on_subscriber("DROP PUBLICATION back")
        logical.alter("SET (origin = any)")
        for server in (one, other):
            server.configure(track_commit_timestamp=None)
            server.restart()
