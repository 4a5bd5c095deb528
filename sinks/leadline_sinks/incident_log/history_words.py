"""Results of audits in words: one line, and a page on a terminal. Pure."""

from collections.abc import Iterator, Sequence
from datetime import datetime

from leadline.model.audit_result import AuditCounts, AuditedFinding, AuditResult
from leadline.model.change_record import ChangeRecord
from leadline.model.incident import Change
from leadline.setting_words import in_words
from leadline_sinks.incident_log.phrases import second

NAMED = 3
"""Findings that are named in one line; more are counted."""


def outcome(result: AuditResult) -> str:
    """``score 70: 1 critical; PG-WAL-002 slots on pg-1 may keep …``, the gravest findings first."""
    found = unaccepted(result)
    text = f"score {result.score}: {counted(result.counts)}"
    named = [finding(each) for each in found[:NAMED]]
    counts = result.counts
    more = counts.critical + counts.warning + counts.info - len(named)
    return "; ".join([text, *named, *([f"{more} more"] if named and more > 0 else [])])


def counted(counts: AuditCounts) -> str:
    """The numbers that are not 0: ``1 critical, 2 warning, 3 not judged``."""
    numbers = (
        (counts.critical, "critical"),
        (counts.warning, "warning"),
        (counts.info, "info"),
        (counts.accepted, "accepted"),
        (counts.not_judged, "not judged"),
    )
    return ", ".join(f"{number} {name}" for number, name in numbers if number) or "no findings"


def finding(each: AuditedFinding) -> str:
    """A finding in one line."""
    return f"{each.rule} {each.summary}" + ("" if each.judged else " (not judged this time)")


def unaccepted(result: AuditResult) -> list[AuditedFinding]:
    """The findings for which nobody answers."""
    return [each for each in result.findings if each.accepted is None]


def made_by(each: AuditedFinding, changes: Sequence[ChangeRecord], until: datetime) -> Change | None:
    """The last change of the setting that a finding is about, on one of its servers; None where none is on record.

    Of two servers that should agree, it is the one that made them differ, or the last one that did not make them agree.
    """
    setting = each.value.partition(" = ")[0]
    mine = [one.change for one in changes if one.change.setting == setting and one.change.node in each.nodes]
    return max((one for one in mine if one.at <= until), key=lambda one: one.at, default=None)


def page(result: AuditResult, changes: Sequence[ChangeRecord] = ()) -> Iterator[str]:
    """The whole result as lines: findings with their beginning, accepted ones, and those that were not judged.

    ``changes``: of the servers of the cluster, for what made each finding.
    """
    yield f"{result.audit_id}"
    yield f"  audited {second(result.audited_at)} UTC ({result.origin}): {', '.join(result.nodes) or 'no server'}"
    yield f"  score {result.score}: {counted(result.counts)}; {result.counts.held} times a rule held"
    yield f"  facts about versions of {result.facts_as_of}"
    for each in unaccepted(result):
        yield ""
        yield f"{each.severity.upper()}  {finding(each)}"
        yield f"  {each.title}" + (f": {each.value}" if each.value else "")
        yield f"  found first {second(each.since)} UTC"
        if change := made_by(each, changes, result.audited_at):
            after = f"between {second(change.after)} and " if change.after is not None else "up to "
            yield f"  {in_words(change)}, {after}{second(change.at)} UTC"
        if each.acceptance_ended:
            yield f"  accepted until {each.acceptance_ended}"
    accepted = [each for each in result.findings if each.accepted is not None]
    if accepted:
        yield ""
        yield "ACCEPTED"
    for each in accepted:
        by = each.accepted
        if by is not None:
            yield f"  {finding(each)}: {by.owner} until {by.until}, {by.reason}"
    if result.not_judged:
        yield ""
        yield "NOT JUDGED"
    for unseen in result.not_judged:
        yield f"  {unseen.rule or 'no rule'} {unseen.subject}: {unseen.reason}"
    for what, count in result.left_out.items():
        yield ""
        yield f"{count} more {what.replace('_', ' ')} than a record has room for"
