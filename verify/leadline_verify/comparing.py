"""Compares one range of a table: digests first, and only where they differ a wait, a second look, and rows by key."""

import asyncio
from dataclasses import dataclass, field
from typing import Any, Final

from leadline_verify.confirming import ConfirmedRow, TwoSides, confirm
from leadline_verify.statements import Bound, Key

MOST_ROWS: Final = 50_000
"""Rows of one side that are fetched at once as key and hash; a larger range is halved first."""


@dataclass
class RangeOutcome:
    """The comparison of one range."""

    rows_upstream: int = 0
    rows_downstream: int = 0
    equal_at_first: bool = True
    confirmed: list[ConfirmedRow] = field(default_factory=list)
    undecided: str = ""
    """The reason for which rows of it, or all of it, are undecided."""
    open_rows: int = 0
    waited_in_vain: bool = False
    """The downstream did not come as far as the upstream in time: the range can be tried again later."""

    def add(self, other: "RangeOutcome") -> None:
        """Take in the outcome of a part of the range."""
        self.rows_upstream += other.rows_upstream
        self.rows_downstream += other.rows_downstream
        self.confirmed += other.confirmed
        self.undecided = self.undecided or other.undecided
        self.open_rows += other.open_rows
        self.waited_in_vain = self.waited_in_vain or other.waited_in_vain


async def compare_range(
    sides: TwoSides, after: Bound, up_to: Bound, limit_s: float, flipped: Key | None = None
) -> RangeOutcome:
    """Compare the rows after one key, up to another.

    ``limit_s``: the longest wait for the downstream. ``flipped``: the row whose hash is falsified on the downstream, by
    which a run proves that it finds differences. Raises what ``SideReader.rows`` raises.
    """
    above, below = await _digests(sides, after, up_to, flipped)
    outcome = RangeOutcome(above[0], below[0])
    if above == below:
        return outcome
    outcome.equal_at_first = False
    if reason := await sides.barrier.reach(limit_s):
        outcome.undecided, outcome.waited_in_vain = reason, True
        return outcome
    again, below = await _digests(sides, after, up_to, flipped)
    outcome.rows_upstream, outcome.rows_downstream = again[0], below[0]
    if below in (above, again):
        return outcome
    if max(again[0], below[0]) > MOST_ROWS and (halves := await _halves(sides, after, up_to, again[0], below[0])):
        outcome.rows_upstream = outcome.rows_downstream = 0
        for first, last in halves:
            outcome.add(await compare_range(sides, first, last, limit_s, flipped))
        return outcome
    await _by_rows(sides, outcome, after, up_to, limit_s, flipped)
    return outcome


async def _digests(sides: TwoSides, after: Bound, up_to: Bound, flipped: Key | None) -> tuple[Any, Any]:
    above, below = await asyncio.gather(
        sides.upstream.row(sides.up.digest(after, up_to)),
        sides.downstream.row(sides.down.digest(after, up_to, flipped)),
    )
    return above, below


async def _halves(
    sides: TwoSides, after: Bound, up_to: Bound, above: int, below: int
) -> list[tuple[Bound, Bound]] | None:
    """The two halves of a range that has too many rows, or None when it cannot be divided by keys."""
    if sides.up.by_place:
        return None
    larger, statements = (sides.upstream, sides.up) if above >= below else (sides.downstream, sides.down)
    found = await larger.rows(statements.bound(after, max(above, below) // 2, up_to))
    if not found:
        return None
    middle = tuple(found[0])
    return None if middle == up_to else [(after, middle), (middle, up_to)]


async def _by_rows(
    sides: TwoSides, outcome: RangeOutcome, after: Bound, up_to: Bound, limit_s: float, flipped: Key | None
) -> None:
    above, below = await asyncio.gather(
        sides.upstream.rows(sides.up.rows(after, up_to)),
        sides.downstream.rows(sides.down.rows(after, up_to, flipped)),
    )
    up, down = ({tuple(row[:-1]): row[-1] for row in rows} for rows in (above, below))
    keys = sorted(key for key in up.keys() | down.keys() if up.get(key) != down.get(key))
    if not keys:
        return
    verdicts = await confirm(sides, keys, limit_s, flipped)
    outcome.confirmed += verdicts.confirmed
    outcome.open_rows += len(verdicts.open)
    if verdicts.open:
        outcome.undecided = verdicts.reason
        outcome.waited_in_vain = verdicts.reason.startswith("the downstream")
