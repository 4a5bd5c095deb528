"""Consumers of changes that are connected to their slot: some of them confirm nothing, and WAL is retained."""

import signal
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from leadline_lab.sandbox.fleet import AGENT, REPLICATOR, Fleet
from leadline_lab.sandbox.postgres import Server
from leadline_lab.sandbox.wait import eventually
from leadline_lab.sandbox.workload import writing
from tests.fixtures.commands import Run
from tests.fixtures.postgres_versions import binaries_for
from tests.wild.change_consumers import STREAMING, consuming, create_slot
from tests.wild.conftest import Wild
from tests.wild.watching import Watching, address, watched

SOURCES = ("risingwavelabs/risingwave#16697", "alias2k/flusso#111", "bruin-data/ingestr#866")
NAME = "orders-cdc"


@pytest.fixture(params=[15, 18])
def publisher(request: pytest.FixtureRequest, wild: Wild) -> Iterator[Server]:
    """A server with the slot cdc in the database app."""
    wild.server_version = str(request.param)
    with Fleet(binaries_for(request.param), plain=True) as fleet:
        server = fleet.primary("pg-1")
        server.query("CREATE DATABASE app")
        create_slot(server, "app", "cdc")
        yield server


@contextmanager
def pg_recvlogical(server: Server) -> Iterator[None]:
    """``pg_recvlogical``, which says what it has written and never that it is flushed."""
    dbname = f"{server.address('app', user=REPLICATOR)} application_name={NAME}"
    options = ("--option", "proto_version=1", "--option", "publication_names=cdc", "--fsync-interval=100000")
    command = ("pg_recvlogical", "--dbname", dbname, "--slot", "cdc", "--start", "--file", "/dev/null", *options)
    program = server.launch(*command, "--status-interval=1", farewell=signal.SIGTERM)
    assert program.stdin is not None
    try:
        eventually("it streams", lambda: bool(server.query(STREAMING, [NAME])), 10.0)
        yield
    finally:
        program.stdin.close()
        program.wait()


@contextmanager
def own(server: Server) -> Iterator[None]:
    """A program that receives, replies once a second, and never confirms."""
    with consuming(server, "app", "cdc", NAME):
        yield


@contextmanager
def hanging(server: Server) -> Iterator[None]:
    """A program that is connected and does not read."""
    with consuming(server, "app", "cdc", NAME, reads=False):
        yield


@pytest.mark.quick
@pytest.mark.situation(29, "A consumer that is connected and never confirms", *SOURCES)
@pytest.mark.parametrize("consumer", [pg_recvlogical, own])
def test_a_consumer_that_never_confirms(wild: Wild, publisher: Server, consumer: type) -> None:
    """The answer says who it is and what is seen of it, and proposes nothing that would drop its slot."""
    with watched([publisher], "app") as seen, writing(publisher, dbname="app"):
        wild.begins()
        with consumer(publisher):
            cause = seen.names("slot_consumer_stuck", 45.0, above=0.8)
            wild.answers(cause.summary)
            where = f"{NAME} at 127.0.0.1 (pid {publisher.value('SELECT pid FROM pg_stat_replication')})"
            assert cause.summary.startswith(f"{where} is connected to slot cdc on {address(publisher)}")
            assert "is sent changes, replies, and has confirmed nothing" in cause.summary
            assert "of WAL for it" in cause.summary
            assert f"In the messages of {NAME} at 127.0.0.1" in str(cause.steps)
            assert "pg_drop_replication_slot" not in str(cause)
            assert "unknown" not in seen.ever_first(), seen.history()


@pytest.mark.situation(29, "A consumer that is connected and does not read", *SOURCES)
def test_a_consumer_that_hangs(wild: Wild, publisher: Server) -> None:
    """Nothing comes back from it."""
    with watched([publisher], "app") as seen, writing(publisher, dbname="app"):
        wild.begins()
        with hanging(publisher):
            cause = seen.names("slot_consumer_stuck", 60.0)
            wild.answers(cause.summary)
            assert "pg_drop_replication_slot" not in str(cause)


@pytest.mark.situation(150, "A consumer that never confirms, looked at once", *SOURCES)
def test_a_check_names_a_consumer_that_never_confirmed(wild: Wild, run: Run, publisher: Server) -> None:
    """It has been connected for longer than wal_sender_timeout, and the server shows no confirmation since."""
    publisher.configure(wal_sender_timeout="10s")
    with own(publisher), writing(publisher, dbname="app"):
        connected = "SELECT now() - backend_start > '11 s' FROM pg_stat_replication"
        eventually("it had time to confirm", lambda: bool(publisher.value(connected)), 20.0)
        wild.begins()
        result = run("check", publisher.dsn("app", AGENT))
        assert result.code == 1, result.out
        assert "has confirmed nothing since it connected" in result.out
        assert NAME in result.out
        wild.answers("has confirmed nothing since it connected")


@pytest.mark.situation(
    151, "A consumer that confirms once in a while", "eventuate-foundation/eventuate-cdc#147", "airbytehq/airbyte#27647"
)
@pytest.mark.parametrize("every_s", [5.0, 22.0])
def test_a_consumer_that_confirms(wild: Wild, run: Run, publisher: Server, every_s: float) -> None:
    """Nothing is raised of it, and check ends with 0: how often it confirms is its own affair."""
    dsn = publisher.dsn("app", AGENT)
    with (
        consuming(publisher, "app", "cdc", NAME, confirms_every_s=every_s),
        writing(publisher, dbname="app"),
        Watching(dsn, for_s=5.0) as now,
    ):
        now.look(70)
        assert not now.fired, now.history()
        result = run("check", dsn)
        assert result.code == 0, result.out
    wild.raises_nothing()
