"""A whole incident on a terminal: what it is, why, what happened, who was told. Pure; foreign text is escaped."""

from collections.abc import Iterator, Sequence

from leadline.logs import escape
from leadline.model.alert import Evidence
from leadline.model.incident import Cause
from leadline.steps import fix_lines
from leadline.words import duration
from leadline_sinks.incident_log.incident_history import Story
from leadline_sinks.incident_log.phrases import second


def page(story: Story) -> str:
    """The page in plain text."""
    sections = (_head(story), _causes(story), _changes(story), _timeline(story), _told(story), _times(story))
    found = [list(section) for section in sections]
    return "\n\n".join("\n".join(escape(line) for line in section) for section in found if section)


def _head(story: Story) -> Iterator[str]:
    incident, taken = story.incident, story.acknowledged
    yield incident.title
    yield f"  {incident.incident_id}"
    yield f"  {incident.state}, {incident.severity}, opened {second(incident.opened_at)} UTC" + (
        f", resolved {second(incident.resolved_at)} UTC" if incident.resolved_at else ""
    )
    if incident.datacenters:
        yield f"  in {', '.join(incident.datacenters)}"
    if taken:
        yield f"  acknowledged by {taken.by} at {second(taken.at)} UTC"


def _causes(story: Story) -> Iterator[str]:
    for index, cause in enumerate(story.causes):
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
    return f"{each.name}{where}: {each.value}" + (f" ({each.note})" if each.note else "")


def _changes(story: Story) -> Iterator[str]:
    changes = [
        (second(each.at), f"{each.setting} on {each.node}: {_value(each.from_)} → {_value(each.to)}")
        for each in story.incident.changes
    ]
    yield from _section("settings that changed (UTC)", changes)


def _timeline(story: Story) -> Iterator[str]:
    yield from _section("timeline (UTC)", [(second(each.at), each.what) for each in story.timeline()])


def _told(story: Story) -> Iterator[str]:
    words = [
        (
            second(each.at),
            f"{each.target}: {each.occasion}, {each.outcome}" + (f" ({each.reason})" if each.reason else ""),
        )
        for each in story.deliveries
        if each.outcome != "attempted"
    ]
    yield from _section("deliveries (UTC)", words)


def _times(story: Story) -> Iterator[str]:
    times = story.times
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


def _value(value: str | None) -> str:
    return "(unset)" if value is None else value
