"""An end of logical replication that was restored, from a snapshot of its volume or from a dump."""

import shutil
from collections.abc import Callable, Iterator

import pytest

from leadline_lab.faults.topologies import Logical, make_logical
from leadline_lab.sandbox.fleet import AGENT, Fleet
from leadline_lab.sandbox.postgres import Server
from leadline_lab.sandbox.process import give
from tests.fixtures.commands import Run
from tests.wild.conftest import Wild
from tests.wild.watching import address, watched

MORE = "INSERT INTO items SELECT id, 'more' FROM generate_series(10, 20000) AS id"
SOURCE = "EnterpriseDB/docs#5973"


@pytest.fixture
def logical() -> Iterator[Logical]:
    with Fleet(plain=True) as fleet:
        logical = make_logical(fleet)
        logical.on_publisher("INSERT INTO items VALUES (1, 'before')")
        fleet.wait_caught_up()
        yield logical


def after_more_rows(logical: Logical, server: Server) -> Callable[[], None]:
    """Write rows after a snapshot of a server's volume; to call the result restores the snapshot."""
    kept = logical.fleet.folder / "snapshot"
    server.stop()
    shutil.copytree(server.data, kept)
    server.start()
    logical.on_publisher(MORE)
    logical.fleet.wait_caught_up()

    def restore() -> None:
        server.stop("immediate")
        shutil.rmtree(server.data)
        shutil.move(kept, server.data)
        for path in (server.data, *server.data.rglob("*")):
            give(path)
        server.start()

    return restore


def ends(logical: Logical) -> tuple[Server, Server]:
    return logical.publisher, logical.subscriber


@pytest.mark.situation(163, "The publisher is restored to an older state", SOURCE)
def test_a_publisher_that_was_restored(wild: Wild, run: Run, logical: Logical) -> None:
    """Its subscription is sent nothing until the publisher gets to where it was, without an error."""
    after_more_rows(logical, logical.publisher)()
    logical.on_publisher("INSERT INTO items VALUES (5, 'after')")
    wild.begins()
    with watched(ends(logical), logical.database) as seen:
        seen.fires("log_went_back")
        cause = seen.names("primary_restored_older", above=0.9)
        wild.answers(cause.summary)
        held = f"subscription pg_3 on {address(logical.subscriber)} has applied"
        assert held in cause.summary
        assert "is skipped without an error" in cause.summary
    result = run("check", *(server.dsn(logical.database, AGENT) for server in ends(logical)))
    assert result.code == 1, result.out
    assert held in result.out
    missing = logical.subscriber.value("SELECT count(*) FROM items WHERE id = 5", dbname=logical.database)
    assert missing == 0, "the situation is not what it was taken for"


@pytest.mark.situation(164, "The subscriber is restored to an older state", SOURCE)
def test_a_subscriber_that_was_restored(wild: Wild, logical: Logical) -> None:
    """Its slot has moved on: the rows are not sent again, and the subscription streams as if nothing had been lost."""
    restore = after_more_rows(logical, logical.subscriber)
    with watched(ends(logical), logical.database, settled=True) as seen:
        wild.begins()
        restore()
        seen.fires("log_went_back")
        cause = seen.names("primary_restored_older", above=0.8)
        wild.answers(cause.summary)
        assert "what subscription pg_3 had confirmed since then is not sent again" in cause.summary
    count = logical.subscriber.value("SELECT count(*) FROM items", dbname=logical.database)
    assert count < 10, "the situation is not what it was taken for"


@pytest.mark.situation(
    165,
    "A subscription is restored from a dump, and the other one goes on",
    "neondatabase/neon#11073",
    "PostgreSQL docs: pg_dump",
)
def test_a_subscription_from_a_dump(wild: Wild, run: Run, logical: Logical) -> None:
    """It has the slot of the other subscriber: no step enables it."""
    dump = logical.subscriber.run("pg_dump", "--schema-only", "--dbname", logical.subscriber.address(logical.database))
    create = next(each for each in dump.split(";\n") if "CREATE SUBSCRIPTION" in each)
    copy = logical.fleet.primary("pg-4")
    copy.query(f"CREATE DATABASE {logical.database}")
    copy.query("CREATE TABLE items (id int PRIMARY KEY, note text)", dbname=logical.database)
    copy.query(create, dbname=logical.database)
    wild.begins()
    result = run("check", *(server.dsn(logical.database, AGENT) for server in (logical.publisher, copy)))
    assert result.code == 1, result.out
    assert f"subscription pg_3 on {address(copy)} is disabled" in result.out
    assert "is read by another consumer" in result.out
    assert "ALTER SUBSCRIPTION pg_3 ENABLE" not in result.out
    wild.answers(next(line for line in result.out.splitlines() if line.startswith("cause")))
