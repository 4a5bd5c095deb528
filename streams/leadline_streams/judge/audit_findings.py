"""The dated result of an audit, and the alerts and notices of its findings, those of one rule as one. Pure."""

from collections.abc import Iterable, Sequence
from datetime import datetime
from itertools import groupby

from msgspec.structs import replace

from leadline.clock import moment
from leadline.model.alert import Evidence, Severity, severity_rank
from leadline.model.audit_result import AuditCounts, AuditedFinding, AuditResult, score
from leadline.model.finding import Finding
from leadline.model.ids import ClusterName, NodeName
from leadline.wire import timestamp
from leadline_streams.judge import audit_notices
from leadline_streams.judge.alerting import Alerting, Output, key
from leadline_streams.judge.audit_notices import DIGEST as ADVICE
from leadline_streams.judge.audit_notices import NOTICE, FindingGroup
from leadline_streams.judge.audit_state import AuditRound, AuditState
from leadline_streams.judge.judgement import Judgement
from leadline_streams.judge.state import Memory
from leadline_streams.judge.subject import of_setting


def since(finding: AuditedFinding, at: datetime) -> AuditedFinding:
    """A finding that an audit first had at this time."""
    return replace(finding, since=at)


def unjudged(finding: AuditedFinding) -> AuditedFinding:
    """A finding of an earlier audit that the last one could not judge."""
    return replace(finding, judged=False) if finding.judged else finding


def result(cluster: ClusterName, state: AuditState, doing: AuditRound, facts_as_of: str) -> AuditResult:
    """The record of an audit that has ended."""
    found = sorted(state.findings.values(), key=_weight)
    own = [each for each in found if each.accepted is None]
    count = {severity: sum(each.severity == severity for each in own) for severity in ("critical", "warning", "info")}
    left_out = {"findings": doing.dropped, "not_judged": doing.dropped_not_judged}
    return AuditResult(
        audit_id=f"{cluster}/{timestamp(moment(doing.at))}",
        cluster=cluster,
        audited_at=moment(doing.at),
        origin="scheduled" if doing.scheduled else "changed",
        facts_as_of=facts_as_of,
        nodes=tuple(sorted(NodeName(name) for name in doing.nodes)),
        score=score((each.rule, each.severity) for each in own),
        counts=AuditCounts(
            critical=count["critical"],
            warning=count["warning"],
            info=count["info"],
            accepted=len(found) - len(own),
            held=doing.held,
            not_judged=len(doing.not_judged) + doing.dropped_not_judged,
        ),
        findings=tuple(found),
        not_judged=tuple(sorted(doing.not_judged, key=lambda each: (each.rule, each.subject, each.reason))),
        left_out={name: number for name, number in left_out.items() if number},
    )


def report(memory: Memory, judgement: Judgement, alerting: Alerting, doing: AuditRound, out: list[Output]) -> None:
    """Let the findings act on their alerts, and publish the notices that are new, other or over."""
    now, state = memory.arrivals.horizon, memory.audit
    groups = grouped(state.findings.values(), judgement, doing)
    decided: list[str] = []
    for group in groups:
        code = NOTICE if group.notice else ADVICE
        rule, about = judgement.reported.get(code), of_setting(memory.cluster, group.rule)
        if rule is None:
            continue
        place = key(code, about.id)
        if any(each.judged for each in group.findings):
            finding = Finding(
                rule=code,
                subject=about,
                value=float(len(group.findings)),
                summary=audit_notices.summary(group),
                evidence=evidence(group.findings),
            )
            alerting.report(rule, finding, None, now, out)
        elif place in memory.alerts:
            alerting.clear(memory.alerts[place], False, now, out)
        if place in memory.alerts:
            decided.append(place)
    for place in state.alerts:
        alert = memory.alerts.get(place)
        if alert is not None and place not in decided:
            alerting.clear(alert, True, now, out)
    state.alerts = decided
    enabled = {code for code, rule in judgement.reported.items() if judgement.is_enabled(rule)}
    out += audit_notices.due(memory, groups if NOTICE in enabled else [], now)
    out += audit_notices.digest(memory, groups if ADVICE in enabled else [], judgement.policy.audit.digest_s, now)


def grouped(findings: Iterable[AuditedFinding], judgement: Judgement, doing: AuditRound) -> list[FindingGroup]:
    """The findings of each rule that nobody answers for, and that no rule of the judgement measures."""
    least, auditor = judgement.policy.audit.notify, judgement.auditor
    assert auditor is not None
    own = [each for each in findings if each.accepted is None and not auditor.measured_by(each.rule)]
    groups = []
    for rule, found in groupby(sorted(own, key=lambda each: (each.rule, *_weight(each))), key=lambda each: each.rule):
        listed = tuple(found)
        severity: Severity = max((each.severity for each in listed), key=severity_rank)
        notice = least is not None and severity_rank(severity) >= severity_rank(least)
        groups.append(FindingGroup(rule, severity, notice, listed, tuple(doing.details.get(rule, ()))))
    return groups


def evidence(findings: Sequence[AuditedFinding]) -> list[Evidence]:
    """The first findings of one rule as facts."""
    return [
        Evidence(name=each.rule, value=each.summary, node=each.nodes[0] if len(each.nodes) == 1 else None)
        for each in findings[:8]
    ]


def _weight(finding: AuditedFinding) -> tuple[int, str, str, str]:
    subject = finding.subject
    return -severity_rank(finding.severity), finding.rule, subject.id, subject.name or ""
