"""A calm subject gives no rule anything to say: skipping the rules there loses nothing."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from leadline.model.lsn import format_lsn
from leadline.model.observation import Activity, Archiver, Downstream, Positions, Sample, Slot, Upstream
from leadline_streams.judge import glance
from leadline_streams.judge.calm import link_is_calm, node_is_calm, slot_is_calm
from leadline_streams.judge.cluster import ClusterState
from leadline_streams.judge.memory import Memory
from leadline_streams.judge.plans import Plan
from leadline_streams.judge.rule import Look
from leadline_streams.rules import RULES
from tests.unit.streams.test_order import (
    POLICY,
    PRIMARY_LIFE,
    STANDBY_LIFE,
    arrive,
    primary_samples,
    standby_samples,
)
from tests.unit.streams.world import World, at

FROM_SETTINGS = {"config_mismatch"}
"""Asked when settings come, not at every sample."""

SLOTS = st.builds(
    Slot,
    name=st.just("s2"),
    active=st.booleans(),
    wal_status=st.sampled_from([None, "reserved", "extended", "unreserved", "lost"]),
    conflicting=st.sampled_from([None, False, True]),
    invalidation_reason=st.sampled_from([None, "wal_removed"]),
    retained_bytes=st.integers(0, 1 << 36),
    safe_wal_bytes=st.none() | st.integers(-(1 << 30), 1 << 36),
    restart_lsn=st.just("0/1000"),
)
PRIMARY = st.fixed_dictionaries(
    {
        "activity": st.builds(Activity, sync_waiters=st.integers(0, 2), sync_wait_s=st.floats(0, 60)),
        "archiver": st.none() | st.builds(Archiver, failed=st.integers(0, 5), last_failed_s=st.none() | st.just(3.0)),
        "conflicts": st.sampled_from([{}, {"app": {"lock": 1}}]),
        "slots": st.lists(SLOTS, max_size=1),
    }
)
STANDBY = st.fixed_dictionaries(
    {
        "behind": st.sampled_from([0, 100, 50_000, 1 << 30]),
        "paused": st.booleans(),
        "apply_delay_s": st.sampled_from([0.0, 5.0]),
        "status": st.sampled_from([None, "streaming"]),
    }
)


@given(primary=PRIMARY, standby=STANDBY, seconds=st.integers(3, 20))
def test_no_rule_breaches_on_what_is_calm(primary: dict, standby: dict, seconds: int) -> None:
    """Whatever the servers show: where calm says yes, every rule that is skipped would have said nothing."""
    world = World()
    up, down = world.pair()
    for _ in range(seconds):
        done = format_lsn(max(0, world.lsn - standby["behind"]))
        world.stream(up, down)
        up.set(**{**primary, "downstreams": [Downstream(name="pg-2", slot="s2", state="streaming", replay_lsn=done)]})
        down.set(
            positions=Positions(
                received_lsn=format_lsn(world.lsn),
                replayed_lsn=done,
                replay_paused=standby["paused"],
                apply_delay_s=standby["apply_delay_s"],
            ),
            upstream=Upstream(host="pg-1.db", port=5432, slot="s2", status=standby["status"]),
        )
        world.step()
    state, now = world.state, world.state.memory.arrivals.horizon
    for node in state.memory.nodes.values():
        look = Look(state, now)
        look.node = node
        if node_is_calm(node):
            assert breaches(state.plans.of(look, node), look) == set()
        for slot in node.sample.slots if node.sample else ():
            look.slot = slot
            if slot_is_calm(slot):
                assert breaches(state.plans.of(look, node), look) == set()
    for link in state.memory.links.values():
        down_state = state.memory.nodes.get(link.downstream)
        if link_is_calm(link, down_state):
            look = state.look_at(link, now)
            owner = down_state or state.memory.nodes[link.upstream]
            assert breaches(state.plans.of(look, owner), look) - FROM_SETTINGS == set()


def breaches(plan: Plan, look: Look) -> set[str]:
    """Rules that would breach."""
    found = set()
    for measure, rule, limits in plan:
        value = measure(look)
        if value is not None and value == value and limits.severity(value) is not None:
            found.add(rule.name)
    return found


def test_calm_is_common() -> None:
    """A healthy pair is calm, so that skipping is worth it."""
    world = World()
    up, down = world.pair()
    for _ in range(20):
        world.stream(up, down)
        world.step()
    (link,) = world.state.memory.links.values()
    assert link_is_calm(link, world.state.memory.nodes["pg-2"])
    assert all(node_is_calm(node) for node in world.state.memory.nodes.values())
    assert len(RULES) > 20


@given(primary=PRIMARY_LIFE, standby=STANDBY_LIFE, writes=st.lists(st.integers(0, 3), min_size=40, max_size=40))
def test_a_glance_says_what_a_long_look_says(primary: list[str], standby: list[str], writes: list[int]) -> None:
    """Whatever the lives of two servers, skipping what is calm changes neither a word nor a memory."""
    world = World()
    up, down = world.pair()
    end, ends = 1 << 24, []
    for act, write in zip(primary, writes, strict=False):
        end += write * 100_000 if act == "write" else 0
        ends.append(end)
    log = arrive([primary_samples(up, primary, ends), standby_samples(down, standby, ends)], [[0.0], [0.0]], 70)
    glanced = fold(log)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(glance, "at_node", lambda node, sample, now, upstream_seen: False)
        patch.setattr(glance, "at_link", lambda link, now, up, sample: False)
        looked = fold(log)
    assert glanced == looked


def fold(log: list[tuple[float, Any]]) -> tuple[list[Any], Memory]:
    """Everything said about a log, and what is remembered of it."""
    state = ClusterState("orders", POLICY)
    said: list[Any] = []
    for _, what in log:
        said += state.observe(what) if isinstance(what, Sample) else state.tick(at(what))
    return said, state.memory
