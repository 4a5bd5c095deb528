"""Compares a table that nothing divides, by digests of all of it. It says that rows differ, not which."""

import asyncio
from typing import Final

from leadline_verify.comparing import RangeOutcome
from leadline_verify.confirming import HOT, PAUSE_S, TwoSides

ROUNDS: Final = 6


class WholeOutcome(RangeOutcome):
    """The comparison of a whole table."""

    differs: bool = False


async def compare_whole(sides: TwoSides, limit_s: float) -> WholeOutcome:
    """Compare a whole table. Raises what ``SideReader.rows`` raises.

    It differs when the upstream held the same versions of all rows before the downstream was waited for and read, and
    after; and the downstream still holds the same versions once it has what that look showed.
    """
    outcome = WholeOutcome()
    above, below = await asyncio.gather(sides.upstream.row(sides.up.whole()), sides.downstream.row(sides.down.whole()))
    outcome.rows_upstream, outcome.rows_downstream = above[0], below[0]
    if above[:-1] == below[:-1]:
        return outcome
    outcome.equal_at_first = False
    for attempt in range(ROUNDS):
        first = await sides.upstream.row(sides.up.whole())
        if reason := await sides.barrier.reach(limit_s):
            outcome.undecided = reason
            return outcome
        below = await sides.downstream.row(sides.down.whole())
        if reason := await sides.barrier.settle(limit_s):
            outcome.undecided = reason
            return outcome
        last = await sides.upstream.row(sides.up.whole())
        outcome.rows_upstream, outcome.rows_downstream = last[0], below[0]
        if below[:-1] in (first[:-1], last[:-1]):
            return outcome
        if first == last:
            if reason := await sides.barrier.reach(limit_s):
                outcome.undecided = reason
                return outcome
            # A row that came and went meanwhile is gone by now, and was in no look at the upstream.
            if await sides.downstream.row(sides.down.whole()) == below:
                outcome.differs = True
                return outcome
        await sides.clock.sleep(PAUSE_S * (attempt + 1))
    outcome.undecided = HOT
    return outcome
