"""The results of an audit: findings, and what could not be judged."""

import hashlib
from typing import Literal

from leadline.model import Time, Value
from leadline.model.alert import SEVERITIES, Evidence, Severity, Step, Subject, severity_rank

Effect = Literal["reload", "restart", "none"]
"""The way in which the fix of a finding takes effect: ``none`` if the statement itself does."""


class AuditFinding(Value, frozen=True, kw_only=True):
    """One thing that is set up wrong, with what was read and what to do."""

    id: str
    """The same at every audit: a hash of the rule and of what it is about, never of a value."""
    rule: str
    title: str
    severity: Severity
    subject: Subject
    summary: str
    why: str
    evidence: list[Evidence]
    steps: list[Step]
    effect: Effect
    reference: str


class Unjudged(Value, frozen=True, kw_only=True):
    """A rule that could not be judged about a subject, and the reason, with what would show it."""

    rule: str
    """Empty where none could be."""
    subject: Subject
    reason: str


class AcceptedFinding(Value, frozen=True, kw_only=True):
    """A finding that somebody answers for."""

    finding: AuditFinding
    owner: str
    reason: str
    until: str
    """The last day."""


class Changes(Value, frozen=True, kw_only=True):
    """The difference to an earlier audit."""

    since: str
    """The time of that audit."""
    new: list[str]
    """Identities of findings that it did not have."""
    repaired: list[str]
    """Its findings that are gone, as text."""
    unjudged: list[str]
    """Its findings that were not judged this time, as text."""


class AuditReport(Value, frozen=True, kw_only=True):
    """One audit. Findings are in the order of their severity, then of their rules and subjects."""

    at: Time
    nodes: list[str]
    """The servers that were read."""
    findings: list[AuditFinding]
    unseen: list[Unjudged]
    held: list[tuple[str, str]]
    """The rules that held, each with the identity of the subject."""
    clusters: list[str]
    """The clusters of the servers that were read."""
    accepted: tuple[AcceptedFinding, ...] = ()
    changes: Changes | None = None
    """None where no earlier audit was given."""

    @property
    def satisfied(self) -> int:
        """The number of rules that held, each counted once for every subject."""
        return len(self.held)

    def count(self, severity: Severity) -> int:
        """The number of findings of this severity."""
        return sum(1 for finding in self.findings if finding.severity == severity)

    def at_least(self, severity: Severity) -> list[AuditFinding]:
        """The findings of this severity or a higher one."""
        least = severity_rank(severity)
        return [finding for finding in self.findings if severity_rank(finding.severity) >= least]


def identity(rule: str, subject: Subject) -> str:
    """The identity of a finding."""
    return "f_" + hashlib.sha256(f"{rule}\0{subject.id}\0{subject.name or ''}".encode()).hexdigest()[:12]


def by_weight(finding: AuditFinding) -> tuple[int, str, str, str]:
    """The order of a report."""
    subject = finding.subject
    return -SEVERITIES.index(finding.severity), finding.rule, subject.id, subject.name or ""
