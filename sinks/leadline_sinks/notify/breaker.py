"""Whether a target is worth an attempt: one that keeps failing is only probed.

Closed: everything is tried. Open: nothing, until the next probe. Half open: one attempt decides. What the target
itself limits (429) is no failure; see ``courier``.
"""

from typing import Final

from leadline.clock import Clock

FAILURES: Final = 5
"""In a row; then it opens."""
PROBE_S: Final = 30.0
"""Until the first probe; each that fails doubles the wait."""
MAX_PROBE_S: Final = 300.0


class Breaker:
    """Closed at first."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._failures = 0
        self._wait_s = 0.0
        self._probe_at = 0.0

    @property
    def is_open(self) -> bool:
        """Whether the target is only probed."""
        return self._wait_s > 0

    def wait_s(self) -> float:
        """Seconds until an attempt is allowed; 0 when it is."""
        return max(0.0, self._probe_at - self._clock.monotonic()) if self.is_open else 0.0

    def failed(self, *, at_once: bool) -> None:
        """An attempt failed. ``at_once`` opens it without waiting for more: trying again will not help."""
        self._failures += 1
        if self.is_open:
            self._open(min(MAX_PROBE_S, self._wait_s * 2))
        elif at_once or self._failures >= FAILURES:
            self._open(PROBE_S)

    def worked(self) -> None:
        """The target took something, or refused it for what it was: it is there."""
        self._failures = 0
        self._wait_s = 0.0

    def _open(self, wait_s: float) -> None:
        self._wait_s = wait_s
        self._probe_at = self._clock.monotonic() + wait_s
