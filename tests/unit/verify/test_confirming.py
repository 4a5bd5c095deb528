"""A row is confirmed to differ only if it does, however reads, commits and replication interleave."""

import random
from typing import Any, cast

from hypothesis import example, given
from hypothesis import strategies as st

from leadline.clock import ManualClock
from leadline_verify.barrier import Barrier
from leadline_verify.confirming import TwoSides, Verdicts, confirm
from leadline_verify.reading import SideReader
from leadline_verify.statements import Key, Statements

PACES = st.sampled_from([4, 12, 40])
"""The most events between two statements."""
KEYS = [(str(number),) for number in range(3)]


class World:
    """A publisher and its subscriber. A commit is in WAL first, and shown by its own server later."""

    def __init__(self, chance: random.Random, planted: dict[Key, int | None], events: int, pace: int) -> None:
        self.chance, self.events, self.pace = chance, events, pace
        self.up: dict[Key, tuple[int, int]] = dict.fromkeys(KEYS[:2], (1, 0))
        self.down: dict[Key, tuple[int, int]] = dict.fromkeys(KEYS[:2], (1, 0))
        self.wal: list[tuple[Key, int | None]] = []
        self.applied = 0
        self.written: list[tuple[Key, int | None]] = []
        self.flushed: list[tuple[Key, int | None]] = []
        self.versions, self.values = 0, 100
        for key, value in planted.items():
            self.put(self.down, key, None if value is None else (value, 0))
        for _ in range(events // 10):  # the downstream is behind when the rows are looked at
            self.pass_time()

    def put(self, state: dict[Key, Any], key: Key, value: Any) -> None:
        if value is None:
            state.pop(key, None)
        else:
            state[key] = value

    def pass_time(self) -> None:
        """Some of what may happen between two statements."""
        for _ in range(self.chance.randrange(self.pace)):
            if self.events:
                self.events -= 1
                self.chance.choice([self.write, self.flush, self.show, self.roll_back, self.apply])()

    def write(self) -> None:
        key = self.chance.choice(KEYS)
        if key not in self.marked():
            self.values += 1
            self.written.append((key, self.chance.choice([None, self.values, self.values])))

    def flush(self) -> None:
        if self.written:
            change = self.written.pop(self.chance.randrange(len(self.written)))
            self.wal.append(change)
            self.flushed.append(change)

    def show(self) -> None:
        if self.flushed:
            key, value = self.flushed.pop(self.chance.randrange(len(self.flushed)))
            self.versions += 1
            self.put(self.up, key, None if value is None else (value, self.versions))

    def roll_back(self) -> None:
        if self.written:
            self.written.pop()

    def apply(self) -> None:
        if self.applied < len(self.wal):
            key, value = self.wal[self.applied]
            self.applied += 1
            self.put(self.down, key, None if value is None else (value, self.applied))

    def marked(self) -> set[Key]:
        return {key for key, _ in (*self.written, *self.flushed)}

    async def rows(self, statement: tuple[str, list[Key]]) -> list[tuple[object, ...]]:
        self.pass_time()
        side, keys = statement
        if side == "up":
            marked = self.marked()
            return [(*key, self.up[key][0], str(self.up[key][1]), key not in marked) for key in keys if key in self.up]
        return [(*key, self.down[key][0], str(self.down[key][1]), False) for key in keys if key in self.down]

    async def reach(self, limit_s: float) -> str:
        position = len(self.wal)
        while self.applied < position:
            self.pass_time()
            self.apply()
        return ""

    async def settle(self, limit_s: float) -> str:
        open_then = [*self.written, *self.flushed]
        while any(change in self.written or change in self.flushed for change in open_then):
            self.pass_time()
            self.flush()
            self.show()
        return ""


class Side:
    def __init__(self, name: str) -> None:
        self.name = name

    def rows_of(self, keys: list[Key], flipped: Key | None = None) -> tuple[str, list[Key]]:
        return self.name, keys


async def confirmed(world: World) -> Verdicts:
    reader = cast(SideReader, world)
    sides = TwoSides(
        reader,
        reader,
        cast(Statements, Side("up")),
        cast(Statements, Side("down")),
        cast(Barrier, world),
        ManualClock(),
    )
    return await confirm(sides, KEYS, 1.0)


@example(seed=56, events=54, pace=12)  # a row came and went while the downstream was read
@given(seed=st.integers(0, 2**32), events=st.integers(0, 400), pace=PACES)
async def test_what_is_only_late_is_never_confirmed(seed: int, events: int, pace: int) -> None:
    """All rows are looked at, none was planted, and everything that can happen happens in between."""
    assert (await confirmed(World(random.Random(seed), {}, events, pace))).confirmed == []


@given(
    seed=st.integers(0, 2**32),
    events=st.integers(0, 60),
    pace=PACES,
    planted=st.dictionaries(st.sampled_from(KEYS), st.sampled_from([None, 7, 8]), min_size=1),
)
async def test_what_differs_and_is_left_alone_is_confirmed(
    seed: int, events: int, pace: int, planted: dict[Key, int | None]
) -> None:
    """Other rows are not; one that was written meanwhile may be right again."""
    world = World(random.Random(seed), planted, events, pace)
    real = {key for key, value in planted.items() if value != (1 if key in KEYS[:2] else None)}
    verdicts = await confirmed(world)
    found = {row.key for row in verdicts.confirmed}
    assert found <= real
    written = {key for key, _ in (*world.wal, *world.written)}
    assert real - written <= found
