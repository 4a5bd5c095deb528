"""Findings that no sample shows, brought into the lifecycle of alerts."""

from leadline.errors import BadRecord
from leadline.model.finding import FindingReport
from leadline.wire import INVALID
from leadline_streams.judge.alerting import Alerting, Output, key
from leadline_streams.judge.judgement import Judgement
from leadline_streams.judge.problem_state import ReportState
from leadline_streams.judge.state import Memory


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
    before = state.alerts if state is not None else []
    found: dict[str, None] = {}
    for finding in report.findings:
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
    until = now + report.valid_s
    memory.reports[report.source] = ReportState(report.boot, report.seq, until, list(found))
    memory.next_due = min(memory.next_due, until)


def expire(source: str, memory: Memory, alerting: Alerting, now: float, out: list[Output]) -> None:
    """A source that has been silent for too long: its findings are unknown; forgotten when it has none."""
    state = memory.reports[source]
    state.silent = True
    for place in state.alerts:
        alert = memory.alerts.get(place)
        if alert is not None:
            alerting.clear(alert, False, now, out)
    if not any(place in memory.alerts for place in state.alerts):
        del memory.reports[source]
