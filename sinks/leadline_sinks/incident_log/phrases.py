"""Subjects, values and times in the words of a post-mortem. Pure."""

from datetime import UTC, datetime
from typing import Final

from leadline.model.alert import Subject
from leadline.words import duration, size
from leadline_sinks.incident_log.markdown import text

NOT_YET: Final = "not yet"


def about(subject: Subject) -> str:
    """The subject of an alert or a cause, in Markdown."""
    match subject.kind:
        case "link" if subject.upstream and subject.downstream:
            name = f" ({text(subject.name)})" if subject.name else ""
            return f"{text(subject.upstream)} → {text(subject.downstream)}{name}"
        case "slot" | "subscription" if subject.name and subject.node:
            return f"{subject.kind} {text(subject.name)} on {text(subject.node)}"
        case "node" if subject.node:
            return text(subject.node)
    return text(subject.id)


def amount(value: float | None, unit: str) -> str:
    """A measured value with its unit; ``-`` where there is none, or where the value stands for a state."""
    if value is None or not unit:
        return "-"
    match unit:
        case "s":
            return duration(value)
        case "bytes":
            return size(value)
    return f"{value:g} {text(unit.removesuffix('s') if value == 1 else unit)}".strip()


def sentence(foreign: str) -> str:
    """Foreign text as a sentence, in Markdown. Its first letter is unchanged, since it often begins a name."""
    shown = text(foreign, 1000)
    return shown if shown.endswith((".", "!", "?")) else f"{shown}."


def second(moment: datetime) -> str:
    """Date and time of day in UTC."""
    return moment.astimezone(UTC).strftime("%Y-%m-%d %H:%M:%S")
