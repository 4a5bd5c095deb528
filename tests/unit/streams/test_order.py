"""The judgement does not depend on the order of arrival, on duplicates, or on wrong clocks."""

from contextlib import suppress
from datetime import timedelta
from itertools import cycle
from typing import Any
from unittest.mock import patch

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from leadline.errors import BadRecord
from leadline.model.alert import Transition
from leadline.model.incident import Incident
from leadline.model.observation import Sample
from leadline.model.replication import Downstream, Positions, Slot, Upstream
from leadline.model.tables import Table, Tables
from leadline_streams.assembly import judgement
from leadline_streams.engines.postgresql.lsn import format_lsn
from leadline_streams.judge.cluster import ClusterState
from leadline_streams.judge.policy import Policy
from leadline_streams.judge.watermark import Arrivals
from tests.unit.properties import histories, length
from tests.unit.streams.world import Server, World, at

LATENESS_S = 2.0
POLICY = Policy(
    lateness_s=LATENESS_S,
    rules={name: {"for_s": 3.0, "keep_s": 3.0} for name in ("replay_paused", "replication_lag")},
)

# The state of each server, second by second. Few states make long and varied histories.
LONGEST = length(40, deep=120)
PRIMARY_HISTORY = st.lists(st.sampled_from(["write", "write", "idle", "down", "silent"]), min_size=25, max_size=LONGEST)
STANDBY_HISTORY = st.lists(
    st.sampled_from(["stream", "stream", "paused", "cut", "down", "silent"]), min_size=25, max_size=LONGEST
)


def primary_samples(server: Server, history: list[str], ends: list[int]) -> list[Sample]:
    """A primary's samples, one a second."""
    samples = []
    for second, (act, end) in enumerate(zip(history, ends, strict=False)):
        row = Downstream(
            name="pg-2", slot="s2", state="streaming", write_lsn=format_lsn(end), flush_lsn=format_lsn(end)
        )
        server.set(
            up=act != "down",
            positions=Positions(current_lsn=format_lsn(end)),
            downstreams=(row,),
            slots=(Slot(name="s2", active=True, wal_status="reserved"),),
        )
        sample = server.sample(second)
        if act != "silent":
            samples.append(sample)
    return samples


def standby_samples(server: Server, history: list[str], ends: list[int]) -> list[Sample]:
    """A standby's samples, one a second, 0.3 s after the primary's."""
    samples, replayed = [], ends[0]
    for second, act in enumerate(history):
        end = ends[min(second, len(ends) - 1)]
        replayed = end if act == "stream" else replayed
        server.set(
            up=act != "down",
            positions=Positions(
                received_lsn=format_lsn(max(end, replayed) if act != "cut" else replayed),
                replayed_lsn=format_lsn(replayed),
                replay_paused=act == "paused",
            ),
            upstream=Upstream(host="pg-1.db", port=5432, slot="s2", status=None if act == "cut" else "streaming"),
        )
        sample = server.sample(second + 0.3)
        if act != "silent":
            samples.append(sample)
    return samples


def arrive(histories: list[list[Sample]], delays: list[list[float]], seconds: int) -> list[tuple[float, Any]]:
    """Samples and ticks in the order in which they arrive: each sample delayed, each agent's own order kept."""
    arrivals: list[tuple[float, int, Any]] = []
    for history, spread in zip(histories, delays, strict=True):
        last = 0.0
        for index, sample in enumerate(history):
            last = max(last, (sample.sent_at - at(0)).total_seconds() + spread[index % len(spread)])
            arrivals.append((last, 0, sample))
    arrivals += [(float(second), 1, second) for second in range(seconds)]
    arrivals.sort(key=lambda item: item[:2])
    return [(when, what) for when, _, what in arrivals]


def judge(arrivals: list[tuple[float, Any]]) -> list[Transition | Incident]:
    """The transitions and incidents of a history."""
    state = ClusterState("orders", judgement(POLICY))
    out: list[Any] = []
    for _, what in arrivals:
        out += state.observe(what) if isinstance(what, Sample) else state.tick(at(what))
    return [output for output in out if isinstance(output, Transition | Incident)]


DELAYS = st.lists(st.floats(0.0, LATENESS_S - 0.01), min_size=1, max_size=12)


@histories()
@given(
    primary=PRIMARY_HISTORY,
    standby=STANDBY_HISTORY,
    writes=st.lists(st.integers(0, 3), min_size=LONGEST, max_size=LONGEST),
    delays=st.tuples(DELAYS, DELAYS, DELAYS, DELAYS),
)
def test_another_arrival_order_gives_identical_transitions(
    primary: list[str], standby: list[str], writes: list[int], delays: tuple[list[float], ...]
) -> None:
    """Whatever the histories of both servers, delays below the allowed lateness change no byte of the outputs."""
    world = World()
    up, down = world.pair()
    end, ends = 1 << 24, []
    for act, write in zip(primary, writes, strict=False):
        end += write * 1_000_000 if act == "write" else 0
        ends.append(end)
    lives = [primary_samples(up, primary, ends), standby_samples(down, standby, ends)]
    seconds = max(len(primary), len(standby)) + 30
    first = judge(arrive(lives, [delays[0], delays[1]], seconds))
    second = judge(arrive(lives, [delays[2], delays[3]], seconds))
    assert first == second


@histories()
@given(cut=st.integers(1, 60), primary=PRIMARY_HISTORY, standby=STANDBY_HISTORY)
def test_a_state_reloaded_anywhere_goes_on_the_same(cut: int, primary: list[str], standby: list[str]) -> None:
    """A state that is written, read back and continued gives the outputs of an uninterrupted one."""
    world = World()
    up, down = world.pair()
    ends = [(1 << 24) + second * 1_000_000 for second in range(len(primary))]
    lives = [primary_samples(up, primary, ends), standby_samples(down, standby, ends)]
    arrivals = arrive(lives, [[0.0], [0.0]], LONGEST + 30)
    state = ClusterState("orders", judgement(POLICY))
    out: list[Any] = []
    for index, (_, what) in enumerate(arrivals):
        if index == cut:
            state = ClusterState.load(state.dump(), judgement(POLICY))
        out += state.observe(what) if isinstance(what, Sample) else state.tick(at(what))
    assert [output for output in out if isinstance(output, Transition | Incident)] == judge(arrivals)


SIZES = st.lists(st.integers(1, 40), min_size=1, max_size=8)


def one_by_one(arrivals: list[tuple[float, Any]], policy: Policy = POLICY) -> tuple[list[Any], bytes]:
    """The outputs and the state's bytes when each sample is judged at once and the short way to take one is off."""
    with patch.object(Arrivals, "follow", lambda *_: False):
        return in_groups(arrivals, [1], policy)


def in_groups(arrivals: list[tuple[float, Any]], sizes: list[int], policy: Policy = POLICY) -> tuple[list[Any], bytes]:
    """The outputs and the state's bytes when samples are evaluated in groups of these sizes."""
    state, out, left = ClusterState("orders", judgement(policy)), list[Any](), cycle(sizes)
    until = next(left)
    for _, what in arrivals:
        if not isinstance(what, Sample):
            out += state.tick(at(what))
            continue
        with suppress(BadRecord):
            state.enqueue(what)
        until -= 1
        if not until:
            out += state.evaluate()
            until = next(left)
    out += state.evaluate()
    state.memory.arrivals.waiting.sort()  # a heap of the same observations can have several orders
    return out, state.dump()


@histories()
@given(
    primary=PRIMARY_HISTORY, standby=STANDBY_HISTORY, delays=st.tuples(DELAYS, DELAYS), sizes=SIZES, ticks=st.booleans()
)
def test_the_number_of_samples_that_are_judged_together_makes_no_difference(
    primary: list[str], standby: list[str], delays: tuple[list[float], ...], sizes: list[int], ticks: bool
) -> None:
    """Outputs and state are as if each had been judged at once."""
    world = World()
    up, down = world.pair()
    ends = [(1 << 24) + second * 1_000_000 for second in range(len(primary))]
    lives = [primary_samples(up, primary, ends), standby_samples(down, standby, ends)]
    arrivals = [item for item in arrive(lives, list(delays), LONGEST + 30) if ticks or isinstance(item[1], Sample)]
    assert in_groups(arrivals, sizes) == one_by_one(arrivals)


OFF_S = st.sampled_from([0.0, 0.0, -3600.0, -7.0, -0.3, 4.0, 900.0])


SECONDS = length(130, deep=260)


@histories()
@given(sizes=SIZES, off=OFF_S, gap=st.one_of(st.integers(0, 20), st.integers(0, SECONDS - 60)), data=st.data())
def test_nor_does_it_when_agents_are_silent_and_clocks_are_wrong(
    sizes: list[int], off: float, gap: int, data: st.DataObject
) -> None:
    """One agent is away for a while, means to look less often at times, starts anew; some samples come twice."""
    world = World()
    up, down = world.pair()
    ends = [(1 << 24) + second * 1_000_000 for second in range(SECONDS)]
    away = data.draw(st.integers(5, 50))
    interval_s = data.draw(st.sampled_from([1.0, 5.0, 60.0]))
    standby = standby_samples(down, ["stream"] * SECONDS, ends)
    standby = [replace(s, interval_s=interval_s) if index % 7 == 3 else s for index, s in enumerate(standby)]
    standby = standby[:away] + skewed(standby[away + gap :], off)
    anew = data.draw(st.integers(0, len(standby)))
    standby[anew:] = [replace(s, seq=s.seq % 50, node=replace(s.node, boot="anew")) for s in standby[anew:]]
    arrivals = arrive([primary_samples(up, ["write"] * SECONDS, ends), standby], [[0.0], [0.0]], 0)
    again = data.draw(st.sets(st.integers(0, len(arrivals) - 1), max_size=9))
    arrivals = [item for index, item in enumerate(arrivals) for _ in range(1 + (index in again))]
    policy = replace(POLICY, stale_after_s=data.draw(st.sampled_from([5.0, 2.0, 0.5])))
    assert in_groups(arrivals, sizes, policy) == one_by_one(arrivals, policy)


@pytest.mark.slow
@pytest.mark.parametrize("gap", [1, 2, 4, 20])
def test_a_short_silence_of_an_agent_that_samples_often_is_a_silence(gap: int) -> None:
    """An agent that samples each tenth of a second is silent after a second: also when samples are judged together."""
    world = World()
    up, down = world.pair()
    ends = [(1 << 24) + second * 1_000_000 for second in range(60)]
    standby = [replace(s, interval_s=0.1) for s in standby_samples(down, ["stream"] * 60, ends)]
    lives = [primary_samples(up, ["write"] * 60, ends), standby[:20] + standby[20 + gap :]]
    arrivals = arrive(lives, [[0.0], [0.0]], 0)
    policy = replace(POLICY, stale_after_s=1.0)
    for size in (2, 7, 100):
        assert in_groups(arrivals, [size], policy) == one_by_one(arrivals, policy)


def test_a_sample_delivered_twice_counts_once() -> None:
    """Redelivery changes nothing."""
    world = World()
    up, down = world.pair()
    twice = ClusterState("orders", judgement(POLICY))
    once = ClusterState("orders", judgement(POLICY))
    for second in range(40):
        world.time, world.lsn = second, world.lsn + 100_000
        world.stream(up, down, replayed=1 << 24)
        for sample in (up.sample(second), down.sample(second + 0.3)):
            outputs = twice.observe(sample)
            assert twice.observe(sample) == []
            assert once.observe(sample) == outputs


def skewed(samples: list[Sample], seconds: float, since: int = 0) -> list[Sample]:
    """The same samples by an agent whose clock is off."""
    off = timedelta(seconds=seconds)
    return [replace(s, sent_at=s.sent_at + off) if index >= since else s for index, s in enumerate(samples)]


@pytest.mark.parametrize("off", [-3600.0, 900.0], ids=["an hour behind", "a quarter of an hour ahead"])
@pytest.mark.parametrize("since", [0, 20], ids=["from the start", "set while running"])
def test_a_wrong_clock_is_the_only_thing_raised(off: float, since: int) -> None:
    """A healthy pair stays healthy when one agent's clock is wrong or is set: a notice names the clock."""
    world = World()
    up, down = world.pair()
    steady = ["write"] * 60
    ends = [(1 << 24) + second * 1_000_000 for second in range(60)]
    primary = primary_samples(up, steady, ends)
    standby = standby_samples(down, ["stream"] * 60, ends)
    state = ClusterState("orders", judgement(POLICY))
    outputs: list[Any] = []
    refused = 0
    for index, pair in enumerate(zip(primary, skewed(standby, off, since), strict=True)):
        outputs += state.tick(at(index))
        for sample in pair:
            try:
                outputs += state.observe(sample)
            except BadRecord as bad:
                assert bad.reason == "future"  # noqa: PT017 - what else may happen is the point
                refused += 1
    transitions = [s for s in outputs if isinstance(s, Transition)]
    assert {(s.rule, s.subject.node) for s in transitions} == {("clock_skew", "pg-2")}
    assert [s.to for s in transitions if s.reason != "diagnosed"] == ["pending", "firing"]
    assert not any(isinstance(s, Incident) for s in outputs)
    assert refused == (2 if off > 0 else 0)
    (link,) = state.memory.links.values()
    assert link.verdict == "healthy"


def test_a_drained_spool_is_judged_as_if_nothing_had_happened() -> None:
    """The broker is unreachable for a minute: ticks stop, agents spool. The outputs are those of a run without it."""
    world = World()
    up, down = world.pair()
    steady = ["write"] * 100
    ends = [(1 << 24) + second * 1_000_000 for second in range(100)]
    primary = primary_samples(up, steady, ends)
    standby = standby_samples(down, ["stream"] * 45 + ["paused"] * 30 + ["stream"] * 25, ends)
    smooth = arrive([primary, standby], [[0.0], [0.0]], 140)
    rough: list[tuple[float, Any]] = [item for item in smooth if item[0] < 30]
    held = [item for item in smooth if 30 <= item[0] < 90 and isinstance(item[1], Sample)]
    rough += [(90.0, 90)]
    rough += [item for item in held if item[1].node.name == "pg-1"]
    rough += [item for item in held if item[1].node.name == "pg-2"]
    rough += [item for item in smooth if item[0] > 90]
    state = ClusterState("orders", judgement(POLICY))
    outputs: list[Any] = []
    for when, what in rough:
        if isinstance(what, Sample):
            outputs += state.observe(what, spooled=when in {item[0] for item in held})
        else:
            outputs += state.tick(at(what))
    expected = judge(smooth)
    assert expected
    assert [s for s in outputs if isinstance(s, Transition | Incident)] == expected


TABLES = Tables(present=(Table(name="public.items", columns={"id": "integer"}),))


@pytest.mark.parametrize("first", [0, 1])
@pytest.mark.parametrize("delay", [0.0, 0.5, 0.9])
@pytest.mark.parametrize("lateness_s", [LATENESS_S, 0.5, 0.0])
def test_the_tables_of_the_first_sample_count(first: int, delay: float, lateness_s: float) -> None:
    """They are not sent again for a while: they are judged although a new node is admitted only later.

    Also where nothing is waited for, as in one look, and where judging has just passed the time of the admission.
    """
    servers = list(World().pair())
    if first:
        servers.reverse()
    state = ClusterState("orders", judgement(replace(POLICY, lateness_s=lateness_s)))
    arrivals = sorted(
        (second + 0.3 * number + (delay if number and not second else 0.0), number, second)
        for number in range(2)
        for second in range(8)
    )
    for now, number, second in arrivals:
        sample = servers[number].sample(second + 0.3 * number)
        state.tick(at(now))
        with suppress(BadRecord):
            state.observe(replace(sample, tables=TABLES) if second == 0 else sample)
        state.tick(at(now))
    state.tick(at(12))
    assert {name: node.tables for name, node in state.memory.nodes.items()} == {"pg-1": TABLES, "pg-2": TABLES}


@pytest.mark.parametrize(("delay", "kept"), [(0.9, True), (1.5, False)])
def test_first_tables_that_come_long_after_their_time_do_not_count(delay: float, kept: bool) -> None:
    """The rest of the sample is older than all that was judged: more than a moment would falsify what it says."""
    up, down = World().pair()
    state = ClusterState("orders", judgement(replace(POLICY, lateness_s=0.0)))
    state.observe(up.sample(0))
    state.tick(at(delay))
    state.observe(replace(down.sample(0), tables=TABLES))
    state.tick(at(3))
    assert state.late == (0 if kept else 1)
    assert ("pg-2" in state.memory.nodes) == kept
