"""Records for the incident log, as its consumer makes them."""

from itertools import count
from typing import Any

from leadline.model.alert import Transition
from leadline.model.delivery import Delivery
from leadline.model.ids import AlertId, ClusterName
from leadline.wire import Addressed, outgoing
from leadline_sinks.notify.sink import TopicRecord
from tests.unit.sinks.made import cause, incident, later

_offsets = count()


def topic_record(value: Addressed) -> TopicRecord:
    """A record with this value and its identity."""
    record = outgoing(value, "")
    headers = {name: header.decode() for name, header in record.headers}
    return TopicRecord(record.topic, f"{headers['ce_source']}#{headers['ce_id']}", 0, next(_offsets), value)


def transition(seq: int = 1, **changes: Any) -> Transition:
    """A transition of the alert of ``made.incident()``."""
    given: dict[str, Any] = {
        "alert_id": AlertId("a_5f1c"),
        "seq": seq,
        "cluster": ClusterName("orders"),
        "datacenter": "fra1",
        "rule": "replication_lag",
        "subject": cause().subject,
        "from_": "pending",
        "to": "firing",
        "reason": "breach",
        "severity": "critical",
        "event_time": later(2),
        "started_at": later(0),
        "value": 42.5,
        "threshold": 30.0,
        "unit": "s",
        "window_s": 30.0,
        "verdict": "replay_stalled",
        "summary": "pg-2 is 42 s behind pg-1 and not catching up",
        "evidence": [],
        "observers": [],
        "runbook": "docs/runbooks/replication_lag.md",
        "labels": {},
    }
    return Transition(**given | changes)


def delivery(target: str = "slack", **changes: Any) -> Delivery:
    """A delivery of ``made.incident()``."""
    given: dict[str, Any] = {
        "incident_id": incident().incident_id,
        "target": target,
        "sink": target,
        "outcome": "sent",
        "at": later(5),
        "seq": 1,
        "occasion": "opened",
        "severity": "critical",
        "state": "open",
    }
    return Delivery(**given | changes)
