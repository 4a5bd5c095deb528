"""A subscription's worker does not reach its publisher."""

from tests.fixtures.fleets import Logical
from tests.zoo.rig import Watch


def test_subscriber_cut_off(logical: Logical, watch: Watch) -> None:
    """The network between the two was cut. The server counts the loss as an apply error."""
    rig = watch(logical)
    logical.proxy.cut()
    rig.expect(rule="replication_cut_off", cause="subscriber_cannot_connect", verdict="cut_off")
    logical.proxy.heal()
    rig.expect_resolved()


def test_subscriber_hears_nothing(logical: Logical, watch: Watch) -> None:
    """The network swallows packets: both ends believe in their connection."""
    rig = watch(logical)
    with rig.writing(logical.publisher, dbname="app"):
        logical.proxy.blackhole()
        rig.mark()
        rig.expect(rule="replication_lag", cause="subscriber_cannot_connect", within=20.0)
        logical.proxy.heal()
        rig.expect_resolved()
