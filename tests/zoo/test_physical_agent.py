"""Agents fall silent."""

from tests.fixtures.fleets import Pair
from tests.zoo.rig import Watch


def test_agent_killed(pair: Pair, watch: Watch) -> None:
    """The agent of a standby died; the standby is well."""
    rig = watch(pair)
    rig.silence("pg-2")
    rig.expect(rule="agent_silent", cause="agent_down")
    rig.watch(pair.standby)
    rig.expect_resolved()


def test_host_gone(pair: Pair, watch: Watch) -> None:
    """A host went away, with its server and its agent."""
    rig = watch(pair)
    rig.silence("pg-2")
    pair.standby.stop("immediate")
    rig.expect(rule="agent_silent", cause="host_down")
    pair.standby.start()
    rig.watch(pair.standby)
    rig.expect_resolved()
