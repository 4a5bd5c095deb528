"""Decides whether rows that looked different are different.

A difference is confirmed when the upstream's row is the same version before the downstream was waited for and read,
and after: then no commit touched it in between, and the downstream had all that the first read saw. A transaction
that the downstream has and the upstream does not yet show could be behind a difference; it would have marked the
upstream's row, and where there is none, every transaction that was open is waited for. A row that only the downstream
has is one when its version there is still the same once the downstream has all that the upstream showed without it.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final, NamedTuple

from leadline.clock import Clock
from leadline.model.verification import RowKind
from leadline_verify.barrier import Barrier
from leadline_verify.reading import SideReader
from leadline_verify.statements import Key, Statements

ROUNDS: Final = 8
PAUSE_S: Final = 0.05
BATCH: Final = 500
"""Keys in one statement."""
HOT: Final = "its rows change faster than they can be compared"


class SeenRow(NamedTuple):
    """One row on one side."""

    hash: int
    version: str = ""
    unmarked: bool = False
    """No transaction has updated, deleted or locked it."""


class ConfirmedRow(NamedTuple):
    """A row that differs."""

    key: Key
    kind: RowKind
    upstream_hash: int | None
    downstream_hash: int | None


@dataclass
class Verdicts:
    """The decisions about some rows."""

    confirmed: list[ConfirmedRow] = field(default_factory=list)
    settled: int = 0
    """Rows that became equal."""
    open: list[Key] = field(default_factory=list)
    reason: str = ""
    """The reason for which the open ones are open."""


@dataclass(frozen=True)
class TwoSides:
    """The two sides of one table."""

    upstream: SideReader
    downstream: SideReader
    up: Statements
    down: Statements
    barrier: Barrier
    clock: Clock
    marks_suffice: bool = True
    """Whether the upstream shows marks of all that the downstream has. A standby may be behind another one."""


async def confirm(sides: TwoSides, keys: Sequence[Key], limit_s: float, flipped: Key | None = None) -> Verdicts:
    """Decide about the rows of these keys. ``flipped``: the row whose hash the downstream's statements complement."""
    total = Verdicts()
    for start in range(0, len(keys), BATCH):
        found = await _confirm_batch(sides, list(keys[start : start + BATCH]), limit_s, flipped)
        total.confirmed += found.confirmed
        total.settled += found.settled
        total.open += found.open
        total.reason = total.reason or found.reason
    return total


async def _confirm_batch(sides: TwoSides, keys: list[Key], limit_s: float, flipped: Key | None) -> Verdicts:
    verdicts = Verdicts(open=keys)
    for attempt in range(ROUNDS):
        await _round(sides, verdicts, limit_s, flipped)
        if not verdicts.open or verdicts.reason != HOT:
            break
        await sides.clock.sleep(PAUSE_S * (attempt + 1))
    return verdicts


async def _round(sides: TwoSides, verdicts: Verdicts, limit_s: float, flipped: Key | None) -> None:
    """One attempt at the open rows."""
    keys = verdicts.open
    before = await _seen(sides.upstream, sides.up.rows_of(keys))
    verdicts.reason = await sides.barrier.reach(limit_s)
    if verdicts.reason:
        return
    below = await _seen(sides.downstream, sides.down.rows_of(keys, flipped))
    after = await _seen(sides.upstream, sides.up.rows_of(keys))
    open_keys: list[Key] = []
    for key in keys:
        first, last, other = before.get(key), after.get(key), below.get(key)
        if _hash(other) in (_hash(first), _hash(last)):
            verdicts.settled += 1
        elif sides.marks_suffice and first is not None and last is not None and _same(first, last) and last.unmarked:
            verdicts.confirmed.append(_differing(key, last, other))
        else:
            open_keys.append(key)
    verdicts.open = open_keys
    if not open_keys:
        return
    verdicts.reason = await sides.barrier.settle(limit_s)
    if verdicts.reason:
        return
    later = await _seen(sides.upstream, sides.up.rows_of(open_keys))
    again = await _still_there(sides, [key for key in open_keys if key not in later and key in below], limit_s, flipped)
    if isinstance(again, str):
        verdicts.reason = again
        return
    verdicts.reason = HOT
    verdicts.open = []
    for key in open_keys:
        first, last, other = before.get(key), later.get(key), below.get(key)
        if _hash(other) == _hash(last):
            verdicts.settled += 1
        elif last is None and other is not None:
            # Absent both times is no version: the row may have come and gone meanwhile.
            if again.get(key) == other:
                verdicts.confirmed.append(_differing(key, None, other))
            else:
                verdicts.open.append(key)
        elif _same(first, last):
            verdicts.confirmed.append(_differing(key, last, other))
        else:
            verdicts.open.append(key)


async def _still_there(
    sides: TwoSides, keys: list[Key], limit_s: float, flipped: Key | None
) -> dict[Key, SeenRow] | str:
    """The downstream's rows of these keys once it has all that the upstream shows; the reason when it has not.

    A row that the upstream has deleted is gone by then, or is another version.
    """
    if not keys:
        return {}
    if reason := await sides.barrier.reach(limit_s):
        return reason
    return await _seen(sides.downstream, sides.down.rows_of(keys, flipped))


def _same(first: SeenRow | None, last: SeenRow | None) -> bool:
    """Whether both are one version of the row."""
    if first is None or last is None:
        return False
    return (first.hash, first.version) == (last.hash, last.version)


def _hash(row: SeenRow | None) -> int | None:
    return None if row is None else row.hash


def _differing(key: Key, up: SeenRow | None, down: SeenRow | None) -> ConfirmedRow:
    kind: RowKind = "extra" if up is None else "missing" if down is None else "changed"
    return ConfirmedRow(key, kind, _hash(up), _hash(down))


async def _seen(reader: SideReader, statement: str) -> dict[Key, SeenRow]:
    return {tuple(row[:-3]): SeenRow(row[-3], row[-2], row[-1]) for row in await reader.rows(statement)}
