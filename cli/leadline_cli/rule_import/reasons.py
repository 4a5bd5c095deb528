"""The findings about one expression: whether it can be true, in which faults its series disappear, what it hides."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import promql_parser as promql

from leadline.words import duration
from leadline_cli.rule_import.expressions import number
from leadline_cli.rule_import.labels import Labels, mismatch, of_metric
from leadline_cli.rule_import.metrics import FAMILIES, METRICS, Metric, is_about_replication
from leadline_cli.rule_import.verdict import Remark

COMPARISONS = frozenset({"==", "!=", ">", "<", ">=", "<="})
EVENTS = frozenset({"changes", "increase", "rate", "irate", "delta", "idelta", "resets"})
"""Functions that see what happens within a window."""
SHORT_S = 60.0
"""A window that holds one sample only where targets are scraped once a minute."""


@dataclass(slots=True)
class SeriesSet:
    """The series of an expression."""

    labels: Labels
    names: frozenset[str] = frozenset()
    never: str = ""
    """The reason that it has no series; empty where it may have some."""
    raw: bool = True
    """Whether the values are those of a metric, and not computed from several or over time."""
    aggregated: str = ""
    """The aggregation over everything that made it, such as ``sum``; empty where labels are left."""
    counts: bool = False
    function: str = ""
    """The function over time that made it."""


@dataclass(slots=True)
class Reasons:
    """Looks at one alert. ``records``: recording rules by name; ``present``: names of a scrape, if one was given."""

    for_s: float
    records: Mapping[str, str]
    present: frozenset[str] | None = None
    remarks: list[Remark] = field(default_factory=list)
    used: dict[str, None] = field(default_factory=dict)
    """The metrics that it reads, in order."""
    guarded: bool = False
    """Whether it asks for the absence of a series."""
    _open: list[str] = field(default_factory=list)

    def look(self, expr: str) -> None:
        """Note everything about an expression. Raises ValueError where it cannot be parsed."""
        seen = self._of(promql.parse(expr))
        if seen.never:
            self.say("never", seen.never)
        if not self.guarded:
            for name in self.used:
                metric = METRICS.get(name)
                if metric is not None and metric.vanishes:
                    self.say(
                        "vanishes", f"{name}: {metric.vanishes}; add an alert with absent(), or one on the other end"
                    )
                if metric is not None and metric.restarts and self.for_s > 0:
                    self.say("fragile", f"{name}: {metric.restarts}, and `for` begins again with it")

    def say(self, verdict: Any, why: str) -> None:
        """Note a finding."""
        self.remarks.append(Remark(verdict, why))

    # -- Expressions ------------------------------------------------------------------------------------------------

    def _of(self, node: Any) -> SeriesSet:
        match node:
            case promql.ParenExpr() | promql.UnaryExpr():
                return self._of(node.expr)
            case promql.VectorSelector():
                return self._metric(node.name or "")
            case promql.MatrixSelector():
                return self._metric(node.vector_selector.name or "")
            case promql.SubqueryExpr():
                return self._of(node.expr)
            case promql.AggregateExpr():
                return self._aggregate(node)
            case promql.Call():
                return self._call(node)
            case promql.BinaryExpr():
                return self._binary(node)
        return SeriesSet(Labels(known=False))

    def _metric(self, name: str) -> SeriesSet:
        if name in self.records and name not in self._open:
            self._open.append(name)
            seen = self._of(promql.parse(self.records[name]))
            self._open.pop()
            seen.raw = False
            return seen
        self.used[name] = None
        metric, never = METRICS.get(name), ""
        if self.present is not None and name in self.present:
            pass
        elif metric is not None and metric.gone:
            if metric.exporter == "mysqld_exporter":
                self.say("not_everywhere", f"{name}: {metric.gone}")
            else:
                never = f"{name}: {metric.gone}; only a query of your own can emit it"
        elif self.present is not None and (metric is None or not metric.vanishes) and is_about_replication(name):
            never = f"{name}: the scrape has no such series"
        elif metric is None and ":" in name:
            self.say("not_seen", f"{name}: a name with a colon is of a recording rule, and none of these files has it")
        elif metric is None and is_about_replication(name):
            near = (
                "its exporter emits no such name" if name.startswith(FAMILIES) else "no exporter that is known has it"
            )
            self.say("not_seen", f"{name}: {near}; only a query of your own can. --scrape FILE proves it")
        return SeriesSet(of_metric(name), frozenset({name}), never)

    def _aggregate(self, node: Any) -> SeriesSet:
        inner = self._of(node.expr)
        by, modifier, op = frozenset[str](), node.modifier, str(node.op)
        if modifier is not None and modifier.type == promql.AggModifierType.By:
            by = frozenset(label for label in modifier.labels if not inner.labels.known or inner.labels.has(label))
            labels = Labels(only=by, known=inner.labels.known, exporters=inner.labels.exporters)
        elif modifier is not None:
            own = inner.labels.own - frozenset(modifier.labels)
            labels = Labels(own, inner.labels.only, inner.labels.known and not modifier.labels, inner.labels.exporters)
        else:
            labels = Labels(only=frozenset(), known=inner.labels.known, exporters=inner.labels.exporters)
        whole = op if modifier is None or (modifier.type == promql.AggModifierType.By and not modifier.labels) else ""
        return SeriesSet(labels, inner.names, inner.never, inner.raw, whole, counts=op in ("count", "group"))

    def _call(self, node: Any) -> SeriesSet:
        name = node.func.name
        if name in ("absent", "absent_over_time"):
            self.guarded = True
            before = len(self.remarks)
            inner = self._of(node.args[0])
            if inner.never or any(each.verdict == "not_seen" for each in self.remarks[before:]):
                del self.remarks[before:]
                self.say(
                    "false_alarm", f"it asks for the absence of what is never there: {inner.never or 'no known name'}"
                )
            return SeriesSet(Labels(known=False), inner.names)
        arguments = [self._of(each) for each in node.args if not isinstance(each, promql.StringLiteral)]
        inner = max(arguments, key=lambda each: len(each.names), default=SeriesSet(Labels(known=False)))
        known = inner.labels.known and name not in ("label_replace", "label_join")
        labels = Labels(inner.labels.own, inner.labels.only, known, inner.labels.exporters)
        window = next((each for each in node.args if isinstance(each, promql.MatrixSelector)), None)
        if window is not None and name in EVENTS:
            self._window(name, window.range.total_seconds())
        raw, function = inner.raw and window is None, name if window is not None else inner.function
        return SeriesSet(labels, inner.names, inner.never, raw, function=function)

    def _window(self, function: str, window_s: float) -> None:
        if self.for_s >= window_s and function in ("changes", "resets", "increase", "delta"):
            why = f"{function}() over {duration(window_s)} shows one event for so long only, and `for` is"
            self.say("hides", f"{why} {duration(self.for_s)}: a single event never fires")
        elif window_s <= SHORT_S:
            why = f"a window of {duration(window_s)} may hold one sample where targets are scraped each minute, and"
            self.say("fragile", f"{why} {function}() needs two")

    def _binary(self, node: Any) -> SeriesSet:
        op, left, right = str(node.op), self._of(node.lhs), self._of(node.rhs)
        names = left.names | right.names
        if op == "or":
            if left.never and right.never:
                return SeriesSet(left.labels, names, f"{left.never}; and {right.never}")
            for part in (left, right):
                if part.never:
                    self.say("hides", f"a part of it is never true: {part.never}")
            return SeriesSet(left.labels, names, raw=False)
        if not left.names or not right.names:  # a number on one side
            self._compared(node, op, left if left.names else right)
            side = left if left.names else right
            raw = side.raw and op in (COMPARISONS | {"*", "/"})
            return SeriesSet(side.labels, names, side.never, raw, side.aggregated, side.counts)
        why = self._unmatched(node, left, right)
        if op == "unless":
            if why:
                self.say("false_alarm", f"its exception has no effect: {why}")
            return SeriesSet(left.labels, names, left.never, left.raw)
        never = left.never or right.never or (f"no series of both sides match: {why}" if why else "")
        if not never and op == "-":
            never = _backwards(left.names, right.names)
        self._moved(node, op, left, right)
        return SeriesSet(left.labels, names, never, raw=False if op not in ("and", *COMPARISONS) else left.raw)

    def _unmatched(self, node: Any, left: SeriesSet, right: SeriesSet) -> str:
        matching = node.modifier.matching if node.modifier is not None else None
        on = ignoring = None
        if matching is not None and matching.type == promql.LabelModifierType.Include:
            on = matching.labels
        elif matching is not None:
            ignoring = matching.labels
        return mismatch(left.labels, right.labels, on, ignoring or ())

    def _moved(self, node: Any, op: str, left: SeriesSet, right: SeriesSet) -> None:
        """A comparison of a series with itself some time before."""
        offset = getattr(node.rhs, "offset", None)
        if op not in COMPARISONS or offset is None or left.names != right.names:
            return
        if self.for_s >= offset.total_seconds():
            what = f"the value differs from that of {duration(offset.total_seconds())} before for so long only"
            self.say("hides", f"{what}, and `for` is {duration(self.for_s)}: it never fires")

    def _compared(self, node: Any, op: str, side: SeriesSet) -> None:
        """A comparison with a number."""
        limit = number(node.rhs if side.names and number(node.rhs) is not None else node.lhs)
        if op not in COMPARISONS or limit is None:
            return
        for name in sorted(side.names):
            metric = METRICS.get(name)
            if metric is not None:
                self._of_metric(name, metric, op, limit, side)
        if side.aggregated in ("sum", "max", "count") and op in ("<", "<=", "==") and not side.never:
            self.say("hides", f"{side.aggregated}() is over all clusters at once: one that is well hides another")
        if side.counts and op in ("<", "<=", "==") and not self.guarded:
            self.say("vanishes", "count() of nothing is no value and not 0, so it is silent when all are gone")

    def _of_metric(self, name: str, metric: Metric, op: str, limit: float, side: SeriesSet) -> None:
        rises = op in (">", ">=", "!=")
        if metric.hides and rises:
            self.say("hides", f"{name}: {metric.hides}")
        if metric.alarms and (rises or metric.unit == "state"):
            self.say("false_alarm", f"{name}: {metric.alarms}")
        if metric.unit in ("s", "bytes") and rises and limit == 0 and side.raw:
            self.say("false_alarm", f"{name}: something is nearly always on its way, so more than 0 is no fault")
        if metric.unit == "s" and rises and limit >= 1 and side.function in ("rate", "irate"):
            self.say("hides", f"{name}: a lag grows by one second each second, so {side.function}() hardly exceeds 1")
        if metric.unit == "count" and rises and side.raw:
            self.say("false_alarm", f"{name}: a counter only rises, so it fires for ever after; use increase()")
        if metric.unit == "place" and side.raw and op != "!=" and abs(limit) > 1:
            self.say("false_alarm", f"{name}: a position only rises, and is compared with a number")


def _backwards(left: frozenset[str], right: frozenset[str]) -> str:
    """The reason that a difference of positions is never above 0."""
    for behind, ahead in (("replayed", "received"), ("replay", "write"), ("flush", "write"), ("stored", "now")):
        for one in left:
            if behind in one and ahead not in one and one.replace(behind, ahead) in right:
                return f"{one} is never ahead of {one.replace(behind, ahead)}, so the difference is never above 0"
    return ""
