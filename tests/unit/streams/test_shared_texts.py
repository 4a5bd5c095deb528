"""Of a state that was read from bytes, what many of its parts have is one object, as in the state that was written."""

from bench.memory import judged
from leadline_streams.judge.cluster import ClusterState
from leadline_streams.judge.state import load


def state() -> ClusterState:
    """One cluster of a primary and two standbys, after half a minute."""
    return next(iter(judged(1, 33).values()))


def test_a_state_that_was_read_equals_the_one_that_was_written() -> None:
    written = state()
    read = load(written.dump())
    assert read == written.memory
    assert read.dump() == written.dump()


def test_names_are_one_object_each() -> None:
    memory = load(state().dump())
    names = {name: name for name in memory.nodes}
    for name, node in memory.nodes.items():
        assert node.name is name
        assert node.node.name is name
    assert len(memory.links) == 2
    for ident, link in memory.links.items():
        assert link.id is ident
        assert link.upstream is names["pg-1"]
        assert link.downstream is names[link.downstream]
        assert link.sender is not None
        assert link.sender[2] is link.slot
    for name, source in memory.arrivals.sources.items():
        assert name is names[name]
        assert source.boot is memory.nodes[name].node.boot
    assert memory.arrivals.waiting
    for _, name, _, boot, _ in memory.arrivals.waiting:
        assert name is names[name]
        assert boot is memory.nodes[name].node.boot
