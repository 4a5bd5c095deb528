"""The history of an incident on a terminal. Pure; foreign text is escaped."""

from collections.abc import Iterator, Sequence

from leadline.evidence_words import shown
from leadline.headline import can_return, ended_by, ending, impact
from leadline.logs import escape
from leadline.model.alert import Evidence
from leadline.model.incident import Cause
from leadline.setting_words import in_words
from leadline.steps import fix_lines
from leadline.words import duration
from leadline_sinks.incident_log.incident_history import IncidentHistory
from leadline_sinks.incident_log.phrases import second


def page(history: IncidentHistory) -> str:
    """The history in plain text: title, causes, changes, timeline, deliveries and times."""
    sections = (
        _head(history),
        _causes(history),
        _changes(history),
        _timeline(history),
        _deliveries(history),
        _times(history),
    )
    found = [list(section) for section in sections]
    return "\n\n".join("\n".join(escape(line) for line in section) for section in found if section)


def _head(history: IncidentHistory) -> Iterator[str]:
    incident, acknowledged = history.incident, history.acknowledged
    yield incident.title
    yield f"  {incident.incident_id}"
    yield f"  {incident.state}, {incident.severity}, opened {second(incident.opened_at)} UTC" + (
        f", resolved {second(incident.resolved_at)} UTC" if incident.resolved_at else ""
    )
    if incident.datacenters:
        yield f"  in {', '.join(incident.datacenters)}"
    if impact(incident):
        yield f"  {impact(incident)}"
    if incident.state == "resolved" and (incident.merged_into is not None or ended_by(incident)):
        yield f"  {ending(incident)}"
    if why := can_return(incident):
        yield f"  can return: {why}"
    for moment in incident.reopened:
        yield f"  returned {second(moment)} UTC"
    if incident.parted_from is not None:
        yield f"  was a part of {incident.parted_from} before"
    for part in history.parts:
        yield f"  {part.incident_id} was merged into it: {part.title}"
    if acknowledged:
        yield f"  acknowledged by {acknowledged.by} at {second(acknowledged.at)} UTC"


def _causes(history: IncidentHistory) -> Iterator[str]:
    for index, cause in enumerate(history.causes):
        yield f"{'cause' if not index else 'or   '}  {cause.code} {cause.confidence:.2f}  {cause.summary}"
        for number, line in enumerate(fix_lines(cause)):
            yield f"       {'fix' if not number else '   '}  {line}"
        yield from _evidence(cause)


def _evidence(cause: Cause) -> Iterator[str]:
    for sign, found in (("+", cause.evidence_for), ("-", cause.evidence_against), ("?", cause.not_seen)):
        for each in found:
            yield f"       {sign} {_fact(each)}"


def _fact(each: Evidence) -> str:
    where = f" on {each.node}" if each.node else ""
    return f"{each.name}{where}: {shown(each)}" + (f" ({each.note})" if each.note else "")


def _changes(history: IncidentHistory) -> Iterator[str]:
    changes = [(second(each.at), in_words(each)) for each in history.incident.changes]
    yield from _section("settings that changed (UTC)", changes)


def _timeline(history: IncidentHistory) -> Iterator[str]:
    yield from _section("timeline (UTC)", [(second(each.at), each.what) for each in history.timeline()])


def _deliveries(history: IncidentHistory) -> Iterator[str]:
    rows = [
        (
            second(each.at),
            f"{each.target}: {each.occasion}, {each.outcome}" + (f" ({each.reason})" if each.reason else ""),
        )
        for each in history.deliveries
        if each.outcome not in ("attempted", "nothing_new")
    ]
    yield from _section("deliveries (UTC)", rows)


def _times(history: IncidentHistory) -> Iterator[str]:
    times = history.times
    yield "times"
    for what, took in (
        ("to detect", times.to_detect_s),
        ("to cause", times.to_cause_s),
        ("to notify", times.to_notify_s),
        ("to acknowledge", times.to_acknowledge_s),
        ("to resolve", times.to_resolve_s),
    ):
        yield f"  {what:<15}{duration(took)}"


def _section(heading: str, rows: Sequence[tuple[str, str]]) -> Iterator[str]:
    if rows:
        yield heading
        yield from (f"  {first}  {rest}" for first, rest in rows)
