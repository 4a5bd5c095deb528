"""A record of Kafka as a row of the log. Pure.

PostgreSQL's text holds neither NUL characters nor lone surrogates. In the columns they are made visible; ``record``
holds the whole value in ASCII with everything else escaped, so nothing is lost.
"""

import json
from datetime import datetime
from typing import Any, Final

import msgspec

from leadline.logs import escape
from leadline.model.action import Action
from leadline.model.alert import Transition
from leadline.model.delivery import Delivery
from leadline.model.incident import Incident
from leadline.wire import timestamp
from leadline_sinks.incident_log.chain import Kind, Row
from leadline_sinks.notify.sink import Entry

ACTIONS: Final[dict[str, Kind]] = {"acknowledge": "acknowledgement", "note": "note"}


def row(entry: Entry) -> Row:
    """What is written down of a record."""
    value = entry.value
    match value:
        case Transition():
            return _row(
                entry,
                kind="transition",
                alert_id=value.alert_id,
                cluster=value.cluster,
                what=f"{value.rule} {value.from_} → {value.to}: {value.summary}",
                at=value.event_time,
            )
        case Incident():
            told = value.timeline[-1].at if value.timeline else value.detected_at
            return _row(
                entry,
                kind="incident",
                incident_id=value.incident_id,
                cluster=value.cluster,
                what=f"{value.state}, {value.severity}: {value.title}",
                at=value.resolved_at or told,
            )
        case Action():
            return _row(
                entry,
                kind=ACTIONS[value.kind],
                incident_id=value.incident_id,
                who=value.by,
                what=value.text or value.kind,
                at=value.at,
            )
        case Delivery():
            why = f" ({value.reason})" if value.reason else ""
            return _row(
                entry,
                kind="suppression" if value.outcome == "suppressed" else "notification",
                incident_id=value.incident_id,
                who=value.target,
                outcome=value.outcome,
                what=f"{value.target}: {value.occasion} {value.outcome}{why}",
                at=value.at,
            )
    raise TypeError(f"the incident log has no row for a {type(value).__name__}")


def visible(text: str) -> str:
    """Text as PostgreSQL can hold it: NUL and lone surrogates as escapes, everything else as it is."""
    if "\0" in text:
        text = text.replace("\0", "\\x00")
    return text.encode("utf-8", "backslashreplace").decode()


def exact(value: msgspec.Struct) -> str:
    """The whole value as JSON in ASCII, the same for the same value; the wire's decoder reads it."""
    plain = msgspec.to_builtins(value, builtin_types=(datetime,))
    return json.dumps(plain, default=timestamp, ensure_ascii=True, sort_keys=True, separators=(",", ":"))


def _row(entry: Entry, *, kind: Kind, what: str, at: datetime, **columns: Any) -> Row:
    texts = dict.fromkeys(("incident_id", "alert_id", "cluster", "who", "outcome")) | {
        name: visible(text) for name, text in columns.items()
    }
    return Row(
        kind=kind,
        event_id=visible(entry.event_id),
        what=escape(what),
        at=at,
        source=visible(f"{entry.topic}/{entry.partition}/{entry.offset}"),
        record=exact(entry.value),
        **texts,
    )
