"""The fast path gives the outputs and the state of the full evaluation. Rules that it skips would not breach."""

from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from msgspec.structs import replace

from leadline.model.activity import Activity
from leadline.model.host import Archiver, Disk
from leadline.model.observation import Sample
from leadline.model.replication import Downstream, Positions, Slot, Subscription, Upstream
from leadline.model.tables import Tables
from leadline_streams.assembly import judgement
from leadline_streams.engines.postgresql import fast_path
from leadline_streams.engines.postgresql.engine import PostgreSQL
from leadline_streams.engines.postgresql.health import link_is_healthy, node_is_healthy, slot_is_healthy
from leadline_streams.engines.postgresql.lsn import format_lsn
from leadline_streams.judge.alerting import Alerting
from leadline_streams.judge.cluster import ClusterState
from leadline_streams.judge.judgement import Plan
from leadline_streams.judge.rule import ClusterContext, NodeContext, SlotContext
from leadline_streams.judge.state import Memory
from leadline_streams.rules import RULES
from tests.unit.properties import histories
from tests.unit.streams.test_order import (
    LONGEST,
    POLICY,
    PRIMARY_HISTORY,
    STANDBY_HISTORY,
    arrive,
    primary_samples,
    standby_samples,
)
from tests.unit.streams.world import World, at

FROM_SETTINGS = {"config_mismatch", "identity_missing", "slot_sync_off"}
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


@histories()
@given(primary=PRIMARY, standby=STANDBY, seconds=st.integers(3, 20))
def test_no_rule_breaches_on_a_healthy_subject(primary: dict, standby: dict, seconds: int) -> None:
    """Whatever the servers show: no rule breaches on a node, slot or link that counts as healthy."""
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
    memory, now = world.state.memory, world.state.memory.arrivals.horizon
    alerting = Alerting(memory, world.judgement)
    for node in memory.nodes.values():
        about = NodeContext(memory, now, node)
        if node_is_healthy(node):
            assert breaches(alerting.effective.of(about, node), about) == set()
        for slot in node.sample.slots if node.sample else ():
            on = SlotContext(memory, now, node, slot)
            if slot_is_healthy(slot):
                assert breaches(alerting.effective.of(on, node), on) == set()
    for link in memory.links.values():
        down_state = memory.nodes.get(link.downstream)
        if link_is_healthy(link, down_state):
            between = alerting.link_context(link, now)
            owner = down_state or memory.nodes[link.upstream]
            assert breaches(alerting.effective.of(between, owner), between) - FROM_SETTINGS == set()


def breaches(plan: Plan, context: ClusterContext) -> set[str]:
    """Rules that would breach."""
    found = set()
    for measure, rule, limits in plan:
        value = measure(context)
        if value is not None and value == value and limits.severity(value) is not None:
            found.add(rule.name)
    return found


def test_a_healthy_pair_counts_as_healthy() -> None:
    """Otherwise the fast path would never be taken."""
    world = World()
    up, down = world.pair()
    for _ in range(20):
        world.stream(up, down)
        world.step()
    (link,) = world.state.memory.links.values()
    assert link_is_healthy(link, world.state.memory.nodes["pg-2"])
    assert all(node_is_healthy(node) for node in world.state.memory.nodes.values())
    assert len(RULES) > 20


ODD: list[dict[str, Any]] = [
    {"slots": [Slot(name="s2", active=True, wal_status="lost")]},
    {"slots": [Slot(name="s2", active=False, wal_status="reserved")]},
    {"slots": [Slot(name="s2", active=True, wal_status="reserved", retained_bytes=1 << 30)]},
    {"slots": [Slot(name="s9", active=True, wal_status="reserved")]},
    {"slots": []},
    {"downstreams": []},
    {"downstreams": [Downstream(name="pg-2", slot="s2", state="streaming", write_lsn="0/1000", reply_age_s=9.0)]},
    {"downstreams": [Downstream(name="pg-4", slot="s4", state="streaming", replay_lsn="0/1000")]},
    {"downstreams": [Downstream(name="pg-2", slot="s4", state="streaming", replay_lsn="0/1000")]},
    {"upstream": None},
    {"upstream": Upstream(host="pg-1.db", port=5432, slot="s9", status="streaming")},
    {"upstream": Upstream(host="pg-1.db", port=5433, slot="s2", status="streaming")},
    {"upstream": Upstream(host="pg-1.db", port=5432, slot="s2", status="streaming", message_age_s=6.0)},
    {"upstream": Upstream(host="pg-1.db", port=5432, slot="s2", status="streaming", message_age_s=40.0)},
    {"upstream": Upstream(host="pg-9.db", port=5432, slot="s2", status="streaming", latest_end_lsn="0/2000")},
    {"conflicts": {"app": {"lock": 1}}},
    {"archiver": Archiver(archived=1)},
    {"archiver": Archiver(failed=1, last_failed_s=1.0, ready=3)},
    {"activity": Activity(sync_waiters=1, sync_wait_s=60.0)},
    {"subscriptions": [Subscription(name="sub", slot="s9")]},
    {"disk": Disk(wal_bytes=1)},
    {"positions": None},
    {"positions": Positions(received_lsn="0/1000", replayed_lsn="0/1000", apply_delay_s=5.0)},
    {"tables": Tables(left_out=1)},
    {"node.system_id": "another"},
    {"node.labels": {"team": "payments"}},
    {"node.timeline": 2},
    {"node.role": "primary"},
    {"node.role": "standby"},
]
"""Contents of a sample that the fast path must not overlook."""
STEADY_PRIMARY = st.lists(st.sampled_from(["write", "idle"]), min_size=LONGEST, max_size=LONGEST)
STEADY_STANDBY = st.just(["stream"] * LONGEST)


def odd(sample: Sample, changes: dict[str, Any]) -> Sample:
    about = {name[5:]: value for name, value in changes.items() if name.startswith("node.")}
    rest = {name: value for name, value in changes.items() if not name.startswith("node.")}
    return replace(sample, node=replace(sample.node, **about), **rest)


@histories()
@given(
    primary=PRIMARY_HISTORY | STEADY_PRIMARY,
    standby=STANDBY_HISTORY | STEADY_STANDBY,
    writes=st.lists(st.integers(0, 3), min_size=LONGEST, max_size=LONGEST),
    oddities=st.lists(st.tuples(st.integers(5, 2 * LONGEST), st.integers(1, 4), st.sampled_from(ODD)), max_size=4),
)
@example(  # the lag of a standby at the end of the clock was a bound while its primary was silent
    primary=["write", "write", "silent"] + ["write"] * 27,
    standby=["stream"] * LONGEST,
    writes=[int(second in (3, 29)) for second in range(LONGEST)],
    oddities=[],
)
def test_the_fast_path_gives_what_the_full_evaluation_gives(
    primary: list[str], standby: list[str], writes: list[int], oddities: list[tuple[int, int, dict[str, Any]]]
) -> None:
    """Whatever the histories of two servers and the contents of a few samples: the same outputs, state and bytes."""
    world = World()
    up, down = world.pair()
    end, ends = 1 << 24, []
    for act, write in zip(primary, writes, strict=False):
        end += write * 100_000 if act == "write" else 0
        ends.append(end)
    arrivals = arrive(
        [primary_samples(up, primary, ends), standby_samples(down, standby, ends)], [[0.0], [0.0]], LONGEST + 30
    )
    for first, count, changes in oddities:
        for place in range(first, min(first + count, len(arrivals))):
            when, what = arrivals[place]
            arrivals[place] = when, odd(what, changes) if isinstance(what, Sample) else what
    fast = fold(arrivals)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(PostgreSQL, "take_fast", staticmethod(lambda node, sample, now, upstream_seen: False))
        patch.setattr(PostgreSQL, "judge_fast", staticmethod(lambda link, up, sample, now: False))
        full = fold(arrivals)
    assert fast == full


@pytest.mark.parametrize("of", ["pg-1", "pg-2"])
@pytest.mark.parametrize("changes", ODD)
def test_the_fast_path_overlooks_nothing(of: str, changes: dict[str, Any]) -> None:
    """A minute of health, a few seconds of something else on one server, and silence in the end."""
    world = World()
    up, down = world.pair()
    ends = [(1 << 24) + second * 1000 for second in range(60)]
    ahead = [end + 500 for end in ends]  # it was looked at later
    histories = [primary_samples(up, ["write"] * 60, ends), standby_samples(down, ["stream"] * 60, ahead)]
    arrivals = arrive(histories, [[0.0], [0.0]], 80)
    for place, (when, what) in enumerate(arrivals):
        if 20.0 <= when < 23.0 and isinstance(what, Sample) and what.node.name == of:
            arrivals[place] = when, odd(what, changes)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(PostgreSQL, "take_fast", staticmethod(lambda node, sample, now, upstream_seen: False))
        patch.setattr(PostgreSQL, "judge_fast", staticmethod(lambda link, up, sample, now: False))
        full = fold(arrivals)
    assert fold(arrivals) == full


def fold(arrivals: list[tuple[float, Any]]) -> tuple[list[Any], Memory, bytes]:
    """The outputs of a history, the state after it, and the bytes of that state."""
    state = ClusterState("orders", judgement(POLICY))
    outputs: list[Any] = []
    for _, what in arrivals:
        outputs += state.observe(what) if isinstance(what, Sample) else state.tick(at(what))
    return outputs, state.memory, state.memory.dump()


def test_every_field_of_a_sample_is_read_or_named() -> None:
    """A field that is added to a sample must be put into one of the two lists; until then the fast path is off."""
    assert fast_path.unnamed(fast_path.READ, fast_path.SKIPPED) == {}
    assert fast_path.ENABLED


@pytest.mark.parametrize("kind", fast_path.READ, ids=lambda kind: kind.__name__)
def test_the_lists_name_fields_that_exist(kind: type[Any]) -> None:
    """Each field stands in one list, and no list names one that is gone."""
    read, skipped = fast_path.READ[kind], fast_path.SKIPPED[kind]
    assert read & skipped == set()
    assert read | skipped == set(kind.__struct_fields__)


def test_a_field_that_is_not_named_makes_it_slow(monkeypatch: pytest.MonkeyPatch) -> None:
    """The fast path takes no sample then."""
    without = {**fast_path.SKIPPED, Sample: fast_path.SKIPPED[Sample] - {"cost"}}
    assert fast_path.unnamed(fast_path.READ, without) == {"Sample": {"cost"}}
    world = World()
    up, down = world.pair()
    monkeypatch.setattr(fast_path, "ENABLED", False)
    for _ in range(10):
        world.stream(up, down)
        world.step()
    assert not any(node.is_healthy for node in world.state.memory.nodes.values())
    assert not any(link.streams for link in world.state.memory.links.values())
