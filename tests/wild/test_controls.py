"""Healthy servers, named and set up as people have them: nothing is raised, and ``check`` ends with 0."""

import signal
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import pytest

from leadline_lab.faults.topologies import Pair, make_pair
from leadline_lab.sandbox.fleet import AGENT, REPLICATOR, Fleet
from leadline_lab.sandbox.postgres import Server
from leadline_lab.sandbox.process import give
from leadline_lab.sandbox.wait import eventually
from leadline_lab.sandbox.workload import writing
from leadline_streams.rules import RULES
from tests.fixtures.commands import Run
from tests.fixtures.fleets import Shelf
from tests.fixtures.postgres_versions import binaries_for
from tests.wild.conftest import Wild
from tests.wild.watching import Watching

FOR_S = 5.0
"""Rules fire after this time, and not after half a minute: a control that is quiet for long enough is so in less."""
RESTARTS = {rule: {"for_s": RULES[rule].limits.for_s} for rule in ("node_down", "replication_cut_off", "slot_inactive")}
"""For servers that are restarted: a restart is no fault as long as it takes no longer than with the default rules."""
SENDING = "SELECT 1 FROM pg_stat_replication WHERE application_name = %s AND state = 'streaming'"

Quiet = Callable[..., None]


@pytest.fixture
def plain(shelf: Shelf) -> Iterator[Pair]:
    """A primary and its standby without names and without a slot."""
    with shelf.lend(make_pair, plain=True, slots=False) as pair:
        yield pair


@pytest.fixture
def quiet(wild: Wild, run: Run) -> Quiet:
    """Hold that nothing is raised of servers for a time, in which ``happens`` is called; ``check`` then ends with 0."""

    def held(servers: Sequence[Server], seconds: float, happens: Callable[[Watching], None] = lambda _: None) -> None:
        dsns = [server.dsn(user=AGENT) for server in servers]
        with Watching(*dsns, for_s=FOR_S, rules=RESTARTS) as now:
            now.look(3)
            happens(now)
            now.look(round(seconds))
            assert not now.fired, now.history()
        checked = run("check", *dsns)
        assert checked.code == 0, checked.out + checked.err
        wild.raises_nothing()

    return held


@contextmanager
def receiving(server: Server, *options: str) -> Iterator[None]:
    """pg_receivewal runs inside the block."""
    with tempfile.TemporaryDirectory(dir=server.data.parent) as folder:
        give(Path(folder))
        command = ("pg_receivewal", "--directory", folder, "--dbname", server.address(user=REPLICATOR), *options)
        program = server.launch(*command, farewell=signal.SIGTERM)
        assert program.stdin is not None
        try:
            eventually("pg_receivewal streams", lambda: bool(server.query(SENDING, ["pg_receivewal"])))
            yield
        finally:
            program.stdin.close()
            program.wait()


@pytest.mark.situation(801, "A base backup is taken", "check_pgactivity#166", "cloudnative-pg#3011")
def test_base_backup(plain: Pair, quiet: Quiet) -> None:
    """pg_basebackup with its own WAL stream, which has a temporary slot, begins and ends while servers are watched."""
    primary = plain.primary

    def back_up(now: Watching) -> None:
        with tempfile.TemporaryDirectory(dir=primary.data.parent) as folder:
            give(Path(folder))
            target = ("pg_basebackup", "-D", f"{folder}/copy", "--dbname", primary.address(user=REPLICATOR))
            program = primary.launch(*target, "--max-rate=2M", "--wal-method=stream", farewell=signal.SIGTERM)
            assert program.stdin is not None
            eventually("the backup runs", lambda: bool(primary.query("SELECT 1 FROM pg_stat_progress_basebackup")))
            now.look(12)
            program.stdin.close()
            program.wait()

    quiet((primary, plain.standby), 10.0, back_up)


@pytest.mark.situation(802, "WAL is archived by pg_receivewal", "cloudnative-pg#3011")
def test_pg_receivewal(plain: Pair, quiet: Quiet) -> None:
    """It confirms nothing between two status messages, 10 s apart, while the primary writes."""
    with receiving(plain.primary), writing(plain.primary):
        quiet((plain.primary, plain.standby), 25.0)


@pytest.mark.situation(803, "WAL is archived through a slot, as barman does", "EnterpriseDB/barman#786")
def test_streams_of_barman(plain: Pair, quiet: Quiet) -> None:
    """The slot of barman, read by pg_receivewal under its name, which fsyncs and confirms whole segments only."""
    primary = plain.primary
    primary.query("SELECT pg_create_physical_replication_slot('barman')")
    try:
        with receiving(primary, "--slot=barman"), writing(primary):
            quiet((primary, plain.standby), 25.0)
    finally:
        primary.query("SELECT pg_drop_replication_slot('barman')")


@pytest.mark.situation(804, "Idle for longer than the default timeouts", "repmgr#766", "check_pgactivity#201")
def test_long_timeouts(plain: Pair, quiet: Quiet) -> None:
    """With timeouts of ten minutes an idle sender sends a message each five, and the receiver gets nothing between."""
    servers = plain.primary, plain.standby
    for server in servers:
        server.configure(wal_sender_timeout="10min", wal_receiver_timeout="10min", wal_receiver_status_interval="5min")
    try:
        quiet(servers, 50.0)
    finally:
        for server in servers:
            server.configure(wal_sender_timeout=None, wal_receiver_timeout=None, wal_receiver_status_interval=None)


@pytest.mark.situation(805, "A planned switchover of three servers", "repmgr#272", "pgoperate#15")
def test_switchover(quiet: Quiet) -> None:
    """p1 is stopped, s1 promoted, s2 points at it, and p1 returns as a standby; all within some seconds."""
    with Fleet(binaries_for(18), plain=True, slots=False) as fleet:
        old, new, third = three(fleet)

        def switch(now: Watching) -> None:
            old.stop()
            now.look(2)
            new.query("SELECT pg_promote()")
            third.configure(primary_conninfo=new.dsn(user=REPLICATOR))
            old.follow(new.dsn(user=REPLICATOR), slot="")
            old.start()
            now.look(2)

        quiet((old, new, third), 45.0, switch)


@pytest.mark.situation(806, "A failover, and the old primary rejoins", "repmgr#766")
def test_failover_with_rejoin(quiet: Quiet) -> None:
    """The primary crashes, a standby is promoted within seconds, and the old primary is rewound and rejoins."""
    with Fleet(binaries_for(18), plain=True, slots=False) as fleet:
        old, new, third = three(fleet)
        old.configure(wal_log_hints="on")
        old.restart()
        fleet.wait_caught_up()

        def fail_over(now: Watching) -> None:
            old.kill()
            now.look(3)
            new.query("SELECT pg_promote()")
            third.configure(primary_conninfo=new.dsn(user=REPLICATOR))
            new.query("CHECKPOINT")
            old.start()
            old.stop()
            old.run("pg_rewind", "-D", old.data, "--source-server", new.address(), "--no-sync")
            old.configure_files({"cluster_name": ""})
            old.follow(new.dsn(user=REPLICATOR), slot="")
            old.start()
            now.look(2)

        quiet((old, new, third), 45.0, fail_over)


def three(fleet: Fleet) -> tuple[Server, Server, Server]:
    """A primary and two standbys of it."""
    primary = fleet.primary("pg-1")
    return primary, fleet.standby("pg-2", primary), fleet.standby("pg-3", primary)


@pytest.mark.quick
@pytest.mark.situation(807, "Servers that write their messages in German", "getodk/central#1199")
def test_german_servers(shelf: Shelf, quiet: Quiet, wild: Wild) -> None:
    """lc_messages is de_DE, as an installer in Germany sets it."""
    wild.server_version = "15"
    with shelf.lend(make_pair, 15, plain=True, slots=False) as pair:
        servers = pair.primary, pair.standby
        for server in servers:
            server.configure(lc_messages="de_DE.utf8")
        try:
            with writing(pair.primary):
                quiet(servers, 10.0)
        finally:
            for server in servers:
                server.configure(lc_messages=None)


@pytest.mark.quick
@pytest.mark.situation(808, "The plainest pair there is, idle and busy", "netdata#13387")
def test_plainest_pair(plain: Pair, quiet: Quiet) -> None:
    """No application_name, no slot, nothing but two connection strings."""

    def busy(now: Watching) -> None:
        now.look(6)
        with writing(plain.primary):
            now.look(6)

    quiet((plain.primary, plain.standby), 1.0, busy)


@pytest.mark.situation(809, "The same server twice, by two of its addresses", "pg_auto_failover#490")
def test_two_addresses(plain: Pair, wild: Wild, run: Run) -> None:
    """A virtual address beside the address of the node: the primary is named twice, and there is one."""
    dsns = [plain.primary.dsn(user=AGENT), plain.standby.dsn(user=AGENT)]
    dsns.append(dsns[0].replace("127.0.0.1", "localhost"))
    with Watching(*dsns, for_s=FOR_S, rules=RESTARTS) as now:
        now.look(15)
        assert not now.fired, now.history()
    checked = run("check", *dsns)
    assert checked.code == 0, checked.out + checked.err
    wild.raises_nothing()
