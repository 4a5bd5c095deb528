"""The labels of an expression, and whether the series of two sides can have the same ones.

Labels of the target, such as ``instance``, ``job`` and what relabelling adds, are taken to be on every series.
"""

from collections.abc import Collection
from dataclasses import dataclass

from leadline_cli.rule_import.metrics import METRICS

TARGET = frozenset({"instance", "job"})
"""Labels that each series of a scrape has."""


@dataclass(frozen=True, slots=True)
class Labels:
    """The labels of the series of an expression."""

    own: frozenset[str] = frozenset()
    """Those that the metric adds."""
    only: frozenset[str] | None = None
    """After an aggregation: all labels that are left; None where those of the target are there, too."""
    known: bool = True
    exporters: frozenset[str] = frozenset()

    def has(self, label: str) -> bool:
        """Whether the series have a label; any label that no known metric adds may be one of the target."""
        if self.only is not None:
            return label in self.only
        return label in self.own or label not in _ADDED


def of_metric(name: str) -> Labels:
    """The labels of a metric."""
    metric = METRICS.get(name)
    if metric is None:
        return Labels(known=False)
    return Labels(own=metric.labels, exporters=frozenset({metric.exporter}))


def mismatch(left: Labels, right: Labels, on: Collection[str] | None, ignoring: Collection[str]) -> str:
    """The reason that no series of one side can match one of the other; empty where they may. ``on`` is None where it
    is not given."""
    if not left.known or not right.known:
        return ""
    if on is not None:
        for label in on:
            if left.has(label) != right.has(label):
                return f"they are matched on {label}, which only one side has"
        return ""
    if (left.only is None) != (right.only is None):
        kept = left.only if left.only is not None else right.only
        names = ", ".join(sorted(kept or ())) or "no label"
        return f"one side has {names} only, the other one all labels of its target"
    mine, others = (side.own if side.only is None else side.only for side in (left, right))
    differ = (mine ^ others) - set(ignoring)
    if left.only is not None:
        differ &= TARGET | _ADDED
    if not differ:
        return ""
    missing = ", ".join(sorted(differ))
    return f"they are matched on all labels, and only one side has {missing}; give on(instance)"


_ADDED = frozenset(label for metric in METRICS.values() for label in metric.labels)
