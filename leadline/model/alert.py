"""Alerts: a finding's life, one record per transition."""

from typing import Final, Literal, get_args

from msgspec import field

from leadline.model import Int64, Time, Value
from leadline.model.ids import AlertId, ClusterName, NodeName
from leadline.model.observation import LinkKind

Severity = Literal["info", "warning", "critical"]
SEVERITIES: Final[tuple[Severity, ...]] = get_args(Severity)
"""From the least to the most severe."""
State = Literal["ok", "pending", "firing", "unknown", "resolved"]
Reason = Literal[
    "breach", "clear", "escalate", "deescalate", "no_data", "data_back", "superseded", "rule_changed", "manual"
]
"""``superseded``: the subject is gone. ``rule_changed``: the settings switch the rule off. ``manual`` is reserved."""
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
