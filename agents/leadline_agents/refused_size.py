"""The size of a record that Kafka refused lately. Smaller ones are sent for a while; then it is tried again."""

from math import inf

from leadline.clock import Clock

TRIED_AGAIN_S = 600.0
"""A size that was refused is tried again after this time, and after twice as long each time that it is refused again:
a topic may take it by now, and what is refused is lost."""
TRIED_AGAIN_MOST_S = 86_400.0


class RefusedSize:
    """The smallest size that Kafka refused, until it is tried again."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._bytes = 0
        self._until = -inf
        self._wait_s = 0.0

    def note(self, size: int) -> None:
        """Take note that Kafka refused so many bytes."""
        known, now = self.bytes, self._clock.monotonic()
        self._bytes = min(size, known or size)
        if not known:
            was_taken = now - self._until > self._wait_s  # for as long as it had not been tried
            self._wait_s = TRIED_AGAIN_S if was_taken else min(2 * self._wait_s, TRIED_AGAIN_MOST_S)
            self._until = now + self._wait_s

    @property
    def bytes(self) -> int:
        """The size; 0 for none, or when it is to be tried again."""
        return self._bytes if self._clock.monotonic() < self._until else 0
