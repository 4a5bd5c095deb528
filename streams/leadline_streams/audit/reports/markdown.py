"""A report in Markdown, for a ticket or a wiki."""

import re
from collections.abc import Iterator

from leadline_streams.audit.finding import AuditFinding, AuditReport
from leadline_streams.audit.reports.shared import (
    EFFECTS,
    WORST_FIRST,
    by_cluster,
    by_rule,
    evidence_text,
    moment,
    not_judged,
    score,
    step_blocks,
)
from leadline_streams.audit.reports.text import summary

_MARKS = re.compile(r"([\\`*_{}\[\]<>#|])")


def markdown(report: AuditReport) -> str:
    """Scores, findings by severity with their steps, and what was not judged."""
    return "\n".join(_lines(report)) + "\n"


def _lines(report: AuditReport) -> Iterator[str]:
    yield f"# Audit of {report.at:%Y-%m-%d %H:%M} UTC\n"
    yield f"{summary(report)}.\n"
    yield "| cluster | score | critical | warning | info |\n|---|---|---|---|---|"
    for name, findings in by_cluster(report):
        counts = [str(sum(1 for each in findings if each.severity == severity)) for severity in WORST_FIRST]
        yield f"| {_plain(name)} | {score(findings)} of 100 | {' | '.join(counts)} |"
    for severity in WORST_FIRST:
        found = [each for each in report.findings if each.severity == severity]
        if found:
            yield f"\n## {severity.capitalize()}"
            for group in by_rule(found):
                yield from _rule(group)
    if report.accepted:
        yield "\n## Accepted\n"
        for each in report.accepted:
            yield f"- {each.finding.rule}: {_plain(each.finding.summary)} ({_plain(each.owner)}, until {each.until}: "
            yield f"  {_plain(each.reason)})"
    if report.changes is not None:
        yield f"\n## Since {moment(report.changes.since) or 'the last audit'}\n"
        new = [each for each in report.findings if each.id in report.changes.new]
        yield from (f"- new: {each.rule}: {_plain(each.summary)}" for each in new)
        yield from (f"- repaired: {_plain(text)}" for text in report.changes.repaired)
        yield from (f"- not judged this time: {_plain(text)}" for text in report.changes.unjudged)
    if report.unseen:
        yield "\n## Not judged\n"
        yield from (f"- {_plain(line)}" for line in not_judged(report))


def _rule(group: list[AuditFinding]) -> Iterator[str]:
    first = group[0]
    yield f"\n### {first.rule}: {_plain(first.title)}\n"
    yield f"{_plain(first.why)} [Reference]({first.reference})\n"
    for finding in group:
        yield f"**{_plain(finding.summary)}**\n"
        for each in finding.evidence:
            yield f"- read: {_plain(evidence_text(each))}"
        if finding.evidence:
            yield ""
        if finding.steps and EFFECTS[finding.effect]:
            yield f"To do ({EFFECTS[finding.effect]}):\n"
        for heading, statements, lines in step_blocks(finding):
            if heading:
                yield f"{_plain(heading)}\n"
            if statements:
                fence = "`" * max(3, 1 + max(map(_ticks, lines), default=0))
                yield f"{fence}sql\n" + "\n".join(lines) + f"\n{fence}\n"
            else:
                yield "\n".join(f"- {_plain(line)}" for line in lines) + "\n"


def _ticks(line: str) -> int:
    return max(map(len, re.findall("`+", line)), default=0)


def _plain(text: str) -> str:
    """Foreign text without effect as Markdown."""
    return _MARKS.sub(r"\\\1", " ".join(text.split()))
