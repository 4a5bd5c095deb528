"""Replication slots that nothing reads, that are lost, or that something else reads."""

import signal
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from leadline_lab.faults.fault import Course, Expected, Healed, Injected, Prepared, fault
from leadline_lab.faults.topologies import Pair, make_pair
from leadline_lab.sandbox import guard
from leadline_lab.sandbox.postgres import Server
from leadline_lab.sandbox.process import give
from leadline_lab.sandbox.wait import eventually
from leadline_lab.sandbox.workload import write_wal, writing

END_READER = "SELECT pg_terminate_backend(active_pid) FROM pg_replication_slots WHERE slot_name = 'pg_2'"
UNUSED = "SELECT NOT active FROM pg_replication_slots WHERE slot_name = 'pg_2'"
ACTIVE = "SELECT active FROM pg_replication_slots WHERE slot_name = %s"


@fault(make_pair, Expected(rule="slot_inactive", cause="slot_abandoned"))
def slot_abandoned(pair: Pair) -> Course:
    """A standby was removed and its slot was left."""
    yield Prepared()
    pair.primary.execute("SELECT pg_create_physical_replication_slot('gone', true)")
    yield Injected()
    pair.primary.execute("SELECT pg_drop_replication_slot('gone')")
    yield Healed()


@fault(make_pair, Expected(rule="slot_idle_timeout", cause="slot_abandoned", rules=("slot_inactive",)), since=18)
def slot_soon_invalidated(pair: Pair) -> Course:
    """Nobody reads a slot, and idle_replication_slot_timeout will have passed soon."""
    pair.primary.configure(idle_replication_slot_timeout="12s")
    yield Prepared()
    pair.primary.execute("SELECT pg_create_physical_replication_slot('gone', true)")
    yield Injected()
    pair.primary.execute("SELECT pg_drop_replication_slot('gone')")
    yield Healed()
    pair.primary.configure(idle_replication_slot_timeout=None)


@fault(
    make_pair,
    Expected(
        rule="slot_lost",
        cause="slot_invalidated",
        change=("max_slot_wal_keep_size on pg-1 was changed from -1 (unlimited) to 2MB",),
    ),
    older=True,
)
def slot_invalidated(pair: Pair) -> Course:
    """A slot kept more WAL than max_slot_wal_keep_size allows, and a checkpoint invalidated it."""
    yield Prepared()
    pair.primary.execute("SELECT pg_create_physical_replication_slot('outgrown', true)")
    pair.primary.configure(max_slot_wal_keep_size="2MB")
    write_wal(pair.primary, segments=8)
    pair.fleet.wait_caught_up()  # on a busy machine the standby's own slot would be invalidated, too
    pair.primary.execute("CHECKPOINT")
    yield Injected()
    pair.primary.execute("SELECT pg_drop_replication_slot('outgrown')")
    yield Healed()
    pair.primary.configure(max_slot_wal_keep_size=None)


@fault(make_pair, Expected(rule="replication_cut_off", cause="slot_missing", verdict="cut_off"), needs_slot=True)
def slot_dropped(pair: Pair) -> Course:
    """A slot that a standby uses was dropped."""
    yield Prepared()
    # A slot in use cannot be dropped, and a standby whose connection is ended may be back before the statement runs.
    pair.proxy.cut()
    eventually("the slot is not in use", lambda: bool(pair.primary.value(UNUSED)), 10.0)
    pair.primary.execute("SELECT pg_drop_replication_slot('pg_2')")
    pair.proxy.heal()
    yield Injected()
    pair.primary.execute("SELECT pg_create_physical_replication_slot('pg_2', true)")
    yield Healed()


@fault(
    make_pair,
    Expected(rule="replication_cut_off", cause="slot_in_use_elsewhere", verdict="cut_off", summary=("pg_receivewal",)),
    needs_slot=True,
)
def slot_in_use_elsewhere(pair: Pair) -> Course:
    """Another receiver with a copied configuration took the slot while the standby was disconnected."""
    yield Prepared()
    pair.proxy.cut()
    pair.primary.execute(END_READER)
    with _receiving(pair.primary, slot="pg_2"):
        pair.proxy.heal()
        yield Injected()
    yield Healed()


@fault(
    make_pair,
    Expected(rule="replication_cut_off", cause="slot_consumer_stuck", summary=("pg_receivewal",), within_s=40.0),
    shows_after_s=20.0,
)
def slot_consumer_hangs(pair: Pair) -> Course:
    """A program that is not watched reads a slot, and has stopped reading."""
    pair.primary.configure(wal_sender_timeout="40s")  # half of it is the longest time without a reply
    yield Prepared()
    pair.primary.execute("SELECT pg_create_physical_replication_slot('archive')")
    with _receiving(pair.primary, slot="archive") as pids, writing(pair.primary):
        guard.signal_all(pids, signal.SIGSTOP)
        yield Injected()
        guard.signal_all(pids, signal.SIGCONT)
        yield Healed()
    pair.primary.execute("SELECT pg_drop_replication_slot('archive')")
    pair.primary.configure(wal_sender_timeout=None)


@contextmanager
def _receiving(server: Server, slot: str) -> Iterator[list[int]]:
    """Read a slot with pg_receivewal inside the block; its process ids."""
    with tempfile.TemporaryDirectory(dir=server.data.parent) as folder:
        give(Path(folder))
        server.report(f"pg_receivewal --slot {slot}")
        receiver = server.launch(
            *("pg_receivewal", "--slot", slot, "--directory", folder, "--dbname", server.address()),
            farewell=signal.SIGTERM,
        )
        assert receiver.stdin is not None
        try:
            eventually(f"pg_receivewal uses {slot}", lambda: bool(server.value(ACTIVE, [slot])))
            yield guard.descendants(receiver.pid)
        finally:
            receiver.stdin.close()
            receiver.wait()
