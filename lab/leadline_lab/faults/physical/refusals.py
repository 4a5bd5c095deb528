"""A server runs and admits nobody, or nobody more."""

from contextlib import ExitStack, suppress
from typing import Final

import psycopg

from leadline.errors import UnreachableError
from leadline_lab.faults.fault import Broken, Course, Expected, Healed, Injected, Prepared, fault
from leadline_lab.faults.topologies import (
    Pair,
    make_pair_that_keeps_wal,
    make_pair_with_few_connections,
    make_pair_with_few_senders,
)
from leadline_lab.sandbox.fleet import AGENT, REPLICATOR
from leadline_lab.sandbox.postgres import Server

NO_SERVER: Final = "host=127.0.0.1 port=9 user=replicator"
END_LOOK: Final = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name LIKE 'leadline%'"


@fault(
    make_pair_with_few_connections,
    Expected(rule="node_down", cause="connections_exhausted", summary=("max_connections = 10",)),
    # Settings can be read only of a server that answers.
    late=Expected(rule="node_down", cause="connections_exhausted"),
)
def connections_exhausted(pair: Pair) -> Course:
    """An application opened every connection of the primary, the agent's too."""
    yield Prepared()
    with ExitStack() as opened:
        use_up(pair.primary, opened)
        yield Injected()
    yield Healed()


def use_up(server: Server, opened: ExitStack) -> None:
    """Open connections as an ordinary role until there are none left and the agent has lost its own."""
    server.report("open every connection")
    while True:
        try:
            opened.enter_context(psycopg.connect(server.dsn(user=AGENT, application_name="app"), autocommit=True))
        except psycopg.OperationalError:
            if not server.query(END_LOOK):
                return


@fault(
    make_pair_that_keeps_wal,
    Expected(rule="node_down", cause="server_not_ready", verdict="downstream_unreachable"),
    late=Expected(rule="node_down", cause="server_not_ready"),
    own_servers=True,
)
def standby_not_consistent(pair: Pair) -> Course:
    """A standby was started again without the WAL that it needs to be consistent, and does not get it."""
    before, slot = pair.standby.value("SHOW primary_conninfo"), pair.standby.value("SHOW primary_slot_name")
    yield Prepared()
    pair.standby.stop("immediate")
    for segment in (pair.standby.data / "pg_wal").glob("0*"):
        segment.unlink()
    pair.standby.follow(NO_SERVER, "")
    yield Broken()
    start_without_waiting(pair.standby)
    yield Injected()
    pair.standby.follow(before, slot)
    pair.standby.stop("immediate")
    pair.standby.start()
    yield Healed()


def start_without_waiting(server: Server) -> None:
    """Start a server that accepts no connections."""
    with suppress(UnreachableError):
        server.start(timeout_s=1.0)


@fault(
    make_pair_with_few_senders,
    Expected(rule="replication_cut_off", cause="too_many_wal_senders", verdict="cut_off"),
    own_servers=True,
)
def too_many_wal_senders(pair: Pair) -> Course:
    """While the standby was away, sessions for replication that do nothing took all senders of the primary."""
    yield Prepared()
    pair.standby.stop()
    with ExitStack() as opened:
        take_senders(pair.primary, opened)
        yield Broken()
        pair.standby.start()
        yield Injected()
    yield Healed()


def take_senders(primary: Server, opened: ExitStack) -> None:
    """Open sessions for replication, which do nothing, until the server refuses one."""
    primary.report("open every session for replication")
    dsn = primary.dsn(user=REPLICATOR, replication="true", application_name="idle")
    with suppress(psycopg.OperationalError):
        while True:
            opened.enter_context(psycopg.connect(dsn, autocommit=True))
