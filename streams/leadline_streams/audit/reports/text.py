"""A report as lines for a terminal."""

import textwrap
from collections.abc import Iterator
from itertools import groupby

from leadline.model.alert import SEVERITIES, Evidence
from leadline.steps import grouped
from leadline_streams.audit.finding import AuditFinding, AuditReport
from leadline_streams.audit.reports.shared import moment, not_judged

WIDTH = 80
HEADINGS = {"critical": "CRITICAL", "warning": "WARNING", "info": "INFO"}
EFFECTS = {"reload": "takes effect by a reload", "restart": "takes effect by a restart", "none": ""}
MOST_UNSEEN = 12


def text_lines(report: AuditReport, *, brief: bool = False) -> Iterator[str]:
    """Findings below the heading of their severity, then what was not judged, then one line with all numbers.

    Statements are never broken, so that they can be copied. ``brief``: without reasons, evidence and steps of what is
    only mentioned. Foreign text in the lines is not escaped.
    """
    for severity in reversed(SEVERITIES):
        found = [finding for finding in report.findings if finding.severity == severity]
        if found:
            yield f"{HEADINGS[severity]} ({len(found)})"
            short = brief and severity == "info"
            for number, (_, group) in enumerate(groupby(found, key=lambda finding: finding.rule)):
                if number and not short:
                    yield ""
                yield from _rule(list(group), brief=short)
            yield ""
    yield from _accepted(report)
    yield from _unseen(report)
    yield from _changes(report)
    yield from _wrapped(summary(report), 0)


def summary(report: AuditReport) -> str:
    """The numbers of a report in one sentence."""
    counts = ", ".join(f"{report.count(severity)} {severity}" for severity in reversed(SEVERITIES))
    servers = f"{len(report.nodes)} server{'s' if len(report.nodes) != 1 else ''}"
    accepted = f", {len(report.accepted)} accepted" if report.accepted else ""
    rules = {rule for rule, _ in report.held} | {each.rule for each in report.findings}
    rules |= {each.rule for each in report.unseen if each.rule}
    return (
        f"{servers}: {counts}{accepted}; {len(rules)} rules, each judged for every server, link or cluster that it is "
        f"about: {report.satisfied} times it held, {len(report.unseen)} times it could not be judged"
    )


def _rule(findings: list[AuditFinding], *, brief: bool) -> Iterator[str]:
    """The findings of one rule, its reason and its reference once."""
    if brief:
        for finding in findings:
            yield from _wrapped(f"{finding.rule}  {finding.summary}", 0, hanging=4)
        return
    first = findings[0]
    yield from _wrapped(f"{first.rule}  {first.title}", 0, hanging=4)
    yield from _wrapped(first.why, 4)
    yield f"    {first.reference}"
    for finding in findings:
        yield from _finding(finding)


def _finding(finding: AuditFinding) -> Iterator[str]:
    yield from _wrapped(f"- {finding.summary}", 2, hanging=2)
    for each in finding.evidence:
        yield from _wrapped(evidence_line(each), 4, hanging=4)
    if finding.steps and EFFECTS[finding.effect]:
        yield f"    to do ({EFFECTS[finding.effect]}):"
    elif finding.steps:
        yield "    to do:"
    place = ""
    for group in grouped(finding.steps):
        if group.place and group.place != place:
            yield f"      on {group.place}:"
        place = group.place
        indent = 8 if place else 6
        if group.warning:
            yield from _wrapped(group.warning, indent)
        for line in group.lines:
            if group.statements:
                yield " " * indent + line
            else:
                yield from _wrapped(line, indent, hanging=2)


def evidence_line(each: Evidence) -> str:
    """One value, the server it is of, and where it comes from."""
    place = f" ({each.note})" if each.note else ""
    node = f" on {each.node}" if each.node else ""
    return f"read: {each.name} = {each.value}{node}{place}"


def _accepted(report: AuditReport) -> Iterator[str]:
    if report.accepted:
        yield f"ACCEPTED ({len(report.accepted)})"
        for each in report.accepted:
            yield from _wrapped(f"{each.finding.rule}  {each.finding.summary}", 0, hanging=4)
            yield from _wrapped(f"by {each.owner} until {each.until}: {each.reason}", 4)
        yield ""


def _changes(report: AuditReport) -> Iterator[str]:
    found = report.changes
    if found is None:
        return
    yield f"SINCE {moment(found.since) or 'THE LAST AUDIT'}"
    if not (found.new or found.repaired or found.unjudged):
        yield "  unchanged"
    new = [each for each in report.findings if each.id in found.new]
    yield from (line for each in new for line in _wrapped(f"new       {each.rule}: {each.summary}", 2, hanging=10))
    yield from (line for text in found.repaired for line in _wrapped(f"repaired  {text}", 2, hanging=10))
    yield from (line for text in found.unjudged for line in _wrapped(f"not seen  {text}", 2, hanging=10))
    yield ""


def _unseen(report: AuditReport) -> Iterator[str]:
    lines = not_judged(report)
    if not lines:
        return
    yield f"NOT JUDGED ({len(report.unseen)})"
    for line in lines[:MOST_UNSEEN]:
        yield from _wrapped(line, 0, hanging=4)
    if len(lines) > MOST_UNSEEN:
        yield f"    and {len(lines) - MOST_UNSEEN} more reasons; --format json has all"
    yield ""


def _wrapped(text: str, indent: int, *, hanging: int = 0) -> Iterator[str]:
    first, rest = " " * indent, " " * (indent + hanging)
    yield from textwrap.wrap(
        text,
        WIDTH,
        initial_indent=first,
        subsequent_indent=rest,
        break_long_words=False,
        break_on_hyphens=False,
    )
