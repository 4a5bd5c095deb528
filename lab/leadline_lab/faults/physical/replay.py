"""Replay on a standby is paused, blocked by a query, cancels queries, or is delayed."""

from contextlib import ExitStack
from typing import Final

from leadline_lab.faults.fault import Course, Expected, Fault, Healed, Injected, Prepared, Steady, control, fault
from leadline_lab.faults.topologies import Pair, make_pair, make_pair_that_keeps_wal
from leadline_lab.sandbox.workload import reading, write_wal, writing

BLOCKING_CHANGES: Final = {
    "snapshot": ("DELETE FROM blocked_snapshot", "VACUUM blocked_snapshot"),
    "lock": ("TRUNCATE blocked_lock",),
}
"""Statements on the primary whose replay waits for a query that holds this."""
READERS: Final = 6
"""One cancelled query now and then is normal on a standby that is read."""
DELAY_S: Final = 3600.0
DELAY_DECLARED: Final = {"pg-2": {"apply_delay_undeclared": {"warning": DELAY_S + 1}}}


@fault(
    make_pair,
    Expected(rule="replay_paused", cause="replay_paused_by_operator", verdict="replay_paused"),
    older=True,
)
def replay_paused(pair: Pair) -> Course:
    """Replay was paused on the standby and not resumed."""
    yield Prepared()
    pair.standby.execute("SELECT pg_wal_replay_pause()")
    yield Injected()
    pair.standby.execute("SELECT pg_wal_replay_resume()")
    yield Healed()


@fault(
    make_pair,
    Expected(
        rule="replay_paused",
        cause="replay_paused_by_parameter",
        verdict="replay_paused",
        summary=("max_connections is 50 there and 60 on pg-1",),
    ),
    restarts=True,
)
def parameter_lower_on_standby(pair: Pair) -> Course:
    """The primary was restarted with more connections than the standby allows, and the standby pauses replay itself."""
    yield Prepared()
    pair.primary.configure(max_connections="60")
    pair.primary.restart()
    yield Injected()
    pair.standby.configure(max_connections="60")
    pair.standby.restart()
    yield Healed()
    pair.primary.configure(max_connections=None)
    pair.primary.restart()
    pair.fleet.wait_caught_up()
    pair.standby.configure(max_connections=None)
    pair.standby.restart()


@fault(
    make_pair_that_keeps_wal,
    Expected(rule="replay_paused", cause="recovery_target_reached", verdict="replay_paused"),
    restarts=True,
)
def recovery_target_left(pair: Pair) -> Course:
    """A standby was restored to a point in time, and its recovery target stayed in the configuration."""
    yield Prepared()
    target = pair.primary.value("SELECT (pg_current_wal_lsn() + 1000000)::text")
    pair.standby.configure(recovery_target_lsn=target)
    pair.standby.restart()
    write_wal(pair.primary, 3)
    yield Injected()
    pair.standby.configure(recovery_target_lsn=None)
    pair.standby.restart()
    yield Healed()


def _query_blocks_replay(held: str) -> Fault[Pair]:
    @fault(
        make_pair,
        Expected(
            rule="replication_stalled",
            cause="standby_query_blocks_replay",
            verdict="replay_stalled",
            summary=(f"holds a {held}",),
            change=("max_standby_streaming_delay on pg-2 was changed from 30s to -1 (unlimited)",),
        ),
        variant=held,
        older=True,
    )
    def query_blocks_replay(pair: Pair) -> Course:
        """Replay may wait for queries without limit, and a report is left open whose table the primary changes."""
        table = f"blocked_{held}"
        pair.primary.query(f"CREATE TABLE {table} AS SELECT generate_series(1, 1000) AS id")
        pair.fleet.wait_caught_up()
        yield Prepared()
        pair.standby.configure(max_standby_streaming_delay="-1")
        with writing(pair.primary), reading(pair.standby, table) as pid:
            pair.primary.execute(*BLOCKING_CHANGES[held])
            yield Injected(summary=(f"pid {pid} on {pair.standby.name}",))
        yield Healed()
        pair.standby.configure(max_standby_streaming_delay=None)

    return query_blocks_replay


QUERY_BLOCKS_REPLAY: Final = tuple(map(_query_blocks_replay, BLOCKING_CHANGES))


@fault(
    make_pair,
    Expected(
        rule="recovery_conflict",
        cause="recovery_conflict_cancels",
        summary=(f"{READERS} by snapshot; max_standby_streaming_delay = 0",),
    ),
    no_trace="the queries are gone, and a counter that stands may be from last year",
)
def replay_cancels_queries(pair: Pair) -> Course:
    """Replay waits for no query, feedback is off, and the primary vacuums a table that queries on the standby read."""
    pair.primary.query("CREATE TABLE cancelled AS SELECT generate_series(1, 1000) AS id")
    pair.standby.configure(max_standby_streaming_delay="0")
    pair.fleet.wait_caught_up()
    yield Prepared()
    with ExitStack() as sessions:
        for _ in range(READERS):
            sessions.enter_context(reading(pair.standby, "cancelled"))
        pair.primary.execute("DELETE FROM cancelled", "VACUUM cancelled")
        yield Injected()
    pair.standby.configure(max_standby_streaming_delay=None)


@fault(
    make_pair,
    Expected(
        rule="apply_delay_undeclared",
        cause="apply_delay_configured",
        verdict="delayed_by_design",
        change=("recovery_min_apply_delay on pg-2 was changed from 0 to 1h",),
    ),
)
def apply_delay(pair: Pair) -> Course:
    """recovery_min_apply_delay was set on the standby, and the delay is not declared in the settings of Leadline."""
    yield Prepared()
    with writing(pair.primary):
        pair.standby.configure(recovery_min_apply_delay=f"{DELAY_S:.0f}s")
        yield Injected()
        pair.standby.configure(recovery_min_apply_delay=None)
        yield Healed()


@control(make_pair, limits=DELAY_DECLARED)
def declared_delay_is_no_fault(pair: Pair) -> Course:
    """A standby is delayed on purpose, and the delay is declared."""
    pair.standby.configure(recovery_min_apply_delay=f"{DELAY_S:.0f}s")
    yield Prepared()
    with writing(pair.primary):
        yield Steady(15.0)
    pair.standby.configure(recovery_min_apply_delay=None)
