"""Slots of subscriptions that somebody else reads, or nobody, while a worker still runs."""

import shutil
from collections.abc import Iterator

import psycopg
import pytest

from leadline_lab.sandbox.fleet import AGENT, Fleet
from leadline_lab.sandbox.postgres import Server
from leadline_lab.sandbox.process import account, give
from leadline_lab.sandbox.wait import eventually
from tests.fixtures.commands import Run
from tests.wild.conftest import Wild
from tests.wild.watching import watched

ITEMS = "CREATE TABLE items (id int PRIMARY KEY, note text)"


@pytest.fixture
def fleet() -> Iterator[Fleet]:
    fleet = Fleet(plain=True)
    yield fleet
    fleet.close()


def logical(fleet: Fleet, **settings: str) -> tuple[Server, Server]:
    """A publisher with these settings and a subscriber, of the database app."""
    publisher = fleet.primary("pg-1", settings)
    publisher.query("CREATE DATABASE app")
    publisher.query(ITEMS, dbname="app")
    subscriber = fleet.subscriber("pg-3", publisher, schema=ITEMS)
    fleet.wait_caught_up()
    return publisher, subscriber


def copy_of(server: Server, fleet: Fleet, name: str) -> Server:
    """A copy of a stopped server, as a snapshot of its volume makes it, on a port of its own."""
    copy = Server(name, fleet.folder / name, server._programs, server._password)
    fleet.servers[name] = copy
    shutil.copytree(server.data, copy.data)
    owner = account()
    for file in (copy.data, *copy.data.rglob("*")) if owner is not None else ():
        give(file)
    copy.configure_files({"cluster_name": ""})
    return copy


@pytest.mark.situation(
    110, "A copy of the subscriber reads the subscription's slot", "patroni/patroni#3523", "Cap-go/capgo.app#2307"
)
@pytest.mark.parametrize("late", [False, True])
def test_a_copy_of_the_subscriber(wild: Wild, fleet: Fleet, late: bool) -> None:
    """It takes the changes, so that the subscription never gets them; the slot and the copy's address are named."""
    publisher, subscriber = logical(fleet)

    def started() -> None:
        subscriber.stop()
        staging = copy_of(subscriber, fleet, "staging")
        staging.start()
        active = "SELECT active FROM pg_replication_slots"
        eventually("the copy reads the slot", lambda: bool(publisher.value(active)))
        subscriber.start()

    if late:
        started()
    with watched([publisher, subscriber], "app", settled=not late) as seen:
        wild.begins()
        if not late:
            started()
        cause = seen.names("slot_in_use_elsewhere", 40.0, above=0.9)
        wild.answers(cause.summary)
        assert "copy of the subscriber" in cause.summary
        assert "pg_terminate_backend" not in str(cause.steps)
        assert "compare the tables" in str(cause.steps)


@pytest.mark.situation(
    111, "A worker waits longer than wal_sender_timeout", "2ndQuadrant/bdr#233", "MaterializeInc/materialize#6827"
)
def test_a_worker_whose_sender_ended(wild: Wild, run: Run, fleet: Fleet) -> None:
    """Looking begins after the sender gave up: the link is still known, and so is the lock."""
    publisher, subscriber = logical(fleet, wal_sender_timeout="2s")
    with psycopg.connect(subscriber.dsn("app")) as session:
        session.execute("LOCK TABLE items IN ACCESS EXCLUSIVE MODE")
        for first in range(1, 30_001, 10_000):
            rows = f"SELECT n, repeat('x', 2000) FROM generate_series({first}, {first + 9999}) AS n"
            publisher.query(f"INSERT INTO items {rows}", dbname="app")
        ended = "SELECT NOT active FROM pg_replication_slots"
        eventually("the sender gives up", lambda: bool(publisher.value(ended)), 60.0)
        with watched([publisher, subscriber], "app") as seen:
            wild.begins()
            cause = seen.names("apply_blocked_by_lock", 30.0, above=0.9)
            wild.answers(cause.summary)
        result = run("check", publisher.dsn("app", AGENT), subscriber.dsn("app", AGENT))
    assert result.code == 1
    assert "no replication" not in result.out
    assert "holds a lock" in result.out


@pytest.mark.situation(112, "archive_mode is on and archive_command is empty", "wal-g/wal-g#50")
def test_a_server_that_has_nothing_to_archive_with(wild: Wild, run: Run, fleet: Fleet) -> None:
    """It counts no failure, and keeps its WAL."""
    primary = fleet.primary("pg-1", {"archive_mode": "on", "archive_command": ""})
    primary.query("SELECT pg_switch_wal()")
    with watched([primary]) as seen:
        wild.begins()
        cause = seen.names("archiver_failing", above=0.9)
        wild.answers(cause.summary)
    result = run("check", primary.dsn(user=AGENT))
    assert result.code == 1
    assert "archive_command is empty" in result.out
