"""Audits: what the newest audit of each cluster found, worst first, with the steps that repair it."""

from collections.abc import Iterable
from datetime import datetime
from typing import Final

import msgspec

from leadline.model.alert import severity_rank
from leadline.model.audit_result import AuditCounts, AuditedFinding, AuditResult
from leadline.model.ids import setting_id
from leadline.model.incident import Incident
from leadline_console.page import Asked, NotFound, Page
from leadline_console.pages.causes import FixStep, fix_step
from leadline_console.read_model import ReadModel

A_PAGE: Final = 50
MOST_FINDINGS_SHOWN: Final = 300
MOST_NOT_JUDGED: Final = 200


class AuditRow(msgspec.Struct, frozen=True, kw_only=True):
    """The newest audit of one cluster."""

    cluster: str
    score: int
    counts: AuditCounts
    audited_at: datetime
    facts_as_of: str
    worst: str
    """The gravest finding that nobody answers for; empty without one."""


class ShownFinding(msgspec.Struct, frozen=True, kw_only=True):
    """One finding, with its fix."""

    rule: str
    title: str
    severity: str
    summary: str
    value: str
    subject: str
    nodes: list[str]
    since: datetime
    judged: bool
    accepted: str
    """The person who answers for it, the last day and the reason; empty where nobody does."""
    acceptance_ended: str
    steps: list[FixStep]
    """Empty where people are not notified of it; `leadline audit` has the steps of every finding."""


class UnjudgedRule(msgspec.Struct, frozen=True, kw_only=True):
    """A rule that could not be judged about a subject."""

    rule: str
    subject: str
    reason: str


class AuditsPage(msgspec.Struct, frozen=True, kw_only=True):
    """Audits of all clusters, or of the one that is asked for."""

    first_line: str
    cluster: str
    """The cluster that is asked for; empty for all."""
    rows: list[AuditRow]
    """Those of this page of the list, worst first."""
    page: int
    pages: int
    findings: list[ShownFinding]
    """Of the cluster that is asked for: not accepted ones first, worst first."""
    not_judged: list[UnjudgedRule]
    left_out: int
    """Findings, and rules that were not judged, for which the page or the record has no room."""


def view(model: ReadModel, asked: Asked) -> AuditsPage:
    """``cluster`` shows one cluster with its findings, ``page`` a part of the list. Raises NotFound."""
    cluster = asked.text("cluster")
    results = sorted(model.audits.values(), key=_worst)
    pages = max(1, -(-len(results) // A_PAGE))
    page = asked.number("page", 1, least=1, most=pages)
    if not cluster:
        return AuditsPage(
            first_line=_overview(results),
            cluster="",
            rows=[_row(each) for each in results[(page - 1) * A_PAGE : page * A_PAGE]],
            page=page,
            pages=pages,
            findings=[],
            not_judged=[],
            left_out=0,
        )
    result = model.audits.get(cluster)
    if result is None:
        raise NotFound(f"no audit of cluster {cluster!r} is on record; `stream.audit` in the settings of the worker")
    steps = _steps_by_rule(model.open_incidents.values(), cluster)
    findings = sorted(result.findings, key=_gravest)
    beyond = max(0, len(findings) - MOST_FINDINGS_SHOWN) + max(0, len(result.not_judged) - MOST_NOT_JUDGED)
    return AuditsPage(
        first_line=f"{cluster}: {_found(result)}",
        cluster=cluster,
        rows=[_row(result)],
        page=1,
        pages=1,
        findings=[_shown(each, steps.get(each.rule, [])) for each in findings[:MOST_FINDINGS_SHOWN]],
        not_judged=[
            UnjudgedRule(rule=each.rule, subject=each.subject, reason=each.reason)
            for each in result.not_judged[:MOST_NOT_JUDGED]
        ],
        left_out=beyond + sum(result.left_out.values()),
    )


def _steps_by_rule(incidents: Iterable[Incident], cluster: str) -> dict[str, list[FixStep]]:
    """The steps of the notices of a cluster, by the audit rule that each is about."""
    found = {}
    for each in incidents:
        if each.class_ == "notice" and each.cluster == cluster and each.causes:
            about = each.causes[0].subject
            if about.name and about.id == setting_id(cluster, about.name):
                found[about.name] = [fix_step(step) for step in each.causes[0].steps]
    return found


def _shown(each: AuditedFinding, steps: list[FixStep]) -> ShownFinding:
    by = each.accepted
    return ShownFinding(
        rule=each.rule,
        title=each.title,
        severity=each.severity,
        summary=each.summary,
        value=each.value,
        subject=each.subject.id,
        nodes=list(each.nodes),
        since=each.since,
        judged=each.judged,
        accepted=f"{by.owner} until {by.until}: {by.reason}" if by is not None else "",
        acceptance_ended=each.acceptance_ended or "",
        steps=steps if by is None else [],
    )


def _row(result: AuditResult) -> AuditRow:
    open_ = sorted((each for each in result.findings if each.accepted is None), key=_gravest)
    return AuditRow(
        cluster=result.cluster,
        score=result.score,
        counts=result.counts,
        audited_at=result.audited_at,
        facts_as_of=result.facts_as_of,
        worst=f"{open_[0].rule} {open_[0].summary}" if open_ else "",
    )


def _overview(results: list[AuditResult]) -> str:
    if not results:
        return "No audit is on record: the stream worker makes one of each cluster a day, unless that is switched off."
    bad = [each for each in results if each.counts.critical]
    count = f"{len(results)} clusters were audited" if len(results) != 1 else "1 cluster was audited"
    if not bad:
        return f"{count}; no finding is critical."
    worst = results[0]
    return (
        f"{count}; {len(bad)} {'has' if len(bad) == 1 else 'have'} critical findings. "
        f"Begin with {worst.cluster}: {_found(worst)}"
    )


def _found(result: AuditResult) -> str:
    counts = result.counts
    numbers = ((counts.critical, "critical finding"), (counts.warning, "warning"))
    parts = [f"{number} {name}{'' if number == 1 else 's'}" for number, name in numbers if number]
    worst = _row(result).worst if counts.critical or counts.warning else ""
    more = f". Worst: {worst}" if worst else "."
    return f"{', '.join(parts) or 'nothing above a note'}; score {result.score} of 100{more}"


def _worst(result: AuditResult) -> tuple[int, int, int, str]:
    return -result.counts.critical, result.score, -result.counts.warning, result.cluster


def _gravest(each: AuditedFinding) -> tuple[bool, int, str, str]:
    return each.accepted is not None, -severity_rank(each.severity), each.rule, each.subject.id


PAGE: Final = Page("/audits", "Audits", "audits.html", view, menu="Audits")
