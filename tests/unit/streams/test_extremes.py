"""Whatever decodes can be judged, saved, loaded and written again, with extreme values in every field of every kind."""

from contextlib import suppress
from datetime import UTC, datetime
from random import Random
from typing import Any

import msgspec.inspect as inspect
from hypothesis import example, given
from hypothesis import strategies as st
from msgspec.structs import replace

from leadline import wire
from leadline.errors import BadRecord
from leadline.model.finding import FindingReport
from leadline.model.lsn import Lsn
from leadline.model.node import Node
from leadline.model.observation import NodeSettings, Sample
from leadline.model.pg_vitals import PostgresqlVitals
from leadline.model.retirement import Retirement
from leadline_streams.judge.cluster import ClusterState
from leadline_streams.judge.status import Forgotten
from tests.unit.properties import histories, length
from tests.unit.streams.world import World, at

LSN = inspect.type_info(Lsn)
POSITIONS = ("0/0", "FFFFFFFF/FFFFFFFF", "0/1000000", "1/0", "7FFFFFFF/FFFFFFFF", "80000000/0", "x/y")
TEXTS = (
    *("", "\0", "é" * 300, "x" * 3000, "a->b:c", "\u202e", "%s{}", "ANY 2 (a,b)", "FIRST 1(*)", "nan", "1e999"),
    *("9" * 5000, "-1", "0/0", "pg-1", "pg-2", "pg-9", "orders", "boot-pg-1", "streaming", "lost", "Lock/relation"),
    *("host=pg-1 port=5432", "pg-1.db:5432", "s2", "sub", "logical", "refused: x", "57P03", "2026-04-10T10:00:00Z"),
)
NUMBERS = (0, 1, -1, 2, 42, 300, 10**6, 2**31, 2**32, 2**53, 2**62, 2**63 - 1, -(2**63))
FLOATS = (0.0, 1.0, -1.0, 0.5, 60.0, 1e9, 1e18, 1e300, -1e300, 5e-324, 1.7976931348623157e308)
QUICK = {"for_s": 0.0, "keep_s": 0.0}
QUICKLY = (
    *("replication_lag", "replay_paused", "node_down", "replication_cut_off", "slot_lost", "recovery_conflict"),
    *("split_brain", "apply_error", "subscription_disabled", "horizon_held", "archive_failing", "lag_forecast"),
)


class Extremes:
    """Makes values of the model's types, each field an extreme one."""

    def __init__(self, chance: Random) -> None:
        self.chance = chance

    def make(self, cls: type) -> Any:
        """A value; fields that may be missing often are."""
        fields = inspect.type_info(cls).fields  # type: ignore[attr-defined]
        given = {each.name: self._of(each.type) for each in fields if each.required or self.chance.random() < 0.5}
        return cls(**given)

    def mixed(self, value: Any, keep: tuple[str, ...]) -> Any:
        """A value with a third of its fields replaced; never those named."""
        other = self.make(type(value))
        names = [name for name in value.__struct_fields__ if name not in keep and self.chance.random() < 0.35]
        return replace(value, **{name: getattr(other, name) for name in names})

    def _of(self, info: Any) -> Any:
        choice = self.chance.choice
        match info:
            case inspect.Metadata(type=inner):
                return self._of(inner)
            case inspect.StructType(cls=cls):
                return self.make(cls)
            case inspect.UnionType(types=types):
                return self._of(choice(types))
            case inspect.LiteralType(values=values):
                return choice(values)
            case inspect.ListType(item_type=item):
                return [self._of(item) for _ in range(choice((0, 1, 3)))]
            case inspect.VarTupleType(item_type=item):
                return tuple(self._of(item) for _ in range(choice((0, 1, 3))))
            case inspect.DictType(key_type=key, value_type=value):
                return {self._of(key): self._of(value) for _ in range(choice((0, 1, 2)))}
            case inspect.StrType() if info == getattr(LSN, "type", LSN):
                return choice(POSITIONS)
            case inspect.StrType(pattern=pattern) if pattern is not None:
                return choice(("postgresql", "postgresql", "mysql"))
            case inspect.StrType(min_length=low, max_length=high):
                return choice(TEXTS).ljust(low or 0, "x")[:high]
            case inspect.IntType(ge=low, le=high):
                least, most = (-(2**63) if low is None else low), (2**63 - 1 if high is None else high)
                return max(least, min(most, choice(NUMBERS)))
            case inspect.FloatType(gt=low):
                value = choice(FLOATS)
                return value if low is None or value > low else 1.0
            case inspect.BoolType():
                return self.chance.random() < 0.5
            case inspect.DateTimeType():
                return choice((at(self.chance.uniform(-5, 80)), at(1e9), at(-1e9), datetime.max.replace(tzinfo=UTC)))
        return None


def observations(world: World, extremes: Extremes) -> list[Any]:
    """Observations that the agents of a cluster may send in a second."""
    chance, seen = extremes.chance, list[Any]()
    for server in world.servers.values():
        sample = server.sample(world.time)
        if chance.random() < 0.6:
            sample = extremes.mixed(sample, ("node", "seq", "sent_at", "at"))
        if chance.random() < 0.2:
            sample = replace(sample, node=extremes.mixed(sample.node, ("cluster", "name")))
        seen.append(sample)
    up = world.servers["pg-1"]
    if chance.random() < 0.4:
        seen.append(replace(extremes.make(NodeSettings), node=up.node, seq=up.seq + 1, sent_at=at(world.time)))
    if chance.random() < 0.2:
        seen.append(replace(extremes.make(FindingReport), cluster=world.cluster))
    if chance.random() < 0.2:
        name = chance.choice(("pg-1", "pg-2", "pg-3", "pg-9"))
        seen.append(replace(extremes.make(Retirement), cluster=world.cluster, node=name))
    if chance.random() < 0.2:
        node = extremes.mixed(Node(name="pg-9", cluster=world.cluster, boot="b"), ("cluster",))
        seen.append(replace(extremes.make(Sample), node=node))
    if chance.random() < 0.3:
        seen.append(chance.choice(seen))
        chance.shuffle(seen)
    for base in [each for each in seen if isinstance(each, Sample)]:
        if chance.random() < 0.1:
            try:
                vitals = PostgresqlVitals.of(base, base)
            except ValueError:
                continue  # an agent never has such positions
            if vitals is not None:
                later_ms = chance.choice((0, 500, 10**6, 10**11))
                seen.append(replace(vitals, seq=min(2**62, vitals.seq + 1), sent_ms=vitals.sent_ms + later_ms))
    return seen


def played(seed: int, seconds: int) -> None:
    """Some seconds of a cluster: only BadRecord may be raised, and every state and output can be read again."""
    chance = Random(seed)
    world, extremes = World(**dict.fromkeys(QUICKLY, QUICK)), Extremes(chance)
    up, down = world.pair()
    subscriber = world.add("pg-3", "primary", system_id="7002")
    for _ in range(seconds):
        world.time += 1.0
        world.lsn += world.rate
        world.stream(up, down)
        world.subscribe(up, subscriber)
        outputs: list[Any] = []
        for seen in observations(world, extremes):
            vitals = isinstance(seen, PostgresqlVitals)
            out = wire.outgoing_vitals(seen, "", "") if vitals else wire.outgoing(seen, "")
            with suppress(BadRecord):
                world.state.enqueue(wire.OBSERVATIONS.decode(out.value))  # type: ignore[arg-type]  # never a tick
            if chance.random() < 0.5:
                outputs += world.state.evaluate()
        outputs += world.state.tick(at(world.time + 0.5))
        if chance.random() < 0.3:
            world.state = ClusterState.load(world.state.dump(), world.judgement)
        for output in outputs:
            if not isinstance(output, Forgotten):
                record = wire.outgoing(output, "")
                wire.CODECS[record.topic].decode(record.value)


@histories()
@given(seed=st.integers(0, 2**32))
@example(seed=3)
@example(seed=26)
def test_whatever_decodes_can_be_judged_saved_and_written_again(seed: int) -> None:
    """Nodes are retired and samples come late, twice and out of order meanwhile."""
    played(seed, length(5, 40))
