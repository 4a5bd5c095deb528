"""The rows of ``leadline query`` for people: the main columns, in words and units, as narrow as a terminal is."""

from datetime import UTC, datetime
from typing import Any, Final

from leadline import lines
from leadline.model.alert import Transition
from leadline.model.incident import Incident
from leadline.model.lag import LagRollup
from leadline.model.status import LinkStatus, NodeStatus
from leadline.words import amount, duration

HEADINGS: Final[dict[str, tuple[str, ...]]] = {
    "links": ("link", "verdict", "lag", "behind", "since (UTC)"),
    "nodes": ("node", "role", "version", "state", "since (UTC)"),
    "lag": ("link", "until (UTC)", "verdict", "average", "largest", "last"),
    "incidents": ("incident", "state", "lag", "title, and its cause"),
    "alerts": ("at (UTC)", "severity", "to", "rule", "summary"),
}


def shown(value: Any) -> tuple[str, ...]:
    """A value as the cells below its headings."""
    match value:
        case LinkStatus():
            behind = amount(value.behind, value.unit)
            return value.link, value.verdict, lines.lag_of(value), behind, _time(value.since)
        case NodeStatus():
            name = f"{value.cluster}/{value.node}"
            return name, value.role, lines.short_version(value), value.health, _time(value.since)
        case LagRollup():
            lags = (duration(each) for each in (value.lag_avg_s, value.lag_max_s, value.lag_last_s))
            return value.link, _time(value.end), value.verdict, *lags
        case Incident():
            cause = value.causes[0].summary if value.causes else ""
            state = value.severity if value.state == "open" else value.state
            return (
                value.incident_id,
                state,
                duration(value.worst_lag_s),
                f"{value.title}{f': {cause}' if cause else ''}",
            )
        case Transition():
            return _time(value.event_time), value.severity, value.to, value.rule, value.summary
    raise AssertionError(type(value))


def _time(moment: datetime) -> str:
    """To the second; the day is that of the row's neighbours in most tables, and stays for those that last."""
    return moment.astimezone(UTC).strftime("%m-%d %H:%M:%S")
