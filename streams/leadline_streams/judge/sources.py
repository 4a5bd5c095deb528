"""The sources of a cluster's observations, and what of them waits to be judged."""

from collections.abc import Mapping
from enum import Enum
from sys import intern
from typing import TYPE_CHECKING

from msgspec import Struct

from leadline.model.finding import EngineVitals, FindingReport
from leadline.model.observation import NodeSettings, Sample
from leadline_streams.judge.nothing import NOTHING
from leadline_streams.judge.packed_vitals import pack, unpack

RUNS = 3
"""So many earlier runs of an agent are remembered: what comes again of them is a repetition."""


class Admission(Enum):
    """The result of offering an observation."""

    ACCEPTED = "accepted"
    DUPLICATE = "duplicate"
    LATE = "late"


ACCEPTED, DUPLICATE, LATE = Admission


class Source(Struct, omit_defaults=True, gc=False):
    """One agent's stream about one node."""

    boot: str = ""
    seq: int = -1
    frontier: float = 0.0
    """Corrected time of its newest observation; 0 before the first one."""
    offered_at: float = 0.0
    """The tick before its last observation whose time did not go on from the one before; 0 before the first tick."""
    admitted_at: float = 0.0
    stale_after_s: float = 5.0
    correction_s: float = 0.0
    """Added to its times while its clock is wrong."""
    suspected_s: float = 0.0
    agreeing: int = 0
    before: Mapping[str, int] = NOTHING
    """The newest ``seq`` of earlier runs of its agent, by ``boot``; of the last few."""
    base: Sample | None = None
    """Its newest whole sample, if that is not judged: its vitals may be, and stand on it."""

    def begin(self, boot: str) -> None:
        """Another run of its agent begins, or goes on."""
        before = dict(self.before)
        if self.boot:
            before[self.boot] = self.seq
        before.pop(boot, None)
        self.before = dict(list(before.items())[-RUNS:]) or NOTHING
        self.boot = intern(boot)  # each look has it, too


class WaitingVitals:
    """Vitals among observations that wait, with the bytes of their record, by which alone they are saved."""

    __slots__ = ("packed", "vitals")

    def __init__(self, vitals: EngineVitals, packed: bytes) -> None:
        self.vitals = vitals
        self.packed = packed

    def __eq__(self, other: object) -> bool:
        """Whether the vitals are equal."""
        return isinstance(other, WaitingVitals) and self.vitals == other.vitals

    __hash__ = None  # type: ignore[assignment]  # nobody needs it

    def saved(self) -> "SavedVitals":
        """The form in which they are saved."""
        return SavedVitals(self.packed)


class SavedVitals(Struct, frozen=True, omit_defaults=True, tag="vitals", tag_field="kind"):
    """``WaitingVitals`` in bytes, where they differ from other observations by their kind."""

    packed: bytes = b""
    vitals: EngineVitals | None = None
    """Of states that were saved with these instead."""

    def waiting(self) -> WaitingVitals:
        """The vitals, to wait again."""
        if self.vitals is not None:
            return WaitingVitals(self.vitals, pack(self.vitals))
        return WaitingVitals(unpack(self.packed), self.packed)


if TYPE_CHECKING:
    Waiting = Sample | NodeSettings | FindingReport | WaitingVitals
else:
    Waiting = Sample | NodeSettings | FindingReport | SavedVitals  # which ``load`` replaces
