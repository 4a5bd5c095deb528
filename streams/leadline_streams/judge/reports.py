"""Findings that no sample shows, brought into the lifecycle of alerts."""

from math import inf
from typing import Final

from msgspec.structs import replace

from leadline.errors import BadRecord
from leadline.model.finding import Finding, FindingReport
from leadline.wire import INVALID
from leadline_streams.judge import limits
from leadline_streams.judge.alerting import Alerting, Output, key
from leadline_streams.judge.judgement import Judgement
from leadline_streams.judge.problem_state import ReportState
from leadline_streams.judge.state import Memory

AGES_EVERY_S: Final = 10.0
"""Values that grow are compared with their limits this often."""


def validate(report: FindingReport, judgement: Judgement) -> None:
    """Refuse a report that names a rule nobody can report. Raises BadRecord with its path."""
    for place, finding in enumerate(report.findings):
        if finding.rule not in judgement.reported:
            raise BadRecord(INVALID, f"no rule {finding.rule!r:.100} can be reported - at `$.findings[{place}].rule`")


def take(
    report: FindingReport,
    now: float,
    memory: Memory,
    alerting: Alerting,
    judgement: Judgement,
    out: list[Output],
) -> None:
    """Let a report act on its source's alerts: those that it finds, and those that it no longer finds."""
    state = memory.reports.get(report.source)
    if state is not None and state.boot == report.boot and report.seq <= state.seq:
        return
    if state is None and len(memory.reports) >= limits.MOST_SOURCES:
        limits.note(memory, "sources", report.source)
        return
    before = state.alerts if state is not None else []
    findings = [each for each in report.findings if each.rule in judgement.reported]
    ages_at = now + AGES_EVERY_S if any(each.grows for each in findings) else inf
    kept = ReportState(report.boot, report.seq, now + report.valid_s, [], False, findings, now, ages_at)
    memory.reports[report.source] = kept
    found: dict[str, None] = {}
    for finding in findings:
        alerting.report(judgement.reported[finding.rule], finding, finding.node, now, out)
        place = key(finding.rule, finding.subject.id)
        if place in memory.alerts:
            found[place] = None
    for place in before:
        alert = memory.alerts.get(place)
        if alert is not None and place not in found:
            alerting.clear(alert, True, now, out)
            if place in memory.alerts:
                found[place] = None
    kept.alerts = list(found)
    memory.next_due = min(memory.next_due, kept.until, ages_at)


def grow(source: str, memory: Memory, alerting: Alerting, judgement: Judgement, now: float, out: list[Output]) -> None:
    """Compare the values that grow with their limits; those of a silent source end with the link that they are about.

    Such a value needs nobody to report it: time passes whether its source works or not.
    """
    state = memory.reports[source]
    growing = [each for each in state.findings if each.grows and each.rule in judgement.reported]
    if state.silent:
        growing = [each for each in growing if each.subject.kind != "link" or each.subject.id in memory.links]
    places = dict.fromkeys(state.alerts)
    for finding in growing:
        older = aged(finding, state, now)
        alerting.report(judgement.reported[finding.rule], older, finding.node, now, out)
        place = key(finding.rule, finding.subject.id)
        if place in memory.alerts:
            places[place] = None
    state.alerts = list(places)
    state.ages_at = now + AGES_EVERY_S if growing else inf
    memory.next_due = min(memory.next_due, state.ages_at)
    if state.silent and not growing:
        expire(source, memory, alerting, now, out)


def aged(finding: Finding, state: ReportState, now: float) -> Finding:
    """A finding with the value that it has now."""
    return replace(finding, value=finding.value + max(0.0, now - state.taken_at)) if finding.grows else finding


def expire(source: str, memory: Memory, alerting: Alerting, now: float, out: list[Output]) -> None:
    """A source that has been silent for too long: its findings are unknown, but for values that grow; forgotten when
    it has none."""
    state = memory.reports[source]
    state.silent = True
    growing = {key(each.rule, each.subject.id) for each in state.findings if each.grows} if state.ages_at < inf else ()
    for place in state.alerts:
        alert = memory.alerts.get(place)
        if alert is not None and place not in growing:
            alerting.clear(alert, False, now, out)
    if not growing and not any(place in memory.alerts for place in state.alerts):
        del memory.reports[source]
