"""Incidents and notifications with defaults for everything that a test does not care about."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any
from zlib import crc32

import msgspec

from leadline.model.action import Action
from leadline.model.alert import Evidence, Subject
from leadline.model.ids import AlertId, ClusterName, IncidentId, NodeName, incident_id
from leadline.model.incident import Cause, Change, Incident, Recurrence, Step, TimelineEntry
from leadline.steps import fix_of
from leadline_sinks.notify.sink import Notification

START = datetime(2026, 4, 10, 10, 0, 3, 120000, UTC)

HOSTILE = [
    "<!channel> <@U012AB3CD> @here *bold* `code` &lt;",
    "a\0b",
    "\x1b[2J\x1b]0;owned\x07",
    "\u202egnp.exe",
    "line\r\nlevel=error forged=yes",
    "n" * 10_240,
    "𝔸" * 3000,
    "",
]
"""Names that a server may hold and that break careless code."""


def later(seconds: float) -> datetime:
    """A time in seconds since ``START``."""
    return START + timedelta(seconds=seconds)


def cause(code: str = "standby_query_blocks_replay", **changes: Any) -> Cause:
    """A cause with everything a message shows."""
    subject = Subject(kind="link", id="orders/pg-1->pg-2", upstream=NodeName("pg-1"), downstream=NodeName("pg-2"))
    given: dict[str, Any] = {
        "code": code,
        "confidence": 0.94,
        "subject": subject,
        "summary": "query pid 4711 on pg-2 holds a snapshot that replay waits for",
        "steps": [Step(risk="careful", node=NodeName("pg-2"), sql="SELECT pg_terminate_backend(4711)")],
        "evidence_for": [
            Evidence(name="replay_lsn", node=NodeName("pg-2"), value="0/5000148", note="unchanged for 40 s")
        ],
        "evidence_against": [],
    }
    given |= changes
    return Cause(**{"fix": fix_of(given["steps"])} | given)


UNKNOWN = cause(
    "unknown",
    confidence=0.0,
    summary="no known signature fits what the agents see",
    steps=[],
    fix="Read the server log of pg-2.",
)
"""A cause of an older record, whose fix is text only."""


def incident(seq: int = 1, **changes: Any) -> Incident:
    """An open, critical incident of cluster ``orders`` whose cause is named."""
    cluster = ClusterName(changes.pop("cluster", "orders"))
    opened_at = changes.pop("opened_at", START)
    given: dict[str, Any] = {
        "incident_id": incident_id(cluster, opened_at),
        "seq": seq,
        "cluster": cluster,
        "datacenters": ["fra1"],
        "state": "open",
        "severity": "critical",
        "title": f"{cluster}: replay on pg-2 is blocked by a query",
        "opened_at": opened_at,
        "detected_at": opened_at + timedelta(seconds=2),
        "cause_at": opened_at + timedelta(seconds=3),
        "resolved_at": None,
        "causes": [cause()],
        "alerts": [AlertId("a_5f1c")],
        "changes": [],
        "timeline": [TimelineEntry(at=opened_at + timedelta(seconds=2), what="replication_lag fires: pg-2 is behind")],
        "labels": {"team": "payments"},
        "rules": ["replication_lag"],
    }
    return Incident(**given | changes)


def resolved(seq: int = 9, **changes: Any) -> Incident:
    """The same incident, resolved; ``why`` is what ended it."""
    at, why = changes.pop("resolved_at", later(300)), changes.pop("why", "")
    over = incident(seq, **changes)
    timeline = [*over.timeline, TimelineEntry(at=at, what=f"resolved: {why}" if why else "resolved")]
    return msgspec.structs.replace(over, state="resolved", resolved_at=at, timeline=timeline)


def change(setting: str = "max_standby_streaming_delay") -> Change:
    """A changed setting."""
    return Change(node=NodeName("pg-2"), setting=setting, from_="30s", to="-1", at=later(-60))


def action(kind: Any = "acknowledge", number: int = 1, **changes: Any) -> Action:
    """An acknowledgement or note about ``incident()``."""
    given: dict[str, Any] = {
        "action_id": f"act_{number}",
        "incident_id": incident().incident_id,
        "kind": kind,
        "by": "ada",
        "text": "" if kind == "acknowledge" else "looking at it",
        "at": later(30),
    }
    return Action(**given | changes)


def notification(occasion: Any = "opened", **changes: Any) -> Notification:
    """A notification about ``incident()``, with its timeline and changes as news."""
    usual = {"resolved": resolved(), "recurrence": resolved(10, recurrences=[recurrence()])}
    about = changes.pop("incident", None) or usual.get(occasion) or incident()
    given: dict[str, Any] = {"news": tuple(about.timeline), "changes": tuple(about.changes)}
    return Notification(about, occasion, **given | changes)


def with_receipt(given: Notification, receipt: Mapping[str, str]) -> Notification:
    """A notification with the receipt of the previous one."""
    return replace(given, receipt=receipt)


def life() -> list[Notification]:
    """One notification for each occasion, in the order of an incident's lifecycle."""
    taken = action()
    return [
        notification("opened", incident=incident(1, causes=[UNKNOWN], severity="warning", changes=[change()])),
        notification("updated", incident=incident(2, severity="warning", changes=[change()]), changes=()),
        notification("escalated", incident=incident(3)),
        notification("acknowledged", incident=incident(3, acknowledged_by="ada"), actions=(taken,), news=()),
        notification("noted", incident=incident(3, acknowledged_by="ada"), actions=(action("note", 2),), news=()),
        notification("repeated", incident=incident(4), news=()),
        notification("resolved", incident=resolved(5, acknowledged_by="ada")),
        notification("recurrence", incident=resolved(6, recurrences=[recurrence()]), news=(), changes=()),
    ]


def recurrence(**changes: Any) -> Recurrence:
    """A measure that was found undone a day after the end."""
    given: dict[str, Any] = {
        "rule": "PG-SBY-001",
        "title": "Queries on a standby may stop replay for ever",
        "subject": "orders/pg-2",
        "summary": "pg-2 lets queries stop replay for ever",
        "measure": "Set max_standby_streaming_delay to a finite value on every standby.",
        "at": later(90_000),
    }
    return Recurrence(**given | changes)


def hostile(name: str) -> Incident:
    """An incident in which every foreign text is ``name``."""
    return msgspec.structs.replace(
        incident(cluster=name or "x"),
        incident_id=IncidentId(f"inc_hostile_{crc32(name.encode())}"),
        datacenters=[name],
        title=f"{name}: {name}",
        causes=[
            cause(
                summary=name,
                steps=[
                    Step(risk="destructive", node=NodeName(name), database=name, sql=name),
                    Step(risk="careful", node=NodeName(name), text=name),
                ],
                subject=Subject(kind="node", id=name, node=NodeName(name)),
                evidence_for=[Evidence(name=name, node=NodeName(name), value=name, note=name)] * 16,
                evidence_against=[Evidence(name=name, value=name)],
                not_seen=[Evidence(name=name, value=name, note=name)] * 2,
            )
        ]
        * 5,
        changes=[Change(node=NodeName(name), setting=name, from_=name, to=name, at=START)] * 30,
        timeline=[TimelineEntry(at=START, what=name)] * 50,
        labels={name: name},
        rules=[name],
    )
