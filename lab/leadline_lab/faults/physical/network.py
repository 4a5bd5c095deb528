"""The network between two servers fails, or carries less than the primary writes."""

from typing import Final

from leadline_lab.faults.fault import Course, Expected, Fault, Healed, Injected, Named, Prepared, Steady, fault
from leadline_lab.faults.topologies import Cascade, Pair, make_cascade, make_pair, make_pair_that_keeps_wal
from leadline_lab.sandbox.proxy import Direction
from leadline_lab.sandbox.workload import writing

BURST_BYTES_PER_S: Final = 2_000_000
"""Ten times the usual rate, and a third of the burst."""
SLOW_BYTES_PER_S: Final = 100_000
"""A tenth of what a busy machine writes here, a fiftieth of what an idle one does."""
CUT_OFF: Final = Expected(rule="replication_cut_off", cause="standby_cannot_connect", verdict="cut_off", within_s=20.0)
UPPER_HOP: Final = "pg-1->pg-2"
LEAF_IS_LATE: Final = Named("cascade_upstream_behind", subject=UPPER_HOP)


@fault(make_pair, Expected(rule="replication_cut_off", cause="standby_cannot_connect", verdict="cut_off"))
def network_cut(pair: Pair) -> Course:
    """Connections from the standby to the primary are refused."""
    yield Prepared()
    pair.proxy.cut()
    yield Injected()
    pair.proxy.heal()
    yield Healed()


def _network_drops_packets(*directions: Direction) -> Fault[Pair]:
    @fault(make_pair, CUT_OFF, variant="+".join(directions))
    def network_drops_packets(pair: Pair) -> Course:
        """Packets between primary and standby are lost, and no connection is closed."""
        yield Prepared()
        with writing(pair.primary):
            pair.proxy.blackhole(*directions)
            yield Injected()
            pair.proxy.heal()
            yield Healed()

    return network_drops_packets


NETWORK_DROPS_PACKETS: Final = (
    _network_drops_packets("upstream", "downstream"),
    _network_drops_packets("upstream"),
    _network_drops_packets("downstream"),
)


@fault(
    make_pair_that_keeps_wal,
    Expected(rule="replication_lag_bytes", cause="network_slow", verdict="falling_behind", rules=("lag_forecast",)),
)
def network_too_slow(pair: Pair) -> Course:
    """The network to the standby carries a part of what the primary writes."""
    yield Prepared()
    with writing(pair.primary, every_s=0.02, size=100_000):
        yield Steady(12.0)
        pair.proxy.throttle(SLOW_BYTES_PER_S)
        yield Injected()
        pair.proxy.heal()
        yield Healed()


@fault(
    make_pair_that_keeps_wal,
    Expected(rule="replication_lag", cause="wal_burst", verdict="falling_behind", resolved_within_s=90.0),
    # The usual load is known only to those who looked before.
    late=Expected(rule="replication_lag", cause="network_slow", verdict="falling_behind", resolved_within_s=90.0),
    older=True,
)
def wal_burst(pair: Pair) -> Course:
    """A large table is changed at once, and the network to the standby carries the usual load but not this one."""
    yield Prepared()
    pair.proxy.throttle(BURST_BYTES_PER_S)
    with writing(pair.primary):
        yield Steady(15.0)
        with writing(pair.primary, size=2_000_000):
            yield Injected()
        yield Healed()
    pair.proxy.heal()


@fault(
    make_cascade,
    Expected(
        rule="replication_cut_off",
        cause="standby_cannot_connect",
        link=UPPER_HOP,
        subject=UPPER_HOP,
        others=(LEAF_IS_LATE,),
    ),
)
def cascade_cut_above(cascade: Cascade) -> Course:
    """The first hop of a cascade is cut: the leaf is late, and its own link is healthy."""
    yield Prepared()
    with writing(cascade.primary):
        cascade.proxy.cut()
        yield Injected()
        cascade.proxy.heal()
        yield Healed()


@fault(
    make_cascade,
    Expected(
        rule="replication_cut_off",
        cause="standby_hung",
        verdict="cut_off",
        link=UPPER_HOP,
        subject=UPPER_HOP,
        others=(LEAF_IS_LATE,),
    ),
)
def cascade_hung_above(cascade: Cascade) -> Course:
    """The WAL receiver of the standby in the middle of a cascade is frozen; the leaf has all that it could get."""
    cascade.standby.configure(wal_receiver_timeout="2s")
    yield Prepared()
    with writing(cascade.primary):
        with cascade.standby.paused("walreceiver"):
            yield Injected()
        yield Healed()
    cascade.standby.configure(wal_receiver_timeout=None)
