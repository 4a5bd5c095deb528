"""A cluster while one subject is judged: nothing changes meanwhile, so what is derived from all of it is kept."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeVar

from leadline.model.ids import ClusterName
from leadline_streams.judge.link_state import LinkState
from leadline_streams.judge.node_state import NodeState
from leadline_streams.judge.problem_state import ReportState
from leadline_streams.judge.rule import ClusterView
from leadline_streams.judge.state import Memory

Derived = TypeVar("Derived")


class View:
    """A cluster as rules and causes read it."""

    __slots__ = ("_derived", "_memory", "above", "around", "below", "cluster", "having", "links", "nodes", "reports")

    def __init__(self, memory: Memory) -> None:
        self._memory = memory
        self.cluster: ClusterName = memory.cluster
        self.nodes: Mapping[str, NodeState] = memory.nodes
        self.links: Mapping[str, LinkState] = memory.links
        self.reports: Mapping[str, ReportState] = memory.reports
        self.above: Callable[[str], Sequence[LinkState]] = memory.above
        self.below: Callable[[str], Sequence[LinkState]] = memory.below
        self.having: Callable[..., Sequence[NodeState]] = memory.having
        self.around: Callable[[str], Sequence[LinkState]] = memory.around
        self._derived: dict[Callable[[Any], Any], Any] = {}

    def __reduce__(self) -> tuple[object, ...]:
        """A copy may be changed: it derives anew."""
        return View, (self._memory,)

    def derived(self, build: Callable[[ClusterView], Derived]) -> Derived:
        """The result of a function of the cluster, computed once."""
        if build not in self._derived:
            self._derived[build] = build(self)
        found: Derived = self._derived[build]
        return found
