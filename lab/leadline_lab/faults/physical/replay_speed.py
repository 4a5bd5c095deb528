"""Replay gets a small share of a processor."""

import os
import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

from leadline.clock import SystemClock
from leadline_lab.faults.fault import Course, Expected, Healed, Injected, Prepared, Steady, fault
from leadline_lab.faults.topologies import Pair, make_pair
from leadline_lab.sandbox.postgres import Server
from leadline_lab.sandbox.workload import writing

PERIOD_S: Final = 0.1
"""As that of Linux's processor quotas, cpu.max."""
SHARE: Final = 0.005
LONGEST_STOP_S: Final = 2.0
"""Replay that stands for much longer than this hangs."""
TABLE: Final = "CREATE TABLE IF NOT EXISTS busy (id text); CREATE INDEX IF NOT EXISTS busy_id ON busy (id)"
LOAD: Final = "INSERT INTO busy SELECT md5(id::text) FROM generate_series(1, %s) AS id"


@fault(make_pair, Expected(rule="replication_lag", cause="replay_cannot_keep_up", verdict="falling_behind"))
def replay_cannot_keep_up(pair: Pair) -> Course:
    """The primary writes as usual, and the standby's only replaying process no longer keeps up."""
    pair.primary.query(TABLE)
    yield Prepared()
    with writing(pair.primary, every_s=0.1, statement=LOAD, size=2_000):
        yield Steady(12.0)
        with _starved(pair.standby, "startup"):
            yield Injected()
    yield Healed()


@fault(
    make_pair,
    Expected(rule="sync_commit_blocked", cause="sync_remote_apply_slow"),
    # Where the amount of WAL is alerted on before a commit has waited for long, the slow replay is what is seen first.
    limits={"pg-2": {"replication_lag_bytes": {"warning": 1e12, "critical": 1e13}}},
)
def remote_apply_is_slow(pair: Pair) -> Course:
    """Commits wait until the standby has replayed them, and its replay is slow."""
    pair.primary.query(TABLE)
    pair.primary.configure(synchronous_standby_names=f'"{pair.application_name}"', synchronous_commit="remote_apply")
    yield Prepared()
    with writing(pair.primary, statement=LOAD, size=200_000):
        yield Steady(12.0)
        with _starved(pair.standby, "startup"):
            yield Injected()
    yield Healed()
    pair.primary.configure(synchronous_standby_names=None, synchronous_commit=None)


@contextmanager
def _starved(server: Server, process: str) -> Iterator[None]:
    """Give one process SHARE of a processor inside the block, as in a container whose quota is too small.

    On a busy machine a slice lasts longer than was meant; then the process is stopped for longer, too.
    """
    pid = server.process_pid(process)
    server.report(f"the {process} process gets {SHARE:.1%} of a processor")
    ended, clock = threading.Event(), SystemClock()

    def alternate() -> None:
        ran_s = PERIOD_S * SHARE
        while not ended.is_set():
            os.kill(pid, signal.SIGSTOP)
            ended.wait(min(ran_s * (1 - SHARE) / SHARE, LONGEST_STOP_S))
            continued = clock.monotonic()
            os.kill(pid, signal.SIGCONT)
            ended.wait(PERIOD_S * SHARE)
            ran_s = clock.monotonic() - continued

    alternating = threading.Thread(target=alternate, name=f"starve-{pid}", daemon=True)
    alternating.start()
    try:
        yield
    finally:
        ended.set()
        alternating.join()
