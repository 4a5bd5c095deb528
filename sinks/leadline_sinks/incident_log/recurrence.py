"""Incidents that can return: an audit finds again what a measure of their post-mortem was to prevent. Pure."""

from collections.abc import Iterable, Iterator, Sequence
from typing import Final

from msgspec.structs import replace

from leadline.catalogue import CAUSES
from leadline.catalogue.measure import rules_of
from leadline.model.audit_result import AuditedFinding, AuditResult
from leadline.model.incident import Incident, Recurrence
from leadline_sinks.incident_log.incident_history import IncidentHistory
from leadline_sinks.incident_log.postmortem.roots import roots

SETTLED_S: Final = 86400.0
"""The longest time after its end for which an incident may be reopened, by the settings. Until then the judgement may
write a record of it."""
MOST: Final = 20
"""Recurrences on one incident, at most; the newest ones are kept."""


def watched(codes: Iterable[str]) -> dict[str, str]:
    """The audit rules that watch measures against causes, each with the first measure that it watches."""
    found: dict[str, str] = {}
    for code in codes:
        entry = CAUSES.get(code)
        for measure in (*entry.improvements, *entry.tasks) if entry is not None else ():
            for rule in rules_of(measure):
                found.setdefault(rule, str(measure))
    return found


EVERY_WATCHED: Final = frozenset(watched(CAUSES))
"""Audit rules that watch any measure."""


def root_codes(incident: Incident) -> list[str]:
    """The codes of the root causes of an incident."""
    return [cause.code for cause in roots(IncidentHistory(incident=incident))]


def candidates(result: AuditResult) -> list[AuditedFinding]:
    """The findings of an audit that can be what a measure was to prevent. Accepted ones are none."""
    return [each for each in result.findings if each.accepted is None and each.judged and each.rule in EVERY_WATCHED]


def held_at(before: AuditResult | None, found: AuditedFinding) -> bool:
    """Whether the rule of a finding held for its subject at the last audit before it was found first.

    Not where there was none, or where it did not judge the rule or read the servers: it may have been violated.
    """
    if before is None or before.left_out or not set(found.nodes) <= set(before.nodes):
        return False
    unjudged = {(each.rule, each.subject) for each in before.not_judged}
    if (found.rule, found.subject.id) in unjudged or ("", found.subject.id) in unjudged:
        return False
    return all(each.finding_id != found.finding_id for each in before.findings)


def at_risk(
    found: Sequence[tuple[AuditedFinding, AuditResult | None]], ended: Iterable[Incident], result: AuditResult
) -> Iterator[Incident]:
    """The next records of ended incidents that can return by what an audit found.

    ``found``: findings, each with the last audit before the one that found it first. ``ended``: incidents of the
    cluster, as of their last records. For each rule it is the one that ended last of those against which the rule
    watches a measure, so that one finding is one notice. The same arguments give the same records.
    """
    settled = [each for each in ended if _is_over(each, result)]
    settled.sort(key=lambda each: (each.resolved_at or each.opened_at, each.incident_id), reverse=True)
    rules = {each.incident_id: watched(root_codes(each)) for each in settled}
    new: dict[str, list[Recurrence]] = {}
    for finding, before in found:
        incident = next((each for each in settled if finding.rule in rules[each.incident_id]), None)
        if incident is None or incident.resolved_at is None or finding.since <= incident.resolved_at:
            continue
        if not held_at(before, finding) or _has(incident, finding):
            continue
        mine = new.setdefault(incident.incident_id, [])
        if all((each.rule, each.at) != (finding.rule, finding.since) for each in mine):
            mine.append(_recurrence(finding, rules[incident.incident_id][finding.rule]))
    for incident in settled:
        if fresh := new.get(incident.incident_id):
            marks = sorted([*incident.recurrences, *fresh], key=lambda each: (each.at, each.rule))
            yield replace(incident, seq=incident.seq + 1, recurrences=marks[-MOST:])


def _has(incident: Incident, finding: AuditedFinding) -> bool:
    return any((each.rule, each.at) == (finding.rule, finding.since) for each in incident.recurrences)


def _is_over(incident: Incident, result: AuditResult) -> bool:
    """Whether an incident had ended for good when an audit was made."""
    if (
        incident.class_ != "page"
        or incident.state != "resolved"
        or incident.resolved_at is None
        or incident.merged_into is not None
    ):
        return False
    return (result.audited_at - incident.resolved_at).total_seconds() > SETTLED_S


def _recurrence(found: AuditedFinding, measure: str) -> Recurrence:
    return Recurrence(
        rule=found.rule,
        title=found.title,
        subject=found.subject.id,
        summary=found.summary,
        measure=measure,
        at=found.since,
    )
