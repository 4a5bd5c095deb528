"""Subjects, values and times as a post-mortem says them. Pure."""

from datetime import UTC, datetime

from leadline.model.alert import Subject
from leadline.words import duration, size
from leadline_sinks.incident_log.markdown import text


def about(subject: Subject) -> str:
    """What an alert or a cause is about, in Markdown."""
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
    """A measured value in its unit; ``-`` when there is none, or it only stands for a state."""
    if value is None or not unit:
        return "-"
    match unit:
        case "s":
            return duration(value)
        case "bytes":
            return size(value)
    return f"{value:g} {text(unit)}".strip()


def sentence(foreign: str) -> str:
    """Foreign text as a sentence, in Markdown; its first letter is a name's more often than not, and stays."""
    shown = text(foreign, 1000)
    return shown if shown.endswith((".", "!", "?")) else f"{shown}."


def second(moment: datetime) -> str:
    """Date and time of day in UTC."""
    return moment.astimezone(UTC).strftime("%Y-%m-%d %H:%M:%S")
