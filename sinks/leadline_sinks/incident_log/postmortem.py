"""The draft of a post-mortem, in Markdown. Pure: the same history gives the same draft.

The draft states what is in the incident log. Questions that only people can answer are in italics, each in its place.
"""

from collections.abc import Iterator, Sequence
from typing import Final

from msgspec.structs import replace

from leadline.catalogue import RULES
from leadline.headline import ended_by, last_change
from leadline.model.alert import Evidence
from leadline.model.incident import Cause, Change, Incident
from leadline.steps import grouped
from leadline.words import duration
from leadline_sinks.incident_log.impact import Breach, breaches
from leadline_sinks.incident_log.incident_history import IncidentHistory
from leadline_sinks.incident_log.markdown import block, code, table, text
from leadline_sinks.incident_log.measures import measures
from leadline_sinks.incident_log.phrases import about, amount, second, sentence

LIKELY: Final = 0.5
"""Confidence from which a cause that is not ranked first adds its measures."""
SLOW_DETECTION_S: Final = 300.0
NOT_YET: Final = "not yet"
_SOURCES: Final = {"judgement": "Leadline", "delivery": "sink", "person": "people"}


def draft(history: IncidentHistory) -> str:
    """The whole page."""
    found = breaches(history.transitions)
    sections = (_head(history), _summary(history, found), _timeline(history), _cause(history), _response(history))
    lines = [line for section in (*sections, _measures(history, found)) for line in (*section, "")]
    return "\n".join(lines)


def _head(history: IncidentHistory) -> Iterator[str]:
    incident = history.incident
    where = ", ".join(map(text, incident.datacenters)) or "not given"
    yield f"# Post-mortem: {text(incident.title)}"
    yield ""
    yield "A draft from the incident log. *Replace each text in italics with what only people know.*"
    yield ""
    yield from table(
        ("Incident", code(incident.incident_id)),
        [
            ("Cluster", text(incident.cluster)),
            ("Datacentres", where),
            ("State", incident.state),
            ("Severity", _severity(history)),
            ("Alerts", ", ".join(map(code, incident.rules)) or str(len(incident.alerts))),
            ("Owner of this page", "*name*"),
        ],
    )


def _severity(history: IncidentHistory) -> str:
    last, worst = history.incident.severity, history.peak_severity
    return worst if worst == last else f"{worst} at its worst, {last} at the end"


def _summary(history: IncidentHistory, found: Sequence[Breach]) -> Iterator[str]:
    incident = history.incident
    yield "## Issue summary"
    yield ""
    if incident.resolved_at is not None:
        lasted = duration((incident.resolved_at - incident.opened_at).total_seconds())
        yield f"- **Duration:** {lasted}, from {second(incident.opened_at)} to {second(incident.resolved_at)} UTC."
    else:
        yield f"- **Duration:** since {second(incident.opened_at)} UTC; the incident is open."
    if incident.reopened:
        times = ", ".join(second(moment) for moment in incident.reopened)
        yield f"- **Returned:** after an end that did not last, at {times} UTC."
    if incident.merged_into is not None:
        yield f"- **Merged:** it is a part of {code(incident.merged_into)}, whose post-mortem covers it."
    if incident.parted_from is not None:
        yield f"- **Parted:** its first alerts were a part of {code(incident.parted_from)} before."
    for part in history.parts:
        yield f"- **Part of it:** {code(part.incident_id)}, {text(part.title)}, since {second(part.opened_at)} UTC."
    yield f"- **Impact:** {_impact(incident, found)} *Who was affected, and how did they notice?*"
    yield f"- **Root cause:** {_root(history)}"
    if not found:
        return
    yield ""
    yield "### What was affected"
    yield ""
    headings = ("Subject", "Alert", "Severity", "Verdicts", "Worst value", "Limit", "From (UTC)", "Until (UTC)")
    yield from table(headings, (_breach(each, incident) for each in found))
    yield ""
    yield "Values are those at the transitions of the alerts and may have been worse in between. Effects:"
    yield ""
    yield from _effects(found)


def _effects(found: Sequence[Breach]) -> Iterator[str]:
    """The effects by subject; subjects with the same effects share a line."""
    effects: dict[str, list[str]] = {}
    for each in found:
        effects.setdefault(about(each.subject), []).append(_effect(each.rule))
    alike: dict[tuple[str, ...], list[str]] = {}
    for subject, texts in effects.items():
        alike.setdefault(tuple(dict.fromkeys(texts)), []).append(subject)
    for effect, subjects in alike.items():
        yield f"- {', '.join(subjects)}: {' '.join(effect)}"


def _impact(incident: Incident, found: Sequence[Breach]) -> str:
    if not found:
        return "the incident log has no alert that fired."
    worst = [_late(incident, found, unit) for unit in ("s", "bytes")]
    late = " and ".join(each for each in worst if each)
    kinds = [f"{len(ids)} {kind}{'s' if len(ids) > 1 else ''}" for kind, ids in _kinds(found).items()]
    return f"{' and '.join(kinds)} affected{'; ' + late if late else ''}."


def _late(incident: Incident, found: Sequence[Breach], unit: str) -> str:
    if unit == "s" and incident.worst_lag_s:
        return f"the largest lag was {duration(incident.worst_lag_s)}"
    rules = {"s": ("replication_lag",), "bytes": ("replication_lag_bytes",)}[unit]
    late = [each for each in found if each.rule in rules and each.worst is not None]
    if not late:
        return ""
    most = max(late, key=lambda each: each.worst or 0.0)
    return f"{about(most.subject)} was at least {amount(most.worst, unit)} behind at its worst"


def _kinds(found: Sequence[Breach]) -> dict[str, set[str]]:
    kinds: dict[str, set[str]] = {}
    for each in found:
        kinds.setdefault(each.subject.kind, set()).add(each.subject.id)
    return kinds


def _root(history: IncidentHistory) -> str:
    if not history.causes:
        return "Leadline identified none. *What was it?*"
    cause = history.causes[0]
    if cause.code == "unknown":
        return f"Leadline did not identify it: {text(cause.summary)}. *What was it?*"
    return sentence(cause.summary)


def _breach(each: Breach, incident: Incident) -> tuple[str, ...]:
    # No incident ends with an open alert of its own.
    until = NOT_YET if incident.state == "open" else "in another incident"
    return (
        about(each.subject),
        code(each.rule),
        each.severity,
        ", ".join(verdict.replace("_", " ") for verdict in each.verdicts) or "-",
        amount(each.worst, each.unit),
        amount(each.limit, each.unit),
        second(each.since),
        second(each.until) if each.until else until,
    )


def _timeline(history: IncidentHistory) -> Iterator[str]:
    yield "## Timeline (UTC)"
    yield ""
    started = [(second(history.incident.opened_at), "the first breach began", "Leadline")]
    rows = [(second(each.at), text(each.what, 1000), _SOURCES[each.origin]) for each in history.timeline()]
    yield from table(("Time", "Event", "Source"), sorted([*started, *rows], key=lambda row: row[0]))
    yield ""
    yield "*Add what people did in between: what was checked, what was ruled out, who was called.*"


def _cause(history: IncidentHistory) -> Iterator[str]:
    incident = history.incident
    yield "## Root cause and resolution"
    yield ""
    yield "### Root cause"
    yield ""
    yield _named(history)
    for cause in history.causes[:1]:
        if cause.evidence_for or cause.evidence_against or cause.not_seen:
            yield ""
            yield from table(("Evidence", "Node", "Value", "Note", "For or against"), _evidence(cause))
    others = history.causes[1:]
    if others:
        yield ""
        yield "Also considered:"
        yield ""
        for cause in others:
            yield f"- {code(cause.code)} (confidence {cause.confidence:.2f}): {sentence(cause.summary)}"
    if incident.changes:
        yield ""
        yield "Settings that changed before or during the incident:"
        yield ""
        yield from table(("Seen (UTC)", "Node", "Setting", "From", "To", "When"), _changes(history))
    yield ""
    yield "### Resolution"
    yield ""
    if incident.resolved_at is not None:
        yield f"All alerts were resolved. The incident ended at {second(incident.resolved_at)} UTC."
    else:
        yield "The incident is open."
    if (why := ended_by(incident)) and incident.merged_into is None:
        yield ""
        yield f"It was ended by: {sentence(why)}"
    elif change := last_change(incident):
        yield ""
        yield f"The last change before that: {sentence(change)}"
    for number, cause in enumerate(history.causes):
        # A changed setting is listed above with its values.
        likely = cause.confidence >= LIKELY and cause.code != "config_changed"
        if (cause.steps or cause.fix) and (number == 0 or likely):
            yield ""
            yield "Leadline proposed:" if number == 0 else f"Leadline proposed for {code(cause.code)}:"
            yield from _fix(cause)
    notes = [each for each in history.actions if each.text]
    if notes:
        yield ""
        yield "Notes:"
        yield ""
        for each in notes:
            yield f"- {second(each.at)}, {text(each.by)}: {text(each.text, 4000)}"
    yield ""
    yield "*What was done, by whom, and what helped?*"


def _fix(cause: Cause) -> Iterator[str]:
    """The steps below their servers, statements in code blocks; the text of the fix where there are no steps."""
    if not cause.steps:
        yield from ("", *block([cause.fix]))
    place = ""
    for group in grouped(cause.steps):
        if group.place and group.place != place:
            yield from ("", f"On {text(group.place)}:")
        place = group.place
        if group.warning:
            yield from ("", group.warning)
        if group.statements:
            yield from ("", *block(group.lines, "sql"))
        else:
            for line in group.lines:
                yield from ("", text(line, 1000))


def _named(history: IncidentHistory) -> str:
    cause, took = next(iter(history.causes), None), history.times.to_cause_s
    if cause is None or cause.code == "unknown" or took is None:
        return _root(history)
    named = f"{code(cause.code)}, confidence {cause.confidence:.2f}"
    return f"{named}; Leadline identified it {duration(took)} after the first breach."


def _evidence(cause: Cause) -> Iterator[tuple[str, ...]]:
    for side, found in (
        ("for", cause.evidence_for),
        ("against", cause.evidence_against),
        ("not seen", cause.not_seen),
    ):
        for each in found:
            yield (*_fact(each), side)


def _fact(each: Evidence) -> tuple[str, ...]:
    where, note = (text(foreign) if foreign else "-" for foreign in (each.node, each.note))
    return code(each.name), where, code(each.value), note


def _changes(history: IncidentHistory) -> Iterator[tuple[str, ...]]:
    seen: list[Change] = []
    for each in sorted(history.incident.changes, key=lambda change: (change.at, change.node, change.setting)):
        undone = any(
            (before.node, before.setting, before.from_) == (each.node, each.setting, each.to) for before in seen
        )
        when = "before the incident" if each.at <= history.incident.opened_at else "during the incident"
        values = (code(value) if value is not None else "(unset)" for value in (each.from_, each.to))
        row = (second(each.at), text(each.node), code(each.setting), *values)
        yield (*row, f"{when}, reverted" if undone else when)
        seen.append(each)


def _not_reverted(changes: Sequence[Change]) -> list[Change]:
    """For each setting whose last value differs from its first, one change from the first to the last."""
    whole: dict[tuple[str, str], Change] = {}
    for each in sorted(changes, key=lambda change: (change.at, change.node, change.setting)):
        first = whole.setdefault((each.node, each.setting), each)
        whole[each.node, each.setting] = replace(first, to=each.to)
    return [each for each in whole.values() if each.to != each.from_]


def _response(history: IncidentHistory) -> Iterator[str]:
    incident, times, acknowledged = history.incident, history.times, history.acknowledged
    by = f" by {text(acknowledged.by)}" if acknowledged else ""
    acknowledged_at = acknowledged.at if acknowledged else None
    steps = (
        ("First breach", incident.opened_at, None, "-"),
        ("Detected", incident.detected_at, times.to_detect_s, "the first breach"),
        ("Cause identified", incident.cause_at, times.to_cause_s, "the first breach"),
        ("First notification", history.notified_at, times.to_notify_s, "detection"),
        (f"Acknowledged{by}", acknowledged_at, times.to_acknowledge_s, "the first notification"),
        ("Resolved", incident.resolved_at, times.to_resolve_s, "the first breach"),
    )
    yield "## Detection and response"
    yield ""
    yield from table(
        ("Step", "At (UTC)", "Took", "Counted from"),
        ((step, second(at) if at else NOT_YET, duration(took), since) for step, at, took, since in steps),
    )
    yield ""
    if not history.deliveries:
        yield "The incident log has no delivery: Leadline notified nobody."
        return
    yield from table(
        ("Target", "First notified (UTC)", "Last notified (UTC)", "Notifications", "Not delivered"),
        _deliveries(history),
    )


def _deliveries(history: IncidentHistory) -> Iterator[tuple[str, ...]]:
    for target in sorted({each.target for each in history.deliveries}):
        mine = [each for each in history.deliveries if each.target == target]
        sent = sorted(each.at for each in mine if each.outcome in ("sent", "partial"))
        whole = sum(each.outcome == "sent" for each in mine)
        missed = [
            f"{each.outcome.replace('_', ' ')} ({text(each.reason)})" if each.reason else each.outcome.replace("_", " ")
            for each in mine
            if each.outcome in ("suppressed", "given_up")
        ]
        ends = (second(sent[0]), second(sent[-1])) if sent else ("never", "never")
        yield text(target), *ends, str(whole), ", ".join(dict.fromkeys(missed)) or "-"


def _measures(history: IncidentHistory, found: Sequence[Breach]) -> Iterator[str]:
    incident = history.incident
    likely = [cause.code for cause in history.causes[:1]]
    likely += [cause.code for cause in history.causes[1:] if cause.confidence >= LIKELY]
    if any(change.at <= incident.opened_at for change in incident.changes):
        likely.append("config_changed")
    wanted = measures(dict.fromkeys(likely))
    yield "## Corrective and preventative measures"
    yield ""
    yield "### Improvements and fixes"
    yield ""
    for each in wanted.improvements:
        yield f"- {each}"
    yield ""
    yield "### Tasks"
    yield ""
    for each in (*wanted.tasks, *_tasks(history, found)):
        yield f"- [ ] {each} *owner, due*"


def _tasks(history: IncidentHistory, found: Sequence[Breach]) -> Iterator[str]:
    """Tasks that follow from the response, whatever the cause was."""
    times = history.times
    if times.to_detect_s > SLOW_DETECTION_S:
        yield f"Detection took {duration(times.to_detect_s)}: review the limits of the rules that fired."
    if history.notified_at is not None and history.acknowledged is None:
        yield "Nobody acknowledged the incident: check who is on call for this cluster, and that they are paged."
    for each in _not_reverted(history.incident.changes):
        was = code(each.from_) if each.from_ is not None else "unset"
        now = code(each.to) if each.to is not None else "unset"
        left = f"{code(each.setting)} on {text(each.node)} was {was}, and {now} when last seen"
        yield f"{left}: revert it, or document why it stays."
    for target in sorted({each.target for each in history.deliveries if each.outcome == "given_up"}):
        yield f"{text(target)} could not be notified: repair it, and send a test."
    if runbooks := list(dict.fromkeys(code(each.runbook) for each in found if each.runbook)):
        yield f"Review {' and '.join(runbooks)} with those who were on call, and add what was missing."


def _effect(rule: str) -> str:
    entry = RULES.get(rule)
    return entry.impact if entry is not None else f"{code(rule)} fired."
