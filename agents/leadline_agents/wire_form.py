"""The form in which a look is sent: a whole sample, or vitals that stand on the last whole one.

Vitals are sent only where a reader gets exactly the sample out of them: they are put together with their base as a
reader does it, and compared. So whatever changes that is not one of their numbers is sent whole, at that look.
"""

from collections.abc import Hashable
from typing import cast

from leadline import wire
from leadline.clock import Clock
from leadline.errors import BadRecord
from leadline.model.finding import EngineVitals
from leadline.model.observation import Sample

WHOLE_EVERY_S = 30.0
"""A reader that begins in the middle waits so long at most."""
AGAIN_S = 5.0
"""From the first whole sample of a run to the second: a reader that waits before it judges a new node does not judge
the first, and has to make a sample of all vitals that stand on it."""


class WireForm:
    """The form of one node's looks, in the order in which they are made."""

    def __init__(self, vitals: type[EngineVitals] | None, clock: Clock) -> None:
        """``vitals``: the engine's; None to send whole samples only."""
        self._vitals = vitals
        self._clock = clock
        self._base: Sample | None = None
        self._held: Hashable = None
        self._due = 0.0
        self._every_s = AGAIN_S

    def of(self, sample: Sample, delivery: Hashable = None) -> Sample | EngineVitals:
        """The form to send. After a change of ``delivery`` the base may be lost, so it is the whole sample then."""
        if self._vitals is None:
            return sample
        seen = _read(sample)
        if seen is None:
            self._base = None
            return sample
        base, now = self._base, self._clock.monotonic()
        if base is not None and now < self._due and delivery == self._held and seen.up:
            vitals = _vitals(self._vitals, seen, base)
            if vitals is not None:
                return vitals
        self._base = seen if seen.up else None
        self._held, self._due, self._every_s = delivery, now + self._every_s, WHOLE_EVERY_S
        return sample


def _read(sample: Sample) -> Sample | None:
    """A sample as readers get it; None where they refuse it."""
    try:
        return cast(Sample, wire.OBSERVATIONS.decode(wire.encode(sample)))
    except BadRecord:
        return None


def _vitals(kind: type[EngineVitals], sample: Sample, base: Sample) -> EngineVitals | None:
    """Vitals of which a reader who has the base makes exactly this sample; None where there are none."""
    try:
        vitals = kind.of(sample, base)
        if vitals is None:
            return None
        read = wire.VITALS.decode(wire.encode(vitals))
        return vitals if read.fits(base) and read.whole(base) == sample else None
    except (BadRecord, ValueError):  # a text that is no position, a number that vitals cannot have
        return None
