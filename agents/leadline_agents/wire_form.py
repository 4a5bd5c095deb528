"""The form in which a look is sent: a whole sample, or vitals that stand on the last whole one.

Vitals are sent only where a reader gets exactly the sample out of them: they are put together with their base as a
reader does it, and compared. So whatever changes that is not one of their numbers is sent whole, at that look.
"""

from collections.abc import Hashable

from leadline import wire
from leadline.clock import Clock
from leadline.errors import BadRecord
from leadline.model.finding import EngineVitals
from leadline.model.observation import Sample

WHOLE_EVERY_S = 30.0
"""A reader that begins in the middle waits so long at most."""


class WireForm:
    """The form of one node's looks, in the order in which they are made."""

    def __init__(self, vitals: type[EngineVitals] | None, clock: Clock) -> None:
        """``vitals``: the engine's; None to send whole samples only."""
        self._vitals = vitals
        self._clock = clock
        self._base: Sample | None = None
        self._held: Hashable = None
        self._due = 0.0

    def of(self, sample: Sample, delivery: Hashable = None) -> Sample | EngineVitals:
        """The form to send. After a change of ``delivery`` the base may be lost, so it is the whole sample then."""
        if self._vitals is None:
            return sample
        seen = wire.OBSERVATIONS.decode(wire.encode(sample))
        assert isinstance(seen, Sample)
        base, now = self._base, self._clock.monotonic()
        if base is not None and now < self._due and delivery == self._held and seen.up:
            vitals = self._vitals.of(seen, base)
            if vitals is not None and self._makes(vitals, base, seen):
                return vitals
        self._base = seen if seen.up else None
        self._held, self._due = delivery, now + WHOLE_EVERY_S
        return sample

    @staticmethod
    def _makes(vitals: EngineVitals, base: Sample, sample: Sample) -> bool:
        try:
            read = wire.VITALS.decode(wire.encode(vitals))
        except BadRecord:  # a number that vitals cannot have
            return False
        return read.fits(base) and read.whole(base) == sample
