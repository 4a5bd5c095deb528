"""The columns of ``leadline query`` as CSV, and its filters."""

import csv
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from fnmatch import fnmatchcase
from io import StringIO
from typing import Any, Final

from leadline.model.alert import Transition
from leadline.model.incident import Incident
from leadline.model.lag import LagRollup
from leadline.model.status import LinkStatus, NodeStatus
from leadline.wire import timestamp

_LINK: Final = ("cluster", "datacenter", "link", "upstream", "downstream", "link_kind")

COLUMNS: Final[dict[str, tuple[str, ...]]] = {
    "links": (
        *(
            *_LINK,
            "name",
            "verdict",
            "since",
            "connected",
            "lag_s",
            "lag_is_bound",
            "behind",
            "unit",
            "observers",
            "at",
        ),
    ),
    "nodes": (
        *("cluster", "datacenter", "node", "engine", "version", "role", "health", "since", "note", "blind"),
        *("position", "write_rate", "unit", "at"),
    ),
    "lag": (
        *(*_LINK, "window_s", "start", "end", "samples", "lag_min_s", "lag_avg_s", "lag_max_s", "lag_last_s"),
        *("bytes_max", "bytes_last", "transactions_max", "transactions_last", "verdict"),
    ),
    "incidents": (
        *(
            "incident_id",
            "cluster",
            "class",
            "state",
            "severity",
            "opened_at",
            "detected_at",
            "cause_at",
            "resolved_at",
        ),
        *("title", "cause", "confidence", "rules", "worst_lag_s", "acknowledged_by", "merged_into"),
    ),
    "alerts": (
        *("event_time", "cluster", "datacenter", "alert_id", "seq", "rule", "subject", "from", "to", "reason"),
        *("severity", "value", "threshold", "unit", "verdict", "summary"),
    ),
}
"""The headings of each table, in their order. New ones come at the end."""

_MADE: Final[dict[str, Callable[[Any], Any]]] = {
    "cause": lambda incident: incident.causes[0].code if incident.causes else None,
    "confidence": lambda incident: incident.causes[0].confidence if incident.causes else None,
    "subject": lambda alert: alert.subject.id,
    "from": lambda alert: alert.from_,
    "class": lambda incident: incident.class_,
}
"""Columns that are no field of their value, or have another name there."""
_TYPES: Final = {
    "links": LinkStatus,
    "nodes": NodeStatus,
    "lag": LagRollup,
    "incidents": Incident,
    "alerts": Transition,
}
_FORMULA: Final = ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠")
"""A spreadsheet takes text that begins so for a formula; the wide forms in some languages (OWASP, CSV Injection)."""


@dataclass(frozen=True, slots=True)
class Filters:
    """The rows that are wanted: all patterns must match, and the time must be between the two."""

    cluster: str = "*"
    node: str = "*"
    link: str = "*"
    verdict: str = "*"
    severity: str = "*"
    rule: str = "*"
    state: str | None = None
    window_s: float = 60.0
    since: datetime | None = None
    until: datetime | None = None


def cells(what: str, value: Any) -> list[str]:
    """A value as the cells of its row."""
    return [_cell(_MADE[name](value) if name in _MADE else getattr(value, name)) for name in COLUMNS[what]]


def csv_lines(write: Callable[[str], object]) -> Callable[[Sequence[str]], None]:
    """A function that writes rows as lines of RFC 4180, but with line feeds at their ends.

    Before 3.11.9, Python leaves a carriage return unquoted that is no part of the line end, and then it is the end of a
    row to whoever reads it (python/cpython issue 67044, pandas-dev/pandas issue 10018).
    """
    line = StringIO(newline="")
    writer = csv.writer(line, lineterminator="\r\n")

    def put(row: Sequence[str]) -> None:
        line.seek(0)
        line.truncate()
        writer.writerow(row)
        write(f"{line.getvalue().removesuffix(writer.dialect.lineterminator)}\n")

    return put


def _cell(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, datetime):
        return timestamp(value)
    if isinstance(value, (int, float)):
        return repr(value)
    if isinstance(value, (list, tuple)):
        value = " ".join(map(str, value))
    text = str(value).encode("utf-8", "backslashreplace").decode("utf-8")
    return f"'{text}" if text.startswith(_FORMULA) else text


def matches(what: str, value: Any, filters: Filters) -> bool:
    """Whether a value is of the kind that is asked for, and among the rows that are wanted."""
    if not isinstance(value, _TYPES[what]) or not fnmatchcase(value.cluster, filters.cluster):
        return False
    match value:
        case LinkStatus() | LagRollup():
            begins, ends = (value.at, value.at) if isinstance(value, LinkStatus) else (value.start, value.end)
            if isinstance(value, LagRollup) and value.window_s != filters.window_s:
                return False
            ends_of_link = (value.upstream, value.downstream)
            return (
                (isinstance(value, LinkStatus) or _is_within(begins, ends, filters))
                and fnmatchcase(value.link, filters.link)
                and fnmatchcase(value.verdict, filters.verdict)
                and _any(ends_of_link, filters.node)
            )
        case NodeStatus():
            return fnmatchcase(value.node, filters.node)
        case Incident():
            return (
                _is_within(value.opened_at, value.resolved_at, filters)
                and filters.state in (None, value.state)
                and fnmatchcase(value.severity, filters.severity)
                and _any(value.rules, filters.rule)
                and _any(value.affected.links, filters.link)
                and _any(value.affected.nodes, filters.node)
            )
        case Transition():
            about = value.subject
            return (
                _is_within(value.event_time, value.event_time, filters)
                and fnmatchcase(value.severity, filters.severity)
                and fnmatchcase(value.rule, filters.rule)
                and fnmatchcase(value.verdict or "", filters.verdict)
                and (filters.link == "*" or (about.kind == "link" and fnmatchcase(about.id, filters.link)))
                and _any([part for part in (about.node, about.upstream, about.downstream) if part], filters.node)
            )
    return False


def _is_within(begins: datetime, ends: datetime | None, filters: Filters) -> bool:
    """Whether a time span, which may go on, has a part between the two times."""
    if filters.since is not None and ends is not None and ends < filters.since:
        return False
    return filters.until is None or begins <= filters.until


def _any(values: Sequence[str], pattern: str) -> bool:
    return pattern == "*" or any(fnmatchcase(value, pattern) for value in values)
