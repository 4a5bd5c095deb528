"""The state before an incident: the last audit with its findings, and the changes of the week before."""

from collections.abc import Iterator
from typing import Final

from leadline.model.audit_result import AuditedFinding, AuditResult
from leadline.model.change_record import ChangeRecord
from leadline.setting_words import origin, shown
from leadline.words import duration
from leadline_sinks.incident_log.history_words import counted
from leadline_sinks.incident_log.incident_history import IncidentHistory
from leadline_sinks.incident_log.markdown import code, table, text
from leadline_sinks.incident_log.phrases import second
from leadline_sinks.incident_log.postmortem.roots import roots
from leadline_sinks.incident_log.recurrence import watched

MOST: Final = 20
"""Rows of a table: the gravest findings, the last changes."""


def known_before(history: IncidentHistory) -> Iterator[str]:
    """The subsection; nothing where the incident log has neither."""
    if history.audit_before is None and not history.changes_before:
        return
    yield ""
    yield "### Known before"
    if history.audit_before is not None:
        yield from _audit(history, history.audit_before)
    if history.changes_before:
        yield ""
        yield "Changed on its servers in the week before, beside what is listed above:"
        yield ""
        rows = [_change(history, each) for each in history.changes_before[-MOST:]]
        yield from table(("Seen (UTC)", "Node", "Setting", "From", "To", "By", "Before the first breach"), rows)


def _audit(history: IncidentHistory, audit: AuditResult) -> Iterator[str]:
    began = history.incident.opened_at
    ago = duration((began - audit.audited_at).total_seconds())
    score = f"a score of {audit.score}: {counted(audit.counts)}"
    yield ""
    yield f"The last audit, {code(audit.audit_id)}, was {ago} before the first breach and gave {score}."
    guarding = watched(cause.code for cause in roots(history))
    nodes = set(history.incident.affected.nodes) | _ends(history)
    found = [each for each in audit.findings if each.rule in guarding or nodes & set(each.nodes)]
    warned = [each for each in found if each.rule in guarding]
    yield ""
    if warned:
        yield f"It had found what a measure below is to prevent: {', '.join(code(each.rule) for each in warned)}."
    elif guarding:
        yield "It had found nothing that a measure below is to prevent."
    if found:
        yield ""
        yield "What it had found about these servers:"
        yield ""
        rows = [
            _finding(each, each in warned) for each in [*warned, *(one for one in found if one not in warned)][:MOST]
        ]
        yield from table(("Severity", "Rule", "Finding", "Found first (UTC)", "About this cause"), rows)


def _ends(history: IncidentHistory) -> set[str]:
    """The nodes at the ends of the links affected."""
    links = [link.rpartition("/")[2].partition("->") for link in history.incident.affected.links]
    return {end for first, _, last in links for end in (first, last) if end}


def _finding(each: AuditedFinding, warned: bool) -> tuple[str, ...]:
    accepted = f"; accepted by {text(each.accepted.owner)} until {text(each.accepted.until)}" if each.accepted else ""
    return (
        each.severity,
        code(each.rule),
        f"{text(each.summary)}{accepted}",
        second(each.since),
        "yes" if warned else "no",
    )


def _change(history: IncidentHistory, record: ChangeRecord) -> tuple[str, ...]:
    change = record.change
    before = duration((history.incident.opened_at - change.at).total_seconds())
    values = (code(shown(change.setting, value)) for value in (change.from_, change.to))
    waits = " (waits for a restart)" if change.pending_restart and change.from_ == change.to else ""
    by = code(origin(change)) if origin(change) else "-"
    return (second(change.at), text(change.node), f"{code(change.setting)}{waits}", *values, by, before)
