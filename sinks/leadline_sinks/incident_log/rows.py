"""A record of Kafka as a row of the incident log. Pure.

PostgreSQL's type text holds neither NUL characters nor lone surrogates. In the columns they are replaced by visible
escapes; ``record`` holds the complete value as JSON in ASCII, so nothing is lost.
"""

import json
from datetime import datetime
from typing import Any, Final

import msgspec

from leadline.headline import first_line
from leadline.logs import escape
from leadline.model.action import Action
from leadline.model.alert import Transition
from leadline.model.audit_result import AuditResult
from leadline.model.change_record import ChangeRecord
from leadline.model.delivery import Delivery
from leadline.model.incident import Incident
from leadline.setting_words import in_words
from leadline.wire import timestamp
from leadline_sinks.incident_log.chain import Row, RowKind
from leadline_sinks.incident_log.history_words import outcome
from leadline_sinks.notify.sink import TopicRecord

ACTIONS: Final[dict[str, RowKind]] = {"acknowledge": "acknowledgement", "note": "note"}


def row(record: TopicRecord) -> Row:
    """The row of a record."""
    value = record.value
    match value:
        case Transition():
            return _row(
                record,
                kind="transition",
                alert_id=value.alert_id,
                cluster=value.cluster,
                what=f"{value.rule} {value.from_} → {value.to}: {value.summary}",
                at=value.event_time,
            )
        case Incident():
            newest = value.timeline[-1].at if value.timeline else value.detected_at
            return _row(
                record,
                kind="incident",
                incident_id=value.incident_id,
                cluster=value.cluster,
                what=f"{value.state}, {value.severity}: {first_line(value)}",
                at=max((each.at for each in value.recurrences), default=value.resolved_at or newest),
            )
        case Action():
            return _row(
                record,
                kind=ACTIONS[value.kind],
                incident_id=value.incident_id,
                who=value.by,
                what=value.text or value.kind,
                at=value.at,
            )
        case Delivery():
            why = f" ({value.reason})" if value.reason else ""
            return _row(
                record,
                kind="suppression" if value.outcome == "suppressed" else "notification",
                incident_id=value.incident_id,
                who=value.target,
                outcome=value.outcome,
                what=f"{value.target}: {value.occasion} {value.outcome}{why}",
                at=value.at,
            )
        case ChangeRecord():
            return _row(
                record,
                kind="change",
                cluster=value.cluster,
                what=in_words(value.change),
                at=value.change.at,
            )
        case AuditResult():
            return _row(record, kind="audit", cluster=value.cluster, what=outcome(value), at=value.audited_at)
    raise TypeError(f"no row of the incident log is defined for {type(value).__name__}")


def incident_columns(incident: Incident) -> dict[str, object]:
    """The columns of ``leadline.incident`` that come from one record."""
    return {
        "incident_id": visible(incident.incident_id),
        "seq": incident.seq,
        "cluster": visible(incident.cluster),
        "state": incident.state,
        "severity": incident.severity,
        "title": visible(incident.title),
        "cause": visible(incident.causes[0].code) if incident.causes else None,
        "parent": visible(incident.parent) if incident.parent is not None else None,
        "opened_at": incident.opened_at,
        "detected_at": incident.detected_at,
        "cause_at": incident.cause_at,
        "resolved_at": incident.resolved_at,
        "merged_into": visible(incident.merged_into) if incident.merged_into is not None else None,
        "reopened": incident.reopened,
        "generation": incident.generation,
        "worst_lag_s": incident.worst_lag_s,
        "affected_links": [visible(link) for link in incident.affected.links],
        "affected_nodes": [visible(node) for node in incident.affected.nodes],
        "recurrence_rules": [visible(each.rule) for each in incident.recurrences],
    }


def visible(text: str) -> str:
    """Text that PostgreSQL can store: NUL characters and lone surrogates as escapes, everything else unchanged."""
    if "\0" in text:
        text = text.replace("\0", "\\x00")
    return text.encode("utf-8", "backslashreplace").decode()


def exact(value: msgspec.Struct) -> str:
    """The complete value as canonical JSON in ASCII, which the decoder of the wire reads."""
    plain = msgspec.to_builtins(value, builtin_types=(datetime,))
    return json.dumps(plain, default=timestamp, ensure_ascii=True, sort_keys=True, separators=(",", ":"))


def _row(record: TopicRecord, *, kind: RowKind, what: str, at: datetime, **columns: Any) -> Row:
    texts = dict.fromkeys(("incident_id", "alert_id", "cluster", "who", "outcome")) | {
        name: visible(text) for name, text in columns.items()
    }
    return Row(
        kind=kind,
        event_id=visible(record.event_id),
        what=escape(what),
        at=at,
        source=visible(f"{record.topic}/{record.partition}/{record.offset}"),
        record=exact(record.value),
        **texts,
    )
