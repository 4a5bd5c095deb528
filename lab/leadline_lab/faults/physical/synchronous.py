"""Commits on the primary wait for standbys."""

from leadline_lab.faults.fault import Course, Expected, Healed, Injected, Named, Prepared, fault
from leadline_lab.faults.topologies import Pair, make_pair
from leadline_lab.sandbox.workload import writing


@fault(
    make_pair,
    Expected(
        rule="sync_commit_blocked",
        cause="sync_standby_missing",
        summary=("not connected: nobody",),
        change=("synchronous_standby_names on pg-1 was changed from empty to nobody",),
    ),
)
def synchronous_standby_missing(pair: Pair) -> Course:
    """synchronous_standby_names was changed to a name that no standby has, and every commit waits."""
    yield Prepared()
    with writing(pair.primary):
        pair.primary.configure(synchronous_standby_names="nobody")
        yield Injected()
        pair.primary.configure(synchronous_standby_names=None)
        yield Healed()


@fault(
    make_pair,
    Expected(
        rule="sync_degraded",
        cause="sync_standby_missing",
        verdict="cut_off",
        others=(Named("standby_cannot_connect"),),
    ),
)
def synchronous_standby_cut_off(pair: Pair) -> Course:
    """The only synchronous standby is cut off while no session writes: the next commit will wait."""
    pair.primary.configure(synchronous_standby_names=f'"{pair.application_name}"')
    yield Prepared()
    pair.proxy.cut()
    yield Injected()
    pair.proxy.heal()
    yield Healed()
    pair.primary.configure(synchronous_standby_names=None)


@fault(
    make_pair,
    Expected(
        rule="sync_commit_blocked",
        cause="replay_paused_by_operator",
        others=(Named("sync_remote_apply_slow", at_once=True),),
    ),
)
def remote_apply_waits_for_replay(pair: Pair) -> Course:
    """Commits wait until the standby has replayed them, and its replay is paused, which is the root cause."""
    pair.primary.configure(synchronous_standby_names=f'"{pair.application_name}"', synchronous_commit="remote_apply")
    yield Prepared()
    with writing(pair.primary):
        pair.standby.execute("SELECT pg_wal_replay_pause()")
        yield Injected()
        pair.standby.execute("SELECT pg_wal_replay_resume()")
        yield Healed()
    pair.primary.configure(synchronous_standby_names=None, synchronous_commit=None)
