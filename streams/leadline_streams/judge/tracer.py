"""The interface of an observer of the fold. It explains afterwards why something was reported, or was not.

The place that composes the judgement gives the tracer. Without one nothing is called: rules are then measured by the
functions that they are declared with. A tracer changes nothing that it is given.
"""

from typing import Protocol

from leadline.model.alert import Verdict
from leadline_streams.judge.engine import LinkReading
from leadline_streams.judge.link_state import LinkState
from leadline_streams.judge.policy import Limits
from leadline_streams.judge.rule import AnyRule, ClusterContext


class Tracer(Protocol):
    """An observer of the judgement."""

    @property
    def watches(self) -> frozenset[str]:
        """Rules that are measured for it although the settings switch them off."""
        ...

    def measured(self, rule: AnyRule, limits: Limits, context: ClusterContext, value: float | None) -> None:
        """A rule was measured; ``value`` as its ``measure`` returned it. What is seen to be healthy is not measured."""
        ...

    def judged(self, link: LinkState, verdict: Verdict, reading: LinkReading, now: float) -> None:
        """A link was judged. ``link`` has its present numbers, and still the verdict before this one."""
        ...
