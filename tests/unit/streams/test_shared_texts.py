"""Of a state that was read from bytes, what many of its parts have is one object, as in the state that was written."""

from typing import Any, cast

import msgspec
import pytest

from bench.fleet import fleet
from bench.forms import Forms
from bench.memory import JUDGEMENT, judged
from leadline.model.ids import NodeName
from leadline.wire import OBSERVATIONS
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


def test_a_state_of_the_version_before_is_read() -> None:
    """It had vitals as they are on the wire, and all verdicts of a window in one table."""
    memory = state().memory
    saved = msgspec.msgpack.decode(memory.dump())
    for node in saved["nodes"].values():
        node["vitals"] = msgspec.json.decode(node["vitals"])
    waiting = saved["arrivals"]["waiting"]
    assert len(waiting) == 2
    for place in waiting:
        place[4] = {"kind": "vitals", "vitals": msgspec.json.decode(place[4]["packed"])}
    for ident, link in saved["links"].items():
        for name in ("brief", "long"):
            del link[name]["verdict"]
            link[name]["verdicts"] = getattr(memory.links[ident], name).counted
    read = load(msgspec.msgpack.encode(saved))
    assert read.arrivals == memory.arrivals
    for name, node in memory.nodes.items():
        assert node.vitals is not None
        assert node.sample == read.nodes[name].sample
    assert read == memory


@pytest.mark.parametrize("more", ["", " " * 2000])
def test_the_value_of_a_record_is_kept_of_vitals_unless_it_is_long(more: str) -> None:
    """Whatever is kept, it stands for the same sample."""
    looks, agent = list(fleet(1, 12, standbys=())), Forms("")
    cluster, kept = ClusterState("cluster-00000", JUDGEMENT), b""
    for look in looks:
        kept = (agent.of(look).value or b"") + more.encode()
        cluster.observe(cast(Any, OBSERVATIONS.decode(kept)), packed=kept)
    node = cluster.memory.nodes[NodeName("pg-1")]
    assert node.vitals is not None
    assert (node.vitals is kept) == (not more)
    assert len(node.vitals) < 1024
    assert node.sample == looks[-1]
