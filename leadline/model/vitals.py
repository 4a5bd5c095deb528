"""Vitals: the numbers of one look, which stand on a whole sample. What is not in them is as it was there.

An engine defines its own kind: which numbers there are, in which order, and the sample that they make with their base.
On the wire they are an array that begins with the engine's name; ``finding.EngineVitals`` are those of all engines.
"""

from datetime import UTC, datetime, timedelta
from typing import Annotated

from msgspec import Meta, Struct

from leadline.model import Count
from leadline.model.ids import NodeName

LATEST_MS = 32_503_680_000_000
"""The year 3000, in milliseconds since the epoch."""
APART_MS = 10**12
"""The times of one look are less than this apart, so that each is one that can be written."""
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MILLISECOND = timedelta(milliseconds=1)

MillisecondsBefore = Annotated[int, Meta(ge=-APART_MS, le=APART_MS, description="milliseconds before `sent_ms`")]
"""A time."""


class Vitals(Struct, frozen=True, array_like=True, gc=False):
    """The part that is the same for every engine. Each engine's kind has ``of``, ``fits`` and ``whole`` besides."""

    node: NodeName
    boot: str
    """That of the base, too."""
    seq: Count
    base: Count
    """The ``seq`` of the whole sample that they stand on."""
    sent_ms: Annotated[int, Meta(ge=0, le=LATEST_MS)]
    """``sent_at``, in milliseconds since 1970."""
    at: MillisecondsBefore

    @property
    def sent_at(self) -> datetime:
        """The agent's clock, as a sample has it."""
        return time_of(self.sent_ms)


def milliseconds(time: datetime) -> int:
    """Milliseconds since 1970, cut off as in the form that times have on the wire."""
    return (time - _EPOCH) // _MILLISECOND


def time_of(ms: int) -> datetime:
    """The time so many milliseconds after the begin of 1970."""
    return _EPOCH + ms * _MILLISECOND
