"""The verdicts on all alerts about replication of some files."""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from leadline_cli.rule_import.expressions import names_of
from leadline_cli.rule_import.metrics import METRICS, MY, is_about_replication
from leadline_cli.rule_import.reading import PrometheusRule
from leadline_cli.rule_import.reasons import Reasons
from leadline_cli.rule_import.verdict import WORST_FIRST, PrometheusAlert, Remark, judged

_WORD = re.compile(r"[a-zA-Z_:][a-zA-Z0-9_:]*")


@dataclass(frozen=True, slots=True)
class ImportReport:
    """The alerts about replication, worst first, and the number of all others."""

    alerts: list[PrometheusAlert]
    left_out: int


def report(rules: Sequence[PrometheusRule], present: frozenset[str] | None = None) -> ImportReport:
    """Judge every alert about replication. ``present``: the names that a scrape has, where one was given."""
    records = {rule.name: rule.expr for rule in rules if rule.records and _parses(rule.expr)}
    alerts, left_out = [], 0
    for rule in rules:
        if rule.records:
            continue
        if any(is_about_replication(name) for name in _all_names(rule.expr, records)):
            alerts.append(_judged(rule, records, present))
        else:
            left_out += 1
    return ImportReport(sorted(alerts, key=lambda each: WORST_FIRST.index(each.verdict)), left_out)


def _judged(rule: PrometheusRule, records: dict[str, str], present: frozenset[str] | None) -> PrometheusAlert:
    place, looked = (rule.file, rule.group, rule.name, rule.expr), Reasons(rule.for_s, records, present)
    try:
        looked.look(rule.expr)
    except ValueError as error:
        why = " ".join(str(error).split())
        return judged(*place, [Remark("unreadable", f"the parser of PromQL refuses it: {why}")], [])
    ours = (code for name in looked.used if name in METRICS for code in METRICS[name].ours)
    foreign = any(name in METRICS and METRICS[name].exporter == MY for name in looked.used)
    return judged(*place, looked.remarks, list(dict.fromkeys(ours)), foreign)


def _all_names(expr: str, records: dict[str, str]) -> Iterable[str]:
    """The names of an expression, and of the recording rules that it reads; words where it cannot be parsed."""
    known: set[str] = set()
    waiting = [expr]
    while waiting:
        text = waiting.pop()
        try:
            names = set(names_of(text)) - known
        except ValueError:
            names = set(_WORD.findall(text)) - known
        known |= names
        waiting += [records[name] for name in names if name in records]
    return known


def _parses(expr: str) -> bool:
    try:
        list(names_of(expr))
    except ValueError:
        return False
    return True
