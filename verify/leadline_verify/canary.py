"""The proof that a run finds differences: it falsifies the hash of one row of its own, and must find that row.

The falsified statement takes the same way as all others: digest, wait, second digest, rows, confirmation. A digest
that does not see a row, a range that leaves out its last row, a comparison that calls everything equal: each loses it.
"""

from collections.abc import Collection
from typing import Final

from leadline.model.verification import Canary
from leadline_verify.comparing import compare_range
from leadline_verify.confirming import TwoSides
from leadline_verify.statements import Bound, Key

ATTEMPTS: Final = 5
"""A row that changes meanwhile proves nothing; another chunk is tried."""


class PlantedRow:
    """Runs until it has a result."""

    def __init__(self, state: Canary = "not_planted") -> None:
        self.state: Canary = state
        self._attempts = 0

    @property
    def is_due(self) -> bool:
        """Whether a chunk is still needed for it."""
        return self.state == "not_planted" and self._attempts < ATTEMPTS

    async def run(
        self, sides: TwoSides, after: Bound, up_to: Bound, limit_s: float, differing: Collection[Key] = ()
    ) -> None:
        """Compare a range once more, with its last row that does not differ falsified on the downstream."""
        self._attempts += 1
        key = await self._last(sides, after, up_to, differing)
        if key is None:
            return
        outcome = await compare_range(sides, after, up_to, limit_s, flipped=key)
        if any(found.key == key for found in outcome.confirmed):
            self.state = "found"
        elif not outcome.undecided and await sides.downstream.rows(sides.down.rows_of([key])):
            self.state = "missed"

    async def run_whole(self, sides: TwoSides) -> None:
        """Falsify a row of a table that is read in one piece: the digest must change, and be the same without it."""
        self._attempts += 1
        rows = await sides.downstream.rows(sides.down.any_key())
        if not rows:
            return
        plain = await sides.downstream.row(sides.down.digest(None, None))
        falsified = await sides.downstream.row(sides.down.digest(None, None, flipped=tuple(rows[0])))
        if plain == await sides.downstream.row(sides.down.digest(None, None)):
            self.state = "missed" if falsified == plain else "found"

    async def _last(self, sides: TwoSides, after: Bound, up_to: Bound, differing: Collection[Key]) -> Key | None:
        """The last row of the range: the one that a wrong bound would leave out."""
        if up_to is not None and up_to not in differing and not sides.down.by_place:
            return up_to if await sides.downstream.rows(sides.down.rows_of([up_to])) else None
        rows = await sides.downstream.rows(sides.down.rows(after, up_to))
        return max((key for row in rows if (key := tuple(row[:-1])) not in differing), default=None)
