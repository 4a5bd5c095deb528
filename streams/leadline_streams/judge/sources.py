"""The sources of a cluster's observations, and what of them waits to be judged."""

from enum import Enum
from sys import intern

from msgspec import Struct, field

from leadline.model.finding import EngineVitals, FindingReport
from leadline.model.observation import NodeSettings, Sample

RUNS = 3
"""So many earlier runs of an agent are remembered: what comes again of them is a repetition."""


class Admission(Enum):
    """The result of offering an observation."""

    ACCEPTED = "accepted"
    DUPLICATE = "duplicate"
    LATE = "late"


ACCEPTED, DUPLICATE, LATE = Admission


class Source(Struct, omit_defaults=True):
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
    before: dict[str, int] = field(default_factory=dict)
    """The newest ``seq`` of earlier runs of its agent, by ``boot``; of the last few."""
    base: Sample | None = None
    """Its newest whole sample, if that is not judged: its vitals may be, and stand on it."""

    def begin(self, boot: str) -> None:
        """Another run of its agent begins, or goes on."""
        if self.boot:
            self.before[self.boot] = self.seq
        self.before.pop(boot, None)
        for first in list(self.before)[:-RUNS]:
            del self.before[first]
        self.boot = intern(boot)  # each look has it, too


class WaitingVitals(Struct, frozen=True, gc=False, tag="vitals", tag_field="kind"):
    """Vitals among observations that wait; in bytes they differ from these by their kind."""

    vitals: EngineVitals


Waiting = Sample | NodeSettings | FindingReport | WaitingVitals
