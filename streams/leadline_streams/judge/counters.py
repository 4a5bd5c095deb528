"""Counts of events over the last minutes of event time: conflicts, errors, failures."""

from msgspec import Struct, field

_SLICES = 12
LONGEST_TURN_S = 30.0
"""Longest time between two occurrences of one recurring event: failed workers are restarted every few seconds."""
MOST_RISEN = 2**40
"""A counter that rises by more at once counts as one that rose by this. So the sum of a window can be saved."""
TURN_SLACK_S = 3.0
"""A sample may be late, and a worker may take some time to fail."""


class Window(Struct, omit_defaults=True):
    """Events counted in 12 slices of a sliding window: constant memory, exact to one slice.

    Fed with a server's running counter; a counter that falls was reset and counts from zero.
    """

    span_s: float
    counter: int
    slices: list[int] = field(default_factory=list)
    newest: int = 0
    """Index of the newest slice since the epoch."""
    total: int = 0
    last_at: float = 0.0
    """When the counter last rose; 0 when it never did."""
    before_at: float = 0.0
    """When it rose before that."""
    since: float = 0.0
    """When it was first read, where events before that are not counted; 0 where there were none."""

    def feed(self, time: float, counter: int) -> int:
        """Take the counter's present value; returns how much it rose."""
        risen = min(MOST_RISEN, counter - self.counter if counter >= self.counter else counter)
        self.counter = counter
        if risen or self.total:
            self._advance(time)
        if risen:
            self.slices[self.newest % _SLICES] += risen
            self.total += risen
            self.before_at, self.last_at = self.last_at, time
        return risen

    def count(self, time: float) -> int:
        """Events in the window that ends at ``time``."""
        if self.total:
            self._advance(time)
        return self.total

    def recurs(self, time: float, longest_s: float = LONGEST_TURN_S) -> bool:
        """Whether it keeps rising: it rose twice, and at most two such periods have passed since."""
        turn = self.last_at - self.before_at
        return turn <= longest_s and time - self.last_at < 2 * turn + TURN_SLACK_S

    def _advance(self, time: float) -> None:
        index = int(time * _SLICES // self.span_s)
        if not self.slices:
            self.slices = [0] * _SLICES
            self.newest = index
        gone = min(index - self.newest, _SLICES)
        for step in range(1, gone + 1):
            place = (self.newest + step) % _SLICES
            self.total -= self.slices[place]
            self.slices[place] = 0
        self.newest = max(self.newest, index)
