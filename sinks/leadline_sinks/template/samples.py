"""Notifications on which templates are tried: with everything, with little, and with texts that break careless ones."""

from datetime import UTC, datetime, timedelta

from msgspec.structs import replace

from leadline.model.action import Action
from leadline.model.alert import Evidence, Subject
from leadline.model.ids import AlertId, ClusterName, NodeName, incident_id
from leadline.model.incident import Cause, Change, Incident, Step, TimelineEntry
from leadline_sinks.notify.sink import Notification

BEGAN = datetime(2026, 4, 10, 10, 0, 3, tzinfo=UTC)
HARD = 'a "name" with \\ and a line\nbreak, <b>, {{ braces }} and ü'
"""A text as a server may have it."""


def samples() -> dict[str, Notification]:
    """The notifications by name."""
    full, hard = _incident("orders", "replay on pg-2 is blocked by a query"), _incident(HARD, HARD)
    least = Incident(
        **{name: getattr(full, name) for name in ("incident_id", "cluster", "opened_at", "detected_at", "labels")},
        seq=1,
        datacenters=[],
        state="open",
        severity="warning",
        title="orders: something is wrong",
        cause_at=None,
        resolved_at=None,
        causes=[],
        alerts=[],
        changes=[],
        timeline=[],
    )
    taken = Action(
        action_id="act_1", incident_id=full.incident_id, kind="acknowledge", by="ada", at=BEGAN + timedelta(seconds=60)
    )
    return {
        "opened": Notification(full, "opened", tuple(full.timeline), tuple(full.changes)),
        "acknowledged": Notification(full, "acknowledged", actions=(taken,)),
        "resolved": Notification(_ended(full), "resolved"),
        "with little": Notification(least, "opened"),
        "with texts that need care": Notification(hard, "opened", tuple(hard.timeline), tuple(hard.changes)),
    }


def _incident(cluster: str, what: str) -> Incident:
    node = NodeName("pg-2")
    cause = Cause(
        code="standby_query_blocks_replay",
        confidence=0.94,
        subject=Subject(kind="link", id=f"{cluster}/pg-1->pg-2", upstream=NodeName("pg-1"), downstream=node),
        summary=f"query pid 4711 on pg-2 holds a snapshot that replay waits for: {what}",
        steps=[Step(risk="careful", node=node, sql="SELECT pg_terminate_backend(4711)")],
        fix="On pg-2: SELECT pg_terminate_backend(4711);",
        evidence_for=[Evidence(name="replay_lsn", node=node, value="0/5000148", note="unchanged for 40 s")],
        evidence_against=[],
    )
    return Incident(
        incident_id=incident_id(ClusterName("orders"), BEGAN),
        seq=1,
        cluster=ClusterName(cluster),
        datacenters=["fra1"],
        state="open",
        severity="critical",
        title=f"{cluster}: {what}",
        opened_at=BEGAN,
        detected_at=BEGAN + timedelta(seconds=2),
        cause_at=BEGAN + timedelta(seconds=3),
        resolved_at=None,
        causes=[cause],
        alerts=[AlertId("a_5f1c")],
        changes=[Change(node=node, setting="max_standby_streaming_delay", from_="30s", to="-1", at=BEGAN)],
        timeline=[TimelineEntry(at=BEGAN + timedelta(seconds=2), what=f"replication_lag fires: {what}")],
        labels={"team": "payments"},
        rules=["replication_lag"],
    )


def _ended(about: Incident) -> Incident:
    at = BEGAN + timedelta(seconds=300)
    timeline = [*about.timeline, TimelineEntry(at=at, what="resolved: replay goes on")]
    return replace(about, seq=9, state="resolved", resolved_at=at, timeline=timeline)
