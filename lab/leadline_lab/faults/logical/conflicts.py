"""Rows on a subscriber conflict with changes that come from the publisher."""

import re
from typing import Final

from leadline_lab.faults.fault import Course, Expected, Fault, Healed, Injected, Named, Prepared, Steady, fault
from leadline_lab.faults.topologies import Logical, make_logical
from leadline_lab.sandbox.postgres import Server
from leadline_lab.sandbox.wait import eventually

TWO_KEYS: Final = "CREATE TABLE twice (id int PRIMARY KEY, name text UNIQUE)"
DUPLICATE_KEY: Final = Expected(rule="apply_error", cause="subscriber_duplicate_key", verdict="broken")


def _duplicate_key(retry: str) -> Fault[Logical]:
    @fault(make_logical, DUPLICATE_KEY, variant=retry, older=True)
    def duplicate_key(logical: Logical) -> Course:
        """A row was inserted on the subscriber, and the publisher inserts a row with the same key, and another with it.

        Between two attempts to apply it the server waits for wal_retrieve_retry_interval, which is 5 s by default.
        """
        logical.subscriber.configure(wal_retrieve_retry_interval=retry)
        yield Prepared()
        _insert_on_both(logical, 1000)
        # Before 18 the server does not count conflicts, and this cause is the most likely guess.
        counted = logical.subscriber.major >= 18
        yield Injected(summary=("insert_exists",), confidence=0.9) if counted else Injected()
        logical.on_subscriber(f"DELETE FROM {logical.table} WHERE id = 1000")
        yield Healed()
        logical.on_publisher(f"DELETE FROM {logical.table} WHERE id >= 1000")
        logical.subscriber.configure(wal_retrieve_retry_interval=None)

    return duplicate_key


DUPLICATE_KEYS: Final = tuple(map(_duplicate_key, ("500ms", "5s")))


@fault(
    make_logical,
    Expected(
        rule="apply_conflict",
        cause="subscriber_duplicate_key",
        verdict="broken",
        summary=("multiple_unique_conflicts",),
        fix=("ALTER SUBSCRIPTION pg_3 SKIP (lsn = '<finish LSN>')",),
    ),
    since=18,
)
def duplicate_key_of_two_indexes(logical: Logical) -> Course:
    """A row on the subscriber has both unique keys of a row that the publisher inserts."""
    logical.on_subscriber(TWO_KEYS, "INSERT INTO twice VALUES (1, 'one')")
    logical.on_publisher(TWO_KEYS)
    logical.refresh()
    yield Prepared()
    logical.on_publisher("INSERT INTO twice VALUES (1, 'one')")
    yield Injected()
    eventually("the server log has the error", lambda: bool(finish_lsns(logical.subscriber)), 5.0)
    logical.alter(f"SKIP (lsn = '{finish_lsns(logical.subscriber)[-1]}')")
    yield Healed()


@fault(
    make_logical,
    Expected(
        rule="apply_error",
        cause="subscriber_duplicate_key",
        verdict="broken",
        change=("track_commit_timestamp on pg-3 was changed from on to off",),
        fix=("ALTER SYSTEM SET track_commit_timestamp = on",),
    ),
    since=18,
    restarts=True,
)
def duplicate_key_of_an_unknown_writer(logical: Logical) -> Course:
    """track_commit_timestamp was switched off, and then a row was inserted on the subscriber: its writer is unknown."""
    subscriber = logical.subscriber
    subscriber.configure(track_commit_timestamp="on")
    subscriber.restart()
    yield Prepared()
    subscriber.configure(track_commit_timestamp=None)
    subscriber.restart()
    yield Steady(6.0)
    _insert_on_both(logical, 9000)
    yield Injected()
    logical.on_subscriber(f"DELETE FROM {logical.table} WHERE id = 9000")
    yield Healed()
    logical.on_publisher(f"DELETE FROM {logical.table} WHERE id >= 9000")


@fault(
    make_logical,
    Expected(
        rule="apply_conflict",
        cause="subscriber_duplicate_key",
        verdict="broken",
        others=(
            Named(
                "subscriber_local_writes",
                summary=("insert_exists, update_missing, update_origin_differs",),
                at_once=True,
            ),
        ),
    ),
    since=18,
)
def local_writes(logical: Logical) -> Course:
    """Rows of a replicated table were changed, deleted and inserted on the subscriber."""
    subscriber, table = logical.subscriber, logical.table
    subscriber.configure(track_commit_timestamp="on")
    subscriber.restart()
    logical.on_publisher(f"INSERT INTO {table} VALUES (8000, 'a'), (8001, 'a')")
    logical.fleet.wait_caught_up()
    yield Prepared()
    logical.on_subscriber(
        f"UPDATE {table} SET note = 'local' WHERE id = 8000",
        f"DELETE FROM {table} WHERE id = 8001",
        f"INSERT INTO {table} VALUES (8002, 'local')",
    )
    logical.on_publisher(
        f"UPDATE {table} SET note = 'b' WHERE id IN (8000, 8001)",
        f"INSERT INTO {table} VALUES (8002, 'remote')",
    )
    yield Injected()
    logical.on_subscriber(f"DELETE FROM {table} WHERE id = 8002")
    logical.fleet.wait_caught_up()
    subscriber.configure(track_commit_timestamp=None)
    subscriber.restart()


@fault(
    make_logical,
    Expected(
        rule="apply_conflict",
        cause="subscriber_missing_row",
        verdict="healthy",
        summary=("delete_missing, update_missing",),
    ),
    since=18,
    event_window=True,
    no_trace="the changes are lost without an error, and a counter that stands may be from last year",
)
def missing_row(logical: Logical) -> Course:
    """Rows were deleted on the subscriber, and their changes are skipped without an error."""
    table = logical.table
    logical.on_publisher(f"INSERT INTO {table} VALUES (2000, 'a'), (2001, 'a')")
    logical.fleet.wait_caught_up()
    yield Prepared()
    logical.on_subscriber(f"DELETE FROM {table} WHERE id IN (2000, 2001)")
    logical.on_publisher(f"UPDATE {table} SET note = 'b' WHERE id = 2000", f"DELETE FROM {table} WHERE id = 2001")
    yield Injected()
    yield Healed()


def _insert_on_both(logical: Logical, key: int) -> None:
    logical.on_subscriber(f"INSERT INTO {logical.table} VALUES ({key}, 'local')")
    logical.on_publisher(f"INSERT INTO {logical.table} VALUES ({key}, 'remote'), ({key + 1}, 'remote')")


def finish_lsns(server: Server) -> list[str]:
    """The ends of the transactions that failed, one for each attempt, from the server log, as the fix says."""
    return re.findall(r"finished at ([0-9A-F]+/[0-9A-F]+)", server.server_log.read_text(errors="replace"))
