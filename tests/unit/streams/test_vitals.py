"""The judgement is the same whether an agent sends whole samples or vitals, whatever happens on the way."""

from contextlib import suppress
from datetime import timedelta
from itertools import cycle
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from msgspec.structs import replace

from leadline import wire
from leadline.clock import ManualClock
from leadline.errors import BadRecord
from leadline.model.activity import Activity, Session
from leadline.model.finding import EngineVitals
from leadline.model.host import Archiver, Cost
from leadline.model.observation import Sample
from leadline.model.vitals import Vitals
from leadline_agents.wire_form import WHOLE_EVERY_S, WireForm
from leadline_streams.assembly import judgement
from leadline_streams.engines.postgresql import fast_path, fast_vitals
from leadline_streams.engines.postgresql.engine import PostgreSQL
from leadline_streams.judge.cluster import ClusterState
from leadline_streams.judge.policy import Policy
from leadline_streams.judge.sources import WaitingVitals
from leadline_streams.judge.state import Memory
from tests.unit.properties import histories, length
from tests.unit.strategies import values
from tests.unit.streams.test_fast_path import ODD, odd
from tests.unit.streams.test_order import (
    DELAYS,
    LONGEST,
    OFF_S,
    POLICY,
    PRIMARY_HISTORY,
    SIZES,
    STANDBY_HISTORY,
    arrive,
    primary_samples,
    skewed,
    standby_samples,
)
from tests.unit.streams.world import World, at

Arrivals = list[tuple[float, Any]]
ODDITIES = st.lists(st.tuples(st.integers(5, 2 * LONGEST), st.integers(1, 4), st.sampled_from(ODD)), max_size=4)
WRITES = st.lists(st.integers(0, 3), min_size=LONGEST, max_size=LONGEST)
STEADY = st.lists(st.sampled_from(["write", "idle"]), min_size=LONGEST, max_size=LONGEST)


def sent(samples: list[Sample], lost: frozenset[int] = frozenset()) -> list[Sample | EngineVitals]:
    """The records that an agent makes of its looks. After each of ``lost`` it notices that one was not delivered."""
    clock, losses, made = ManualClock(), 0, []
    form = WireForm(PostgreSQL.vitals, clock)
    for place, sample in enumerate(samples):
        losses += place in lost
        # Costs are other ones at each look.
        costly = replace(sample, cost=Cost(statement_ms=place / 7, agent_cpu_s=place / 3, agent_rss_bytes=place))
        made.append(wire.OBSERVATIONS.decode(wire.encode(form.of(costly, losses))))
        clock.advance(1.0)
    return made  # type: ignore[return-value]


def lives(primary: list[str], standby: list[str], writes: list[int]) -> list[list[Sample]]:
    """The looks at two servers."""
    world = World()
    up, down = world.pair()
    end, ends = 1 << 24, []
    for act, write in zip(primary, writes, strict=False):
        end += write * 100_000 if act == "write" else 0
        ends.append(end)
    return [primary_samples(up, primary, ends), standby_samples(down, standby, ends)]


def oddly(history: list[Sample], oddities: list[tuple[int, int, dict[str, Any]]]) -> list[Sample]:
    """A history in which a few looks show something else."""
    history = list(history)
    for first, count, changes in oddities:
        for place in range(first // 2, min(first // 2 + count, len(history))):
            history[place] = odd(history[place], changes)
    return history


def whole(history: list[Sample | EngineVitals]) -> list[Sample]:
    """The samples that vitals make with their bases."""
    made: list[Sample] = []
    bases: dict[int, Sample] = {}
    for each in history:
        if isinstance(each, Sample):
            bases[each.seq] = each
        made.append(each if isinstance(each, Sample) else each.whole(bases[each.base]))
    return made


def fold(
    arrivals: Arrivals, sizes: tuple[int, ...] = (1,), restarts: frozenset[int] = frozenset(), policy: Policy = POLICY
) -> tuple[list[Any], Memory, int]:
    """The outputs of a history, the state after it, and the number of vitals without a base."""
    state, out, left, without = ClusterState("orders", judgement(policy)), list[Any](), cycle(sizes), 0
    until = next(left)
    for place, (_, what) in enumerate(arrivals):
        if place in restarts:
            out += state.evaluate()
            without += state.looks.without_base
            state = ClusterState.load(state.dump(), judgement(policy))
        if isinstance(what, int | float):
            out += state.tick(at(what))
            continue
        with suppress(BadRecord):
            state.enqueue(what)
        until -= 1
        if not until:
            out += state.evaluate()
            until = next(left)
    return out + state.evaluate(), plain(state.memory), without + state.looks.without_base


def plain(memory: Memory) -> Memory:
    """A state without what vitals add: the samples that they make in their place."""
    bases: dict[str, Sample] = {}
    for node in memory.nodes.values():
        if node.sample is not None:
            bases[node.name] = node.sample
        node.base, node.alive_since = -1, 0.0
    waiting: list[Any] = []
    for *place, seen in sorted(memory.arrivals.waiting):
        if isinstance(seen, Sample) and seen.up:
            bases[seen.node.name] = seen
        if isinstance(seen, WaitingVitals):
            seen = seen.vitals.whole(bases[seen.vitals.node])  # noqa: PLW2901
        waiting.append((*place, seen))
    memory.arrivals.waiting = waiting
    for source in memory.arrivals.sources.values():
        source.base = None
    return memory


@histories()
@given(
    primary=PRIMARY_HISTORY | STEADY,
    standby=STANDBY_HISTORY | st.just(["stream"] * LONGEST),
    writes=WRITES,
    oddities=st.tuples(ODDITIES, ODDITIES),
    delays=st.tuples(DELAYS, DELAYS),
    sizes=SIZES,
    restarts=st.frozensets(st.integers(1, 3 * LONGEST), max_size=3),
    lost=st.frozensets(st.integers(1, LONGEST), max_size=3),
)
def test_vitals_give_what_whole_samples_give(
    primary: list[str],
    standby: list[str],
    writes: list[int],
    oddities: tuple[list[tuple[int, int, dict[str, Any]]], ...],
    delays: tuple[list[float], ...],
    sizes: list[int],
    restarts: frozenset[int],
    lost: frozenset[int],
) -> None:
    """Whatever the histories of two servers, their order of arrival, restarts: the same outputs and the same state."""
    looks = [oddly(life, odds) for life, odds in zip(lives(primary, standby, writes), oddities, strict=True)]
    short = [sent(life, lost) for life in looks]
    seconds = LONGEST + 30
    arrivals = arrive(short, list(delays), seconds)  # type: ignore[arg-type]
    assert arrivals_of(arrivals, whole) == arrive([whole(life) for life in short], list(delays), seconds)
    ours, theirs = fold(arrivals, tuple(sizes), restarts), fold(arrivals_of(arrivals, whole))
    same(ours, theirs)
    assert ours[2] == 0


def same(ours: tuple[list[Any], Memory, int], theirs: tuple[list[Any], Memory, int]) -> None:
    """The first output and the parts of the state in which they differ: the whole would be megabytes."""
    pairs = zip([*ours[0], None], [*theirs[0], None], strict=False)
    assert next(((one, other) for one, other in pairs if one != other), None) is None
    for name in ("nodes", "links", "alerts", "incidents", "arrivals"):
        assert getattr(ours[1], name) == getattr(theirs[1], name)
    assert ours[1] == theirs[1]


def arrivals_of(arrivals: Arrivals, change: Any) -> Arrivals:
    """Arrivals in which the observations of each node are changed as a history."""
    changed: Arrivals = list(arrivals)
    for name in ("pg-1", "pg-2"):
        places = [place for place, (_, what) in enumerate(arrivals) if name_of(what) == name]
        for place, what in zip(places, change([arrivals[place][1] for place in places]), strict=True):
            changed[place] = arrivals[place][0], what
    return changed


def name_of(what: Any) -> str:
    return what.node if isinstance(what, Vitals) else what.node.name if isinstance(what, Sample) else ""


NUMBERS: list[tuple[str, str, dict[str, Any]]] = [
    ("pg-1", "slots", {"retained_bytes": 1 << 30}),
    ("pg-1", "slots", {"retained_bytes": 9_000_000, "safe_wal_bytes": 10}),
    ("pg-1", "slots", {"xmin_age": 90_000}),
    ("pg-1", "slots", {"catalog_xmin_age": 2_000_000}),
    ("pg-1", "downstreams", {"reply_age_s": 9.0, "write_lsn": "0/1000", "flush_lsn": "0/1000"}),
    ("pg-1", "downstreams", {"xmin_age": 90_000}),
    ("pg-1", "downstreams", {"wait": "Lock/transactionid"}),
    ("pg-1", "downstreams", {"reply_age_s": 6.0}),
    ("pg-1", "downstreams", {"reply_age_s": 6.0, "write_lsn": "0/1000", "flush_lsn": "0/1000"}),
    ("pg-1", "downstreams", {"reply_age_s": 6.0, "write_lsn": None}),
    ("pg-1", "downstreams", {"reply_age_s": 6.0, "write_lsn": None, "flush_lsn": None}),
    ("pg-1", "downstreams", {"reply_age_s": None, "connected_s": 900.0, "write_lsn": None, "flush_lsn": None}),
    ("pg-1", "oldest", {"age_s": 9_000.0, "xmin_age": 90_000}),
    ("pg-1", "activity", {"prepared_age": 90_000, "prepared_oldest_s": 90.0}),
    ("pg-1", "archiver", {"last_failed_s": 1.0}),
    ("pg-1", "positions", {"current_lsn": "0/1000"}),
    ("pg-1", "positions", {"current_lsn": None}),
    ("pg-2", "positions", {"replayed_lsn": "0/1000"}),
    ("pg-2", "positions", {"replayed_lsn": "0/2000000", "received_lsn": "0/2000000"}),
    ("pg-2", "positions", {"replayed_lsn": None}),
    ("pg-2", "positions", {"received_lsn": None}),
    ("pg-2", "positions", {"startup_wait": "Lock/relation"}),
    ("pg-2", "upstream", {"message_age_s": 6.0}),
    ("pg-2", "upstream", {"message_age_s": 40.0}),
    ("pg-2", "upstream", {"latest_end_lsn": "0/2000000"}),
]
"""Numbers in which a rule may breach, and others; by the server that shows them."""


@pytest.mark.slow
@pytest.mark.parametrize("headless", [False, True])
@pytest.mark.parametrize(("of", "group", "numbers"), NUMBERS)
def test_numbers_that_matter_are_not_overlooked(of: str, group: str, numbers: dict[str, Any], headless: bool) -> None:
    """A minute of health, a few seconds of other numbers in vitals of one server, and health again.

    ``headless``: nobody watches the primary, whose end the standby's receiver reports.
    """
    usual = [[furnished(each) for each in life] for life in lives(["write"] * 60, ["stream"] * 60, [1] * 60)]
    place = 0 if of == "pg-1" else 1
    usual[place] = usual[place][:20] + [odder(each, group, numbers) for each in usual[place][20:26]] + usual[place][26:]
    short = [sent(life) for life in usual]
    assert all(isinstance(each, Vitals) for each in short[place][20:26])
    if headless:
        short = short[1:]
    arrivals = arrive(short, [[0.0]] * len(short), 80)  # type: ignore[arg-type]
    samples = arrivals_of(arrivals, whole)
    for until in (24.5, 80.0):  # in the middle of it, and in the end
        same(*(fold([item for item in each if item[0] < until]) for each in (arrivals, samples)))


def furnished(sample: Sample) -> Sample:
    """The sample with the groups that a server has, so that numbers in them need no whole one."""
    return replace(
        sample,
        activity=Activity(oldest=(Session(pid=7, age_s=1.5, xmin_age=3),)),
        archiver=Archiver(archived=3, last_archived_s=5.0),
    )


def odder(sample: Sample, group: str, numbers: dict[str, Any]) -> Sample:
    """The sample with other numbers in one of its groups."""
    if group == "oldest":
        assert sample.activity is not None
        sessions = tuple(replace(each, **numbers) for each in sample.activity.oldest)
        return replace(sample, activity=replace(sample.activity, oldest=sessions))
    inside = getattr(sample, group)
    if isinstance(inside, tuple):
        return replace(sample, **{group: tuple(replace(each, **numbers) for each in inside)})
    return replace(sample, **{group: replace(inside, **numbers)})


SECONDS = length(130, deep=260)


@histories()
@given(sizes=SIZES, off=OFF_S, since=st.integers(0, 50), gap=st.integers(0, 40), data=st.data())
def test_so_they_do_when_clocks_are_wrong_and_agents_are_silent_or_start_anew(
    sizes: list[int], off: float, since: int, gap: int, data: st.DataObject
) -> None:
    """One agent's clock is set, it is away for a while, it starts again; some records come twice.

    No two looks of its runs have the same time. Of such the one with the lower number is judged first, whichever run it
    is of, and vitals of the run before count as without a base then.
    """
    standby = skewed(lives(["write"] * SECONDS, ["stream"] * SECONDS, [1] * SECONDS)[1], off, since)
    primary = lives(["write"] * SECONDS, ["stream"] * SECONDS, [1] * SECONDS)[0]
    away = data.draw(st.integers(5, 50))
    anew = data.draw(st.integers(0, len(standby)))
    runs = [
        standby[:anew],
        [
            replace(s, seq=place, node=replace(s.node, boot="anew"), sent_at=s.sent_at + timedelta(milliseconds=50))
            for place, s in enumerate(standby[anew:])
        ],
    ]
    second = [each for run in runs for each in sent(run)]
    second = second[:away] + needed(second[away : away + gap], second[away + gap :])
    arrivals = arrive([sent(primary), second], [[0.0], [0.0]], 0)  # type: ignore[list-item]
    again = data.draw(st.sets(st.integers(0, len(arrivals) - 1), max_size=9))
    arrivals = [item for place, item in enumerate(arrivals) for _ in range(1 + (place in again))]
    ours, theirs = fold(arrivals, tuple(sizes)), fold(arrivals_of(arrivals, whole))
    same(ours, theirs)


def needed(absent: list[Any], rest: list[Any]) -> list[Any]:
    """The rest of a history, and whole samples of its beginning that its vitals stand on."""
    bases = {each.base for each in rest if isinstance(each, Vitals)}
    boots = {each.boot for each in rest if isinstance(each, Vitals)}
    return [s for s in absent if isinstance(s, Sample) and s.seq in bases and s.node.boot in boots] + rest


@histories()
@given(start=st.integers(1, 70), sizes=SIZES, standby=STANDBY_HISTORY | st.just(["stream"] * LONGEST))
@example(start=40, sizes=[1], standby=["stream"] * LONGEST)
def test_a_reader_that_begins_in_the_middle_judges_from_the_next_whole_sample(
    start: int, sizes: list[int], standby: list[str]
) -> None:
    """Vitals before it are counted; the judgement is that of a history which begins there."""
    short = [sent(life) for life in lives(["write"] * LONGEST, standby, [1] * LONGEST)]
    arrivals = arrive(short, [[0.0], [0.0]], LONGEST + 30)[start:]  # type: ignore[arg-type]
    known: set[str] = set()
    later: Arrivals = []
    skipped = 0
    for when, what in arrivals:
        known |= {name_of(what)} if isinstance(what, Sample) and what.up else set()
        if isinstance(what, Vitals) and what.node not in known:
            skipped += 1
        else:
            later.append((when, what))
    ours, theirs = fold(arrivals, tuple(sizes)), fold(arrivals_of(later, whole))
    assert ours[2] == skipped
    same(ours, theirs)


def steady(seconds: int) -> list[list[Sample | EngineVitals]]:
    return [sent(life) for life in lives(["write"] * seconds, ["stream"] * seconds, [1] * seconds)]


def test_most_looks_are_vitals_and_none_is_put_together_in_a_healthy_cluster(monkeypatch: pytest.MonkeyPatch) -> None:
    """Otherwise nothing would be saved: in a quiet minute three of sixty are whole, and no more are put together.

    The first whole sample of a node that is new is not judged, so those that stand on it are all put together.
    """
    made: list[int] = []
    kind = PostgreSQL.vitals
    original = kind.whole
    short = steady(60)
    assert [sum(isinstance(each, Sample) for each in life) for life in short] == [3, 3]
    monkeypatch.setattr(kind, "whole", lambda self, base: made.append(self.seq) or original(self, base))
    state = ClusterState("orders", judgement(POLICY))
    for _, what in arrive(short, [[0.0], [0.0]], 60):  # type: ignore[arg-type]
        state.tick(at(what)) if isinstance(what, int | float) else state.observe(what)
    assert sum(seq <= 6 for seq in made) == 8
    assert sum(seq > 6 for seq in made) == 0


def test_none_is_put_together_in_an_idle_cluster(monkeypatch: pytest.MonkeyPatch) -> None:
    """Its standby replies each ten seconds, as long as there is nothing to reply to, and lacks nothing meanwhile."""
    primary, standby = lives(["idle"] * 60, ["stream"] * 60, [0] * 60)
    replies = [
        replace(look, downstreams=tuple(replace(row, reply_age_s=float(look.seq % 10)) for row in look.downstreams))
        for look in primary
    ]
    made: list[int] = []
    kind = PostgreSQL.vitals
    original = kind.whole
    short = [sent(replies), sent(standby)]
    monkeypatch.setattr(kind, "whole", lambda self, base: made.append(self.seq) or original(self, base))
    state = ClusterState("orders", judgement(POLICY))
    for _, what in arrive(short, [[0.0], [0.0]], 60):  # type: ignore[arg-type]
        state.tick(at(what)) if isinstance(what, int | float) else state.observe(what)
    assert any(not isinstance(each, Sample) and each.downstreams[0].reply_age_s == 9.0 for each in short[0])
    assert [seq for seq in made if seq > 6] == []


def test_a_silence_shorter_than_a_base_is_no_silence() -> None:
    """Its whole sample was lost: 30 s of vitals without it show that the agent works, and nothing about its server."""
    short = steady(75)
    arrivals = arrive(short, [[0.0], [0.0]], 75)  # type: ignore[arg-type]
    kept = [item for item in arrivals if not (isinstance(item[1], Sample) and 20 < item[0] < 40 and second(item[1]))]
    assert len(kept) == len(arrivals) - 1
    outputs, memory, without = fold(kept)
    assert 25 <= without <= WHOLE_EVERY_S
    assert not any(getattr(output, "rule", "") == "agent_silent" for output in outputs)
    assert memory.nodes["pg-2"].answers


def second(seen: Sample) -> bool:
    return seen.node.name == "pg-2"


def test_an_agent_none_of_whose_samples_can_be_used_counts_as_silent() -> None:
    """Vitals alone are proof of life for a while only: somebody must hear that nothing is judged."""
    short = steady(130)
    arrivals = arrive(short, [[0.0], [0.0]], 130)  # type: ignore[arg-type]
    kept = [item for item in arrivals if not (isinstance(item[1], Sample) and item[0] > 20 and second(item[1]))]
    outputs, memory, _ = fold(kept)
    assert memory.nodes["pg-2"].stale
    assert any(getattr(output, "rule", "") == "agent_silent" for output in outputs)


def test_vitals_that_do_not_fit_their_base_are_not_judged() -> None:
    """A wrong agent breaks nothing: they are refused, or count as vitals without a base once that is judged."""
    short = steady(45)
    wrong = [replace(each, downstreams=()) if isinstance(each, Vitals) else each for each in short[0]]
    late = [*short[0][:35], *wrong[35:]]
    _, memory, without = fold(arrive([late, short[1]], [[0.0], [0.0]], 45))  # type: ignore[list-item]
    assert without > 5
    assert memory.nodes["pg-1"].sample is not None
    assert memory.nodes["pg-1"].sample.seq in (short[0][34].seq, short[0][35].seq)
    state = ClusterState("orders", judgement(POLICY))
    state.enqueue(wrong[0])  # type: ignore[arg-type]
    with pytest.raises(BadRecord, match="other rows than the sample"):
        state.enqueue(wrong[1])  # type: ignore[arg-type]


@given(data=st.data())
def test_any_numbers_leave_a_state_that_can_be_saved(data: st.DataObject) -> None:
    """Whatever numbers an agent sends that has a base: they are judged, and the state is written and read again."""
    short = steady(45)
    state = ClusterState("orders", judgement(POLICY))
    for _, what in arrive(short, [[0.0], [0.0]], 40):  # type: ignore[arg-type]
        state.tick(at(what)) if isinstance(what, int | float) else state.observe(what)
    last = data.draw(st.sampled_from([life[-1] for life in short]))
    assert isinstance(last, Vitals)
    like = {"seq": last.seq + 1, "node": last.node, "boot": last.boot, "base": last.base}
    rows = {"downstreams": len(last.downstreams), "slots": len(last.slots), "oldest": 0, "subscriptions": 0}
    drawn = data.draw(values(PostgreSQL.vitals))
    fitting = {name: (getattr(drawn, name) * count + getattr(last, name))[:count] for name, count in rows.items()}
    groups = {
        name: getattr(drawn, name) if getattr(last, name) is not None and getattr(drawn, name) else getattr(last, name)
        for name in ("positions", "upstream", "activity", "archiver", "cost")
    }
    odd_one = replace(drawn, **like, **fitting, **groups, sent_ms=last.sent_ms + 1000)
    state.observe(wire.OBSERVATIONS.decode(wire.encode(odd_one)))  # type: ignore[arg-type]
    state.tick(at(60))
    assert plain(ClusterState.load(state.dump(), judgement(POLICY)).memory) == plain(state.memory)


def test_what_the_fast_path_reads_of_numbers_is_looked_at_in_vitals() -> None:
    """A number that is added to vitals and that the fast path reads must be looked at there too."""
    of = {"PositionVitals": "Positions", "UpstreamVitals": "Upstream", "DownstreamVitals": "Downstream"}
    of |= {"SlotVitals": "Slot", "ActivityVitals": "Activity", "ArchiverVitals": "Archiver"}
    read = {kind.__name__: fields for kind, fields in fast_path.READ.items()}
    for kind, looked_at in fast_vitals.READ.items():
        if kind.__name__ in of:
            assert looked_at == set(kind.__struct_fields__) & read[of[kind.__name__]], kind
