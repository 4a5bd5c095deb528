"""The state of the audit of one cluster between observations: plain data, as all of the state."""

from math import inf

from msgspec import Struct, field

from leadline.model.alert import Evidence, Severity, Step
from leadline.model.audit_look import AuditLook
from leadline.model.audit_result import AuditedFinding, NotJudged
from leadline.model.ids import IncidentId


class FoundDetails(Struct, omit_defaults=True):
    """The facts and the steps of one finding, for whoever is notified of it."""

    why: str
    evidence: list[Evidence] = []
    steps: list[Step] = []


class AuditRound(Struct, omit_defaults=True):
    """An audit that has begun: some of its rules are judged."""

    at: float
    scheduled: bool = False
    """Whether its time had come."""
    judged: int = 0
    """The number of rules so far."""
    findings: dict[str, AuditedFinding] = field(default_factory=dict)
    """By identity."""
    details: dict[str, list[FoundDetails]] = field(default_factory=dict)
    """Of the first findings of each rule."""
    not_judged: list[NotJudged] = field(default_factory=list)
    held: int = 0
    nodes: set[str] = field(default_factory=set)
    kept: set[str] = field(default_factory=set)
    """Findings of an earlier audit that this one could not judge, or found and has no room for."""
    dropped: int = 0
    """Findings for which there was no room."""
    dropped_not_judged: int = 0


class NoticeState(Struct, omit_defaults=True):
    """A notice about the findings of one rule, as it was last published."""

    incident: IncidentId
    seq: int
    opened_at: float
    severity: Severity
    findings: list[str] = field(default_factory=list)
    """Their identities."""
    title: str = ""


class AuditState(Struct, omit_defaults=True):
    """The looks at the servers of a cluster, and the findings of the last audit."""

    looks: dict[str, AuditLook] = field(default_factory=dict)
    """The newest of each node."""
    shape: int = 0
    """Stands for the roles and links of the cluster."""
    due_at: float = inf
    """When the next audit begins."""
    scheduled_at: float = 0.0
    """When the last scheduled one began; 0 before the first."""
    ended_at: float = 0.0
    round: AuditRound | None = None
    findings: dict[str, AuditedFinding] = field(default_factory=dict)
    """Of the last audit, by identity; those that it could not judge are kept."""
    alerts: list[str] = field(default_factory=list)
    """Places of the alerts that it decides."""
    notices: dict[str, NoticeState] = field(default_factory=dict)
    """Open notices, by rule."""
    digest: NoticeState | None = None
    """The last digest."""
    digest_at: float = 0.0
