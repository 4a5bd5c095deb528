"""An observer of the fold: the values of rules, their breaches, the verdicts of links and the looks of a while.

Bounded: one record per rule and subject, the newest verdicts of each link, and counts for each node.
"""

from collections import deque
from dataclasses import dataclass, field

from leadline.model.alert import Verdict
from leadline_streams.explain.verdict_reason import reason
from leadline_streams.judge.engine import LinkReading
from leadline_streams.judge.link_state import LinkState
from leadline_streams.judge.policy import Limits
from leadline_streams.judge.rule import AnyRule, ClusterContext
from leadline_streams.judge.state import Memory

MOST_VERDICTS = 20
APART_S = 5.0
"""Breaches that are further apart than this are two: what is healthy is not measured between them."""


@dataclass(slots=True)
class Measured:
    """The values of one rule about one subject. Times are event time in seconds."""

    count: int = 0
    last_at: float = 0.0
    peak: float | None = None
    """The worst value."""
    peak_at: float = 0.0
    began: float | None = None
    """The beginning of the breach that lasts; None while there is none."""
    longest_s: float = 0.0


@dataclass(slots=True)
class Judged:
    """A verdict that a link was given."""

    at: float
    verdict: Verdict
    why: str


@dataclass(slots=True)
class Looks:
    """The looks at one node."""

    count: int = 0
    last: float = 0.0
    longest_gap_s: float = 0.0


@dataclass(slots=True)
class Trace:
    """A record of the judgement. It is a tracer of the fold."""

    watches: frozenset[str] = frozenset()
    rules: dict[tuple[str, str], Measured] = field(default_factory=dict)
    """By the name of the rule and the identity of the subject."""
    verdicts: dict[str, deque[Judged]] = field(default_factory=dict)
    """By link; the newest last."""
    looks: dict[tuple[str, str], Looks] = field(default_factory=dict)
    """By cluster and node."""
    first_at: float | None = None
    """The first look that was judged."""

    def measured(self, rule: AnyRule, limits: Limits, context: ClusterContext, value: float | None) -> None:
        """Keep the worst value, and how long a breach lasted."""
        place = rule.name, context.subject.id
        seen = self.rules.get(place)
        if seen is None:
            seen = self.rules[place] = Measured()
        seen.count += 1
        if value is not None and value == value:
            worse = seen.peak is None or (value < seen.peak if limits.low_is_bad else value > seen.peak)
            if worse:
                seen.peak, seen.peak_at = value, context.now
            if limits.severity(value) is None:
                seen.began = None
            elif seen.began is None or context.now - seen.last_at > APART_S:
                seen.began = context.now
            if seen.began is not None:
                seen.longest_s = max(seen.longest_s, context.now - seen.began)
        elif value is None:
            seen.began = None
        seen.last_at = context.now

    def judged(self, link: LinkState, verdict: Verdict, reading: LinkReading, now: float) -> None:
        """Keep a verdict that differs from the one before, with its reason."""
        kept = self.verdicts.setdefault(link.id, deque(maxlen=MOST_VERDICTS))
        if not kept or kept[-1].verdict != verdict:
            kept.append(Judged(now, verdict, reason(verdict, link, reading, now)))

    def looked(self, memory: Memory) -> None:
        """Count the looks since the last call; called after each record."""
        for name, node in memory.nodes.items():
            place = memory.cluster, name
            seen = self.looks.get(place)
            if seen is None:
                seen = self.looks[place] = Looks()
            if node.seen <= seen.last:
                continue
            if seen.last:
                seen.longest_gap_s = max(seen.longest_gap_s, node.seen - seen.last)
            seen.count, seen.last = seen.count + 1, node.seen
            self.first_at = node.seen if self.first_at is None else min(self.first_at, node.seen)
