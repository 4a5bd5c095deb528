"""The difference of two audits, by the identities of the findings."""

from collections.abc import Iterable, Mapping
from typing import Any

from leadline_streams.audit.finding import AuditReport, Changes


def changes(before: Iterable[Mapping[str, Any]], report: AuditReport) -> Changes:
    """Findings that are new, those that are repaired, and those of before whose rule was not judged this time.

    ``before``: the lines of an earlier report in JSON, decoded. Of a server that was not read nothing is
    repaired.
    """
    lines = list(before)
    then = {line["id"]: line for line in lines if line.get("kind") == "finding"}
    now = {each.id for each in report.findings} | {each.finding.id for each in report.accepted}
    held = set(report.held)
    gone = [line for identity, line in then.items() if identity not in now]
    repaired = [line for line in gone if _judged(line, report, held)]
    return Changes(
        since=next((str(line["at"]) for line in lines if line.get("kind") == "summary"), ""),
        new=[each.id for each in report.findings if each.id not in then],
        repaired=[_text(line) for line in repaired],
        unjudged=[_text(line) for line in gone if line not in repaired],
    )


def _judged(line: Mapping[str, Any], report: AuditReport, held: set[tuple[str, str]]) -> bool:
    """Whether its rule held this time, or found something else about the same subject and was judged to the end."""
    rule, subject = str(line["rule"]), str(line["subject"]["id"])
    if (rule, subject) in held:
        return True
    unjudged = any(each.rule == rule and each.subject.id == subject for each in report.unseen)
    found = any(each.rule == rule and each.subject.id == subject for each in report.findings)
    return found and not unjudged


def _text(line: Mapping[str, Any]) -> str:
    return f"{line['rule']}: {line['summary']}"
