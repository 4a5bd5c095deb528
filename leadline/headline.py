"""The first line about an incident: how bad it is, since when, and how it ended. Pure."""

from collections.abc import Sequence
from datetime import UTC, timedelta
from typing import Final

from leadline.model.incident import Incident
from leadline.setting_words import move
from leadline.words import duration

_NAMED: Final = 2
"""Links or nodes that are named; more are counted."""
_RESOLVED: Final = "resolved"
"""Beginning of the timeline entry of an end. A colon and what ended the problem may follow."""


def first_line(incident: Incident) -> str:
    """The problem, how bad it is, and since when, or how it ended; of an announcement, its title."""
    if incident.announcement is not None:
        return incident.title
    return f"{incident.title}; {impact_since(incident) if incident.state == 'open' else ending(incident)}"


def impact(incident: Incident) -> str:
    """The largest lag, and the links and nodes affected; empty where the record says neither."""
    lag = incident.worst_lag_s
    known = not incident.affected.links and all(node in incident.title for node in incident.affected.nodes)
    where = "" if known else affected(incident)  # a server that the title names need not be named again
    parts = (f"up to {duration(lag)} behind" if lag is not None and lag > 0 else "", where)
    return ", ".join(part for part in parts if part)


def impact_since(incident: Incident) -> str:
    """The impact of an open incident, and the time of its first breach."""
    since = f"since {incident.opened_at.astimezone(UTC):%H:%M UTC}"
    return f"{impact(incident)}, {since}" if impact(incident) else since


def affected(incident: Incident) -> str:
    """The links affected, and the nodes at none of them; empty where the record does not say."""
    links = [link.removeprefix(f"{incident.cluster}/").partition("->") for link in incident.affected.links]
    ends = {end for upstream, _, downstream in links for end in (upstream, downstream, downstream.rpartition("/")[0])}
    nodes = [node for node in incident.affected.nodes if node not in ends]
    named = [f"{upstream} → {downstream}" if arrow else upstream for upstream, arrow, downstream in links]
    return " and ".join(text for text in (_some(named, "link"), _some(nodes, "node")) if text)


def ending(incident: Incident) -> str:
    """The kind of an incident's end and its duration; empty while it is open."""
    if incident.state == "open":
        return ""
    lasted = lasted_s(incident)
    after = f" after {duration(lasted)}" if lasted is not None else ""
    if incident.merged_into is not None:
        return f"merged{after} into {incident.merged_into}, since both are one problem"
    why, change = ended_by(incident), last_change(incident)
    because = f": {why}" if why else ""
    return f"resolved{after}{because}{'; last change before it: ' + change if change else ''}"


def ended_by(incident: Incident) -> str:
    """The event that ended the problem, where the record names one."""
    ends = [entry.what for entry in incident.timeline if entry.what.startswith(f"{_RESOLVED}: ")]
    return ends[-1].removeprefix(f"{_RESOLVED}: ") if ends and incident.state == "resolved" else ""


def last_change(incident: Incident) -> str:
    """The last setting that changed while a resolved incident was open; empty without one."""
    changes = [change for change in incident.changes if change.at > incident.opened_at]
    if not changes or incident.state == "open":
        return ""
    last = max(changes, key=lambda change: change.at)
    return f"{last.setting} on {last.node}: {move(last)}, at {last.at.astimezone(UTC):%H:%M:%S} UTC"


def can_return(incident: Incident) -> str:
    """The newest measure against an incident that has ended and can return; empty where every one holds."""
    if not incident.recurrences:
        return ""
    last = max(incident.recurrences, key=lambda each: each.at)
    since = f"{last.at.astimezone(UTC):%Y-%m-%d %H:%M UTC}"
    return f"{last.rule} is violated again since {since}: {last.summary}; the measure was: {last.measure}"


def lasted_s(incident: Incident) -> float | None:
    """Seconds from the first breach to the end; None while it is open."""
    if incident.resolved_at is None:
        return None
    return max(0.0, (incident.resolved_at - incident.opened_at).total_seconds())


def away_s(incident: Incident) -> float | None:
    """Seconds for which the problem was gone before it returned last; None where that is not known."""
    if not incident.reopened:
        return None
    returned = incident.reopened[-1]
    ends = [entry.at for entry in incident.timeline if entry.what.startswith(_RESOLVED) and entry.at <= returned]
    gone: timedelta | None = returned - max(ends) if ends else None
    return gone.total_seconds() if gone is not None else None


def _some(names: Sequence[str], kind: str) -> str:
    if len(names) <= _NAMED:
        return ", ".join(names)
    return f"{len(names)} {kind}s"
