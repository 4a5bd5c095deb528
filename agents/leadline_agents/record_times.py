"""The times that an agent's records get in Kafka.

A broker refuses a record whose time is too far from its own clock: by default, since Apache Kafka 3.6, more than an
hour ahead (``message.timestamp.after.max.ms``). It does not tell its own time. So times of a clock that is refused are
moved until they are accepted. A topic whose brokers set the time themselves (``LogAppendTime``) refuses none. The
judgement orders observations by the time that is inside of them, and corrects that.
"""

import logging
from collections.abc import Iterator

from leadline.clock import Clock, epoch
from leadline.words import duration

FIRST_S = 3000.0
"""Below the hour that brokers accept by default."""
DOUBLINGS = 18
"""Up to about 25 years."""

log = logging.getLogger(__name__)


class RecordTimes:
    """The times for new records, over all connections of an agent."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._search: Iterator[float] | None = None
        """The times that are still to be tried; None while times are accepted."""
        self.moved_s = 0.0
        """Added to the times of the host's clock."""

    def now_ms(self) -> int:
        """For a record that is written now, in milliseconds since the epoch."""
        return round((epoch(self._clock.now()) + self.moved_s) * 1000)

    def refused(self) -> None:
        """Brokers refuse these times: try others, first back, because brokers are stricter about the future."""
        if self._search is None:
            self._search = _moves()
            log.error(
                "Kafka refuses the time of this host's clock, %s UTC: it or the clocks of the brokers are wrong, set "
                "them by NTP; observations are sent with times that Kafka accepts",
                f"{self._clock.now():%Y-%m-%d %H:%M:%S}",
            )
        self.moved_s = next(self._search)

    def accepted(self) -> None:
        """Brokers accept these times. When they are refused later, the search begins again."""
        if self._search is not None:
            self._search = None
            way = "ahead" if self.moved_s > 0 else "back"
            log.warning("Kafka accepts times that are moved %s by %s", way, duration(abs(self.moved_s)))


def _moves() -> Iterator[float]:
    """Ever further back, then ever further ahead; then from the beginning."""
    while True:
        for sign in (-1.0, 1.0):
            yield from (sign * FIRST_S * 2.0**doubling for doubling in range(DOUBLINGS))
        yield 0.0
