"""The section of a post-mortem about the root causes: each with its evidence and fix, what else, and how it ended."""

from collections.abc import Iterator

from leadline import evidence_words
from leadline.headline import ended_by, last_change
from leadline.model.alert import Evidence
from leadline.model.incident import Cause, Change
from leadline.setting_words import origin, shown
from leadline.steps import grouped
from leadline.words import duration
from leadline_sinks.incident_log.incident_history import IncidentHistory
from leadline_sinks.incident_log.markdown import block, code, table, text
from leadline_sinks.incident_log.phrases import second, sentence
from leadline_sinks.incident_log.postmortem.known_before import known_before
from leadline_sinks.incident_log.postmortem.roots import others, roots, to_cause_s


def root_cause(history: IncidentHistory) -> Iterator[str]:
    """The section."""
    yield "## Root cause and resolution"
    found = roots(history)
    if not found:
        yield from ("", "### Root cause", "", _sentence(None))
    for number, cause in enumerate(found):
        yield from ("", "### Another root cause" if number else "### Root cause", "", _named(history, cause))
        yield from _details(cause)
    if besides := others(history):
        yield ""
        yield "Also considered:"
        yield ""
        for cause in besides:
            yield f"- {code(cause.code)} (confidence {cause.confidence:.2f}): {sentence(cause.summary)}"
    if history.incident.changes:
        yield ""
        yield "Settings that changed before or during the incident:"
        yield ""
        yield from table(("Seen (UTC)", "Node", "Setting", "From", "To", "By", "When"), _changes(history))
    yield from known_before(history)
    yield from _resolution(history)


def _details(cause: Cause) -> Iterator[str]:
    if cause.evidence_for or cause.evidence_against or cause.not_seen:
        yield ""
        yield from table(("Evidence", "Node", "Value", "Note", "For or against"), _evidence(cause))
    if cause.steps or cause.fix:
        yield ""
        yield "Leadline proposed:"
        yield from _fix(cause)


def _resolution(history: IncidentHistory) -> Iterator[str]:
    incident = history.incident
    yield ""
    yield "### Resolution"
    yield ""
    if incident.resolved_at is not None:
        yield f"All alerts were resolved. The incident ended at {second(incident.resolved_at)} UTC."
    else:
        yield "The incident is open."
    if (why := ended_by(incident)) and incident.merged_into is None:
        yield ""
        yield f"At its end: {sentence(why)}"
    if change := last_change(incident):
        yield ""
        yield f"The last change before that: {sentence(change)}"
    notes = [each for each in history.actions if each.text]
    if notes:
        yield ""
        yield "Notes:"
        yield ""
        for each in notes:
            yield f"- {second(each.at)}, {text(each.by)}: {text(each.text, 4000)}"
    yield ""
    yield "*What was done, by whom, and what helped?*"


def root(history: IncidentHistory) -> str:
    """The root causes in a sentence each, or that none was identified."""
    found = roots(history)
    return " And: ".join(_sentence(cause) for cause in found) if found else _sentence(None)


def _sentence(cause: Cause | None) -> str:
    if cause is None:
        return "Leadline identified none. *What was it?*"
    if cause.code == "unknown":
        return f"Leadline did not identify it: {text(cause.summary)}. *What was it?*"
    return sentence(cause.summary)


def _named(history: IncidentHistory, cause: Cause) -> str:
    took = to_cause_s(history)
    if cause.code == "unknown":
        return _sentence(cause)
    named = f"{code(cause.code)}, confidence {cause.confidence:.2f}"
    if cause != next(iter(roots(history)), None):
        return f"{named}: {sentence(cause.summary)}"
    return f"{named}; Leadline identified it {duration(took)} after the first breach." if took is not None else named


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
    return code(each.name), where, code(evidence_words.shown(each)), note


def _changes(history: IncidentHistory) -> Iterator[tuple[str, ...]]:
    seen: list[Change] = []
    for each in sorted(history.incident.changes, key=lambda change: (change.at, change.node, change.setting)):
        undone = any(
            (before.node, before.setting, before.from_) == (each.node, each.setting, each.to) for before in seen
        )
        early_s = (history.incident.opened_at - each.at).total_seconds()
        when = f"{duration(early_s)} before the first breach" if early_s >= 0 else "during the incident"
        values = (code(shown(each.setting, value)) for value in (each.from_, each.to))
        by = code(origin(each)) if origin(each) else "-"
        row = (second(each.at), text(each.node), code(each.setting), *values, by)
        yield (*row, f"{when}, reverted" if undone else when)
        seen.append(each)


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
