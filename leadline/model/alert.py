"""Alerts: a finding's life, one record per transition, and the causes that explain it."""

from typing import Final, Literal, get_args

from msgspec import field

from leadline.model import Int64, Time, Value
from leadline.model.ids import AlertId, ClusterName, NodeName
from leadline.model.node import LinkKind

Severity = Literal["info", "warning", "critical"]
SEVERITIES: Final[tuple[Severity, ...]] = get_args(Severity)
"""From the least to the most severe."""
State = Literal["ok", "pending", "firing", "unknown", "resolved"]
Reason = Literal[
    "breach",
    "clear",
    "escalate",
    "deescalate",
    "no_data",
    "data_back",
    "superseded",
    "retired",
    "rule_changed",
    "diagnosed",
    "manual",
]
"""``superseded``: the subject is gone. ``retired``: a node that it is about is forgotten. ``rule_changed``: the
settings switch the rule off. ``diagnosed``: the state is the same and another cause of a notice is ranked first.
``manual`` is reserved."""
SubjectKind = Literal["link", "node", "slot", "subscription", "cluster", "table", "setting", "datacenter"]
Verdict = Literal[
    "idle",
    "healthy",
    "catching_up",
    "falling_behind",
    "replay_stalled",
    "replay_paused",
    "delayed_by_design",
    "cut_off",
    "upstream_unreachable",
    "downstream_unreachable",
    "broken",
    "unknown",
]


def severity_rank(severity: Severity) -> int:
    """A number for comparing severities; the most severe has the highest."""
    return SEVERITIES.index(severity)


class Subject(Value, frozen=True, kw_only=True):
    """The thing that an alert or a cause is about. ``id`` is its identity; the other fields are the parts of ``id``."""

    kind: SubjectKind
    id: str
    node: NodeName | None = None
    upstream: NodeName | None = None
    downstream: NodeName | None = None
    link_kind: LinkKind | None = None
    name: str | None = None


class Evidence(Value, frozen=True, kw_only=True):
    """One fact behind a claim: its name and value, the node it was read on, and its meaning."""

    name: str
    value: str
    node: str | None = None
    note: str | None = None


Risk = Literal["look", "safe", "careful", "destructive"]
"""The risk of a step. ``look`` changes nothing; ``safe`` can be undone and loses nothing; ``careful``
interrupts somebody's work or needs thought; ``destructive`` discards something that cannot be brought back."""


class Step(Value, frozen=True, kw_only=True):
    """One thing to do about a cause: a statement, or an instruction in words. Exactly one of the two is there."""

    risk: Risk
    node: NodeName | None = None
    """The server on which the statement is run, or which the instruction is about."""
    database: str | None = None
    """The database to run the statement in; None if any will do."""
    sql: str | None = None
    text: str | None = None


class Cause(Value, frozen=True, kw_only=True):
    """A ranked explanation, with the evidence for and against it and the fix."""

    code: str
    confidence: float
    subject: Subject
    summary: str
    fix: str
    """``steps`` in one line of text."""
    evidence_for: list[Evidence]
    evidence_against: list[Evidence]
    steps: list[Step] = []
    not_seen: list[Evidence] = []
    """Facts that were not visible, each with a note on what would show it."""


class Transition(Value, frozen=True, kw_only=True):
    """One change of an alert's state. ``(alert_id, seq)`` is unique; ``alert_id`` does not depend on any wording."""

    alert_id: AlertId
    seq: Int64
    cluster: ClusterName
    datacenter: str
    rule: str
    subject: Subject
    from_: State = field(name="from")
    to: State
    reason: Reason
    severity: Severity
    event_time: Time
    started_at: Time
    """Event time of the first breach of this period."""
    value: float | None
    threshold: float | None
    unit: str
    window_s: float
    verdict: Verdict | None
    summary: str
    evidence: list[Evidence]
    observers: list[NodeName]
    runbook: str
    labels: dict[str, str]
    causes: list[Cause] = []
    """The ranked explanations of a notice or an advice; the causes of a page are those of its incident."""
