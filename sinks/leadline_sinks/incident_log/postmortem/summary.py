"""The first section of a post-mortem: how long, how bad, why, and the subjects affected."""

from collections.abc import Iterator, Sequence
from datetime import datetime

from leadline.catalogue import RULES
from leadline.model.incident import SIGNS, Incident
from leadline.words import duration
from leadline_sinks.incident_log.incident_history import IncidentHistory
from leadline_sinks.incident_log.markdown import code, table, text
from leadline_sinks.incident_log.phrases import NOT_YET, about, amount, second
from leadline_sinks.incident_log.postmortem.impact import Breach
from leadline_sinks.incident_log.postmortem.root_cause import root
from leadline_sinks.incident_log.postmortem.roots import roots


def summary(history: IncidentHistory, found: Sequence[Breach]) -> Iterator[str]:
    """The section."""
    incident = history.incident
    yield "## Issue summary"
    yield ""
    if incident.resolved_at is not None:
        yield f"- **Duration:** {_lasted(history, incident.resolved_at, found)}"
    else:
        yield f"- **Duration:** since {second(incident.opened_at)} UTC; the incident is open."
    if incident.reopened:
        times = ", ".join(second(moment) for moment in incident.reopened)
        yield f"- **Returned:** after an end that did not last, at {times} UTC."
    for each in incident.recurrences:
        since = f"since {second(each.at)} UTC"
        yield f"- **Can return:** {code(each.rule)} is violated again {since}: {text(each.summary)}."
    if incident.merged_into is not None:
        yield f"- **Merged:** it is a part of {code(incident.merged_into)}, whose post-mortem covers it."
    if incident.parted_from is not None:
        yield f"- **Parted:** its first alerts were a part of {code(incident.parted_from)} before."
    for part in history.parts:
        yield f"- **Part of it:** {code(part.incident_id)}, {text(part.title)}, since {second(part.opened_at)} UTC."
    yield f"- **Impact:** {_impact(incident, found)} *Who was affected, and how did they notice?*"
    yield f"- **Root cause:** {root(history)}"
    if not found:
        return
    yield ""
    yield "### What was affected"
    yield ""
    headings = ("Subject", "Alert", "Severity", "Verdicts", "Worst value", "Limit", "From (UTC)", "Until (UTC)")
    yield from table(headings, (_breach(each, incident) for each in found))
    yield ""
    yield "Lags are the largest ones while it was open, other values those at the transitions of the alerts. Effects:"
    yield ""
    yield from _effects(found)


def _lasted(history: IncidentHistory, ended_at: datetime, found: Sequence[Breach]) -> str:
    """The duration of the incident, which waits whether the problem returns, and that of the problem itself."""
    began = history.incident.opened_at
    lasted = f"{duration((ended_at - began).total_seconds())}, from {second(began)} to {second(ended_at)} UTC"
    ends = [each.until for each in found]
    last = max((end for end in ends if end is not None), default=None)
    if last is not None and None not in ends and began <= last and (ended_at - last).total_seconds() >= 1.0:
        problem = duration((last - began).total_seconds())
        lasted += f"; the problem itself {problem}, until its last alert ended at {second(last)} UTC"
    return f"{lasted}.{_signs(history)}"


def _signs(history: IncidentHistory) -> str:
    """Since when the signs of the root cause were gone, where that was seen."""
    first = next(iter(roots(history)), None)
    signs = [each.value for each in first.evidence_for if each.name == SIGNS] if first is not None else []
    return f" The signs of the root cause were {text(signs[-1])}." if signs else ""


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


def _breach(each: Breach, incident: Incident) -> tuple[str, ...]:
    # No incident ends with an open alert of its own.
    worst = _value(each, _worst(each, incident))
    until = NOT_YET if incident.state == "open" else "in another incident"
    return (
        about(each.subject),
        code(each.rule),
        each.severity,
        ", ".join(verdict.replace("_", " ") for verdict in each.verdicts) or "-",
        f"at least {worst}" if each.until is None and worst != "-" and not each.low_is_bad else worst,
        _value(each, each.limit),
        second(each.since),
        second(each.until) if each.until else until,
    )


def _worst(each: Breach, incident: Incident) -> float | None:
    """The worst value: of a lag in seconds, the largest that the incident's record has for the link."""
    if each.rule != "replication_lag" or each.worst is None:
        return each.worst
    return max(each.worst, incident.affected.lags_s.get(each.subject.id, 0.0))


def _value(each: Breach, value: float | None) -> str:
    """A value with its unit; that of a forecast is a time to come."""
    shown = amount(value, each.unit)
    return f"{shown} ahead" if each.low_is_bad and each.unit == "s" and shown != "-" else shown


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


def _effect(rule: str) -> str:
    entry = RULES.get(rule)
    return entry.impact if entry is not None else f"{code(rule)} fired."
