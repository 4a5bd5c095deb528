"""Two servers of one cluster accept writes, and what follows from it."""

from leadline_lab.faults.fault import Broken, Course, Expected, Healed, Injected, Named, Prepared, fault
from leadline_lab.faults.topologies import Cascade, Pair, make_cascade, make_pair
from leadline_lab.sandbox.wait import eventually
from leadline_lab.sandbox.workload import write_wal


@fault(
    make_pair,
    Expected(
        rule="node_down",
        cause="primary_replaced",
        summary=("pg-1 went down and pg-2 replaced it at ", "pg-1 must not come back as it is"),
    ),
    # Who followed it until the promotion still shows that; when it was replaced is known to those who looked before.
    late=Expected(
        rule="node_down",
        cause="primary_replaced",
        title="pg-1 is down, and pg-2, which followed it, is the primary",
        summary=("pg-1 must not come back as it was",),
    ),
    own_servers=True,
)
def primary_replaced(pair: Pair) -> Course:
    """The primary was killed and its standby promoted."""
    yield Prepared()
    pair.primary.kill()
    pair.standby.execute("SELECT pg_promote()")
    yield Injected()


@fault(
    make_cascade,
    Expected(
        rule="split_brain",
        cause="two_writers",
        summary=("pg-2 was promoted, timeline 2, while pg-1 still takes writes",),
        others=(Named("promoted_standby_still_followed"),),
    ),
    own_servers=True,
)
def promoted_beside_the_primary(cascade: Cascade) -> Course:
    """A standby was promoted while the primary was running."""
    yield Prepared()
    cascade.standby.execute("SELECT pg_promote()")
    yield Injected()


@fault(
    make_cascade,
    Expected(
        rule="replication_cut_off",
        cause="timeline_fork",
        summary=("pg-1 is on timeline 1 and pg-2 on 2",),
    ),
    own_servers=True,
    after="promoted_beside_the_primary",
)
def old_primary_not_rewound(cascade: Cascade) -> Course:
    """The old primary was made a standby of the promoted one without pg_rewind, though it has WAL of its own."""
    old, new = cascade.primary, cascade.standby
    yield Prepared()
    write_wal(old, segments=2)
    old.stop()
    old.follow(cascade.fleet.conninfo(new, old.name), slot="")
    old.start()
    eventually(f"{old.name} is a standby", lambda: bool(old.value("SELECT pg_is_in_recovery()")))
    yield Broken()
    yield Injected()


@fault(
    make_cascade,
    Expected(
        rule="replication_cut_off",
        cause="timeline_not_followed",
        verdict="cut_off",
        link="pg-2->pg-3",
        summary=("recovery_target_timeline = current keeps pg-3 on timeline 1, which pg-2 has left",),
        fix=("ALTER SYSTEM SET recovery_target_timeline = 'latest'", "Restart PostgreSQL"),
        # The setting holds from the next start on.
        remains="standby_down",
    ),
    older=True,
    own_servers=True,
)
def timeline_not_followed(cascade: Cascade) -> Course:
    """The primary and its standby changed roles, and a setting keeps the other standby on the old timeline."""
    old, new, leaf = cascade.primary, cascade.standby, cascade.leaf
    leaf.configure(recovery_target_timeline="current")
    leaf.restart()
    cascade.fleet.wait_caught_up()
    yield Prepared()
    old.stop()
    new.execute("SELECT pg_promote()")
    old.follow(cascade.fleet.conninfo(new, old.name), slot="")
    old.start()
    yield Injected()
    leaf.configure(recovery_target_timeline="latest")
    leaf.restart()
    yield Healed()
