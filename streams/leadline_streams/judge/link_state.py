"""The state of one link between observations.

Plain data, as in ``state``. Times are event time in seconds since the epoch.
"""

from collections.abc import Mapping
from math import inf

from msgspec import Struct, field

from leadline.model.alert import Verdict
from leadline.model.ids import LinkId, NodeName
from leadline.model.node import LinkKind, Unit
from leadline_streams.judge.nothing import NOTHING

STAND_IN_S = 5.0
"""A link end without an agent is provisional for this long: its agent may still report."""


class Rollup(Struct, omit_defaults=True, gc=False):
    """Lag of one link in one window of event time, so far."""

    until: float = 0.0
    """Its end; 0 before the first window."""
    samples: int = 0
    unknown: int = 0
    """Samples without a known lag."""
    lag_sum: float = 0.0
    lag_min: float = inf
    lag_max: float = 0.0
    units_max: int = -1
    verdict: str = ""
    """The first in the window; most windows have no other. Empty before it."""
    verdicts: Mapping[str, int] = NOTHING
    """The samples of each other verdict, in the order in which they came."""

    def note(self, verdict: str, samples: int = 1) -> None:
        """Count samples of a verdict, which are in ``samples`` already."""
        if not self.verdict:
            self.verdict = verdict
        elif verdict != self.verdict:
            self.verdicts = {**self.verdicts, verdict: self.verdicts.get(verdict, 0) + samples}

    def settle(self) -> None:
        """Bring in order what was saved when all verdicts were in ``verdicts``."""
        if not self.verdict and self.verdicts:
            self.verdict, *others = self.verdicts
            self.verdicts = {verdict: self.verdicts[verdict] for verdict in others} or NOTHING

    @property
    def counted(self) -> dict[str, int]:
        """The samples of each verdict, in the order in which they came."""
        if not self.verdict:
            return {}
        return {self.verdict: self.samples - sum(self.verdicts.values()), **self.verdicts}


class LinkState(Struct, omit_defaults=True, gc=False):
    """A link as last judged."""

    id: LinkId
    upstream: NodeName
    downstream: NodeName
    kind: LinkKind
    name: str = ""
    """The subscription of a logical link."""
    slot: str | None = None
    unit: Unit = "bytes"
    """Of its positions."""
    created_at: float = 0.0
    agentless: bool = False
    """No agent reads the downstream: the link is judged by its sender."""
    headless: bool = False
    """No agent reads the upstream: the link is judged by its receiver."""
    candidates: tuple[NodeName, ...] = ()
    """Nodes of which one is the upstream, where it cannot be known which."""
    sender: tuple[int, str, str | None] | None = None
    """Identifies its sender on the upstream: process, name and slot. None where none is known."""
    sender_is_unclear: bool = False
    """Whether the upstream may have a sender for it that cannot be seen, or is one of several."""
    circle: tuple[NodeName, ...] = ()
    """The standbys that follow each other round to this link's downstream, itself first; none follows a primary."""
    connected: bool = False
    streams: bool = False
    """Whether the fast path may take it at its downstream's next sample."""
    cut_since: float | None = None
    cut_at: float = 0.0
    """When it was last cut off; 0 when it never was."""
    verdict: Verdict = "unknown"
    verdict_since: float = 0.0
    position: int | None = None
    """Up to where the downstream has applied, in ``unit``."""
    received: int | None = None
    moved_at: float = 0.0
    """When ``position`` last moved, or had nothing to move to."""
    pace_s: float = 0.0
    """Longest time of late in which ``position`` did not move, of a downstream without an agent; 0 before it moved."""
    lag_s: float | None = None
    """Behind the primary at the root, in seconds of its clock; while ``lag_is_bound``, at least this much."""
    lag_units: int | None = None
    hop_units: int | None = None
    """Behind its own upstream."""
    anchor_at: float = 0.0
    anchor_s: float = 0.0
    anchor_units: int = 0
    growth_s: float | None = None
    """Seconds of lag gained per second, over the last 5 to 10 seconds."""
    growth_units: float | None = None
    """Units of lag gained per second."""
    lag_is_bound: bool = False
    """Whether the lag is known within bounds only: the root's clock does not reach back to ``position``."""
    lag_at_most_s: float | None = None
    """The upper bound, while ``lag_is_bound``; None when none is known."""
    lead: int | None = None
    """A position that the downstream had before its upstream, which was looked at later and had less."""
    lead_at: float = 0.0
    """When the downstream had it."""
    lead_units: int = 0
    """Units that the downstream holds and its upstream does not have: they were lost there."""
    status_at: float = 0.0
    """When its status was last published; 0 when it never was."""
    status_verdict: str = ""
    """As last published, like the two below."""
    status_connected: bool = False
    status_lag_s: float | None = None
    brief: Rollup = field(default_factory=Rollup)
    long: Rollup = field(default_factory=Rollup)

    @property
    def shown_lag_s(self) -> float | None:
        """The lag for people: the upper bound while it is known within bounds only."""
        return self.lag_at_most_s if self.lag_is_bound else self.lag_s

    def is_settled(self, now: float) -> bool:
        """Whether it is not provisional: the agent of an end that has none may still report."""
        return not (self.agentless or self.headless) or now - self.created_at >= STAND_IN_S
