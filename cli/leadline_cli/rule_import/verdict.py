"""Findings about an alert of Prometheus, and the verdict that they come to."""

from dataclasses import dataclass, field
from typing import Final, Literal, get_args

Verdict = Literal[
    "never", "not_everywhere", "not_seen", "vanishes", "hides", "false_alarm", "fragile", "unreadable", "right"
]
WORST_FIRST: Final[tuple[Verdict, ...]] = get_args(Verdict)
IN_WORDS: Final[dict[Verdict, str]] = {
    "never": "it can never fire",
    "not_everywhere": "it can never fire on some servers",
    "not_seen": "no known exporter emits what it reads",
    "vanishes": "its series disappears in the fault, so it stays silent or resolves",
    "hides": "it fires, and does not see every fault that it is for",
    "false_alarm": "it fires, also while nothing is wrong",
    "fragile": "it fires, and may be late or miss a short fault",
    "unreadable": "it cannot be read",
    "right": "nothing is wrong with it",
}
"""The meaning of a verdict on an alert."""
BAD: Final = frozenset({"never", "not_everywhere", "not_seen", "vanishes", "unreadable"})
"""Verdicts on alerts that may stay silent in the fault that they are for."""


@dataclass(frozen=True, slots=True)
class Remark:
    """One thing about an alert, in a sentence without its full stop."""

    verdict: Verdict
    why: str


@dataclass(frozen=True, slots=True)
class PrometheusAlert:
    """An alert about replication, judged."""

    file: str
    group: str
    name: str
    expr: str
    remarks: list[Remark]
    ours: list[str]
    """The rules of Leadline in its place; none where it is not about PostgreSQL."""
    foreign: bool = False
    """Whether it is about an engine that Leadline does not judge."""
    verdict: Verdict = field(default="right")


def judged(
    file: str, group: str, name: str, expr: str, remarks: list[Remark], ours: list[str], foreign: bool = False
) -> PrometheusAlert:
    """An alert with the verdict of its worst remark."""
    ordered = sorted(dict.fromkeys(remarks), key=lambda each: WORST_FIRST.index(each.verdict))
    verdict = ordered[0].verdict if ordered else "right"
    return PrometheusAlert(file, group, name, expr, ordered, ours, foreign, verdict)
