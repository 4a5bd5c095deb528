"""Findings that somebody answers for until a day. After it they are findings again, and say that they were accepted."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from fnmatch import fnmatchcase

from msgspec.structs import replace

from leadline.errors import UsageError
from leadline.model.alert import Evidence
from leadline_streams.audit.finding import AcceptedFinding, AuditFinding, AuditReport


@dataclass(frozen=True, slots=True)
class Acceptance:
    """Findings of a rule about a subject that somebody accepts, with the reason, until a day."""

    rule: str
    subject: str
    """An identity, which may contain ``*`` and ``?``."""
    owner: str
    reason: str
    until: date

    def covers(self, finding: AuditFinding) -> bool:
        """Whether it is about a finding."""
        about = finding.subject
        names = (about.id, f"{about.id}/{about.name}" if about.name else "", str(about.node or ""))
        return finding.rule == self.rule and any(name and fnmatchcase(name, self.subject) for name in names)


def checked(acceptances: Sequence[Acceptance], rules: Iterable[str]) -> Sequence[Acceptance]:
    """The acceptances. Raises UsageError for a rule that does not exist."""
    known = set(rules)
    for each in acceptances:
        if each.rule not in known:
            raise UsageError(f"audit.accepted: there is no rule {each.rule}")
    return acceptances


def with_acceptances(
    report: AuditReport, acceptances: Sequence[Acceptance], rules: Iterable[str], today: date
) -> AuditReport:
    """The report with accepted findings apart. Raises UsageError for a rule that does not exist."""
    checked(acceptances, rules)
    findings: list[AuditFinding] = []
    accepted: list[AcceptedFinding] = []
    for finding in report.findings:
        covering = [each for each in acceptances if each.covers(finding)]
        valid = next((each for each in covering if each.until >= today), None)
        if valid is not None:
            accepted.append(
                AcceptedFinding(finding=finding, owner=valid.owner, reason=valid.reason, until=valid.until.isoformat())
            )
        elif covering:
            last = max(covering, key=lambda each: each.until)
            note = Evidence(name="accepted until", value=str(last.until), note=f"{last.owner}: {last.reason}")
            findings.append(replace(finding, evidence=[*finding.evidence, note]))
        else:
            findings.append(finding)
    return replace(report, findings=findings, accepted=tuple(accepted))
