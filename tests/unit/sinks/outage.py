"""The outage of 16 hours, as a history of the incident log."""

from datetime import UTC, datetime, timedelta
from typing import Any

from leadline.model.action import Action
from leadline.model.alert import Evidence, Subject, Transition
from leadline.model.delivery import Delivery
from leadline.model.ids import AlertId, ClusterName, IncidentId, NodeName
from leadline.model.incident import SIGNS, Affected, Cause, Change, Incident, Step, TimelineEntry
from leadline.steps import fix_of
from leadline_sinks.incident_log.incident_history import IncidentHistory
from tests.unit.sinks.audited import audit, change_record, finding

BEGAN = datetime(2024, 4, 10, 10, 0, tzinfo=UTC)
ID = IncidentId("inc_orders_20240410T100000Z_7c1e")
LINK = Subject(
    kind="link",
    id="orders/pg-1->pg-2",
    upstream=NodeName("pg-1"),
    downstream=NodeName("pg-2"),
    link_kind="physical",
)
SUBSCRIPTION = Subject(
    kind="subscription", id="orders/pg-3/subscription/orders_sub", node=NodeName("pg-3"), name="orders_sub"
)


def at(seconds: float) -> datetime:
    """A time in seconds since the beginning."""
    return BEGAN + timedelta(seconds=seconds)


def step(alert: str, seq: int, seconds: float, to: Any, value: float, **changes: Any) -> Transition:
    given: dict[str, Any] = {
        "alert_id": AlertId(alert),
        "seq": seq,
        "cluster": ClusterName("orders"),
        "datacenter": "fra1",
        "rule": "replication_lag",
        "subject": LINK,
        "from_": "firing" if seq > 1 else "pending",
        "to": to,
        "reason": "clear" if to == "resolved" else "breach",
        "severity": "warning",
        "event_time": at(seconds),
        "started_at": BEGAN,
        "value": value,
        "threshold": 30.0,
        "unit": "s",
        "window_s": 30.0,
        "verdict": "replay_stalled",
        "summary": f"pg-2 is {value:g} s behind pg-1",
        "evidence": [],
        "observers": [],
        "runbook": "docs/runbooks/replication_lag.md",
        "labels": {},
    }
    return Transition(**given | changes)


def delivery(target: str, seconds: float, occasion: Any, **changes: Any) -> Delivery:
    given: dict[str, Any] = {
        "incident_id": ID,
        "target": target,
        "sink": target,
        "outcome": "sent",
        "at": at(seconds),
        "seq": 1,
        "occasion": occasion,
        "severity": "critical",
        "state": "open",
    }
    return Delivery(**given | changes)


CONFLICT: dict[str, Any] = {
    "rule": "apply_conflict",
    "subject": SUBSCRIPTION,
    "threshold": 1.0,
    "unit": "conflicts",
    "verdict": None,
    "runbook": "docs/runbooks/apply_conflict.md",
    "started_at": at(55),
}

STEPS = [
    Step(risk="careful", node=NodeName("pg-2"), sql="SELECT pg_terminate_backend(4711)"),
    Step(risk="safe", node=NodeName("pg-2"), sql="ALTER SYSTEM SET max_standby_streaming_delay = '30s'"),
    Step(risk="safe", node=NodeName("pg-2"), sql="SELECT pg_reload_conf()"),
]

INCIDENT = Incident(
    incident_id=ID,
    seq=9,
    cluster=ClusterName("orders"),
    datacenters=["fra1"],
    state="resolved",
    severity="critical",
    title="orders: replay on pg-2 is blocked by a query",
    opened_at=BEGAN,
    detected_at=at(34),
    cause_at=at(35),
    resolved_at=at(16 * 3600),
    causes=[
        Cause(
            code="standby_query_blocks_replay",
            confidence=0.98,
            subject=LINK,
            summary="pid 4711 on pg-2 (monthly_report, user report, idle in transaction, open for 34 s) holds a "
            "snapshot that replay on pg-2 waits for; max_standby_streaming_delay = -1 (unlimited) lets it wait "
            "indefinitely; max_standby_streaming_delay on pg-2 was changed from 30s to -1 (unlimited) at 09:58:12 UTC",
            fix=fix_of(STEPS),
            steps=STEPS,
            evidence_for=[
                Evidence(
                    name="startup_wait",
                    node="pg-2",
                    value="IPC/RecoveryConflictSnapshot",
                    note="replay has not moved for 34 s",
                ),
                Evidence(
                    name="blocker",
                    node="pg-2",
                    value="pid 4711, monthly_report, user report, idle in transaction, 34 s old",
                    note="SELECT count(*) FROM orders | tee",
                ),
                Evidence(name=SIGNS, value="gone since 01:52:31 UTC", note="the problem ended after that"),
            ],
            evidence_against=[],
        ),
        Cause(
            code="subscriber_local_writes",
            confidence=0.8,
            subject=SUBSCRIPTION,
            summary="rows of orders_sub were changed on pg-3 itself (insert_exists, update_missing)",
            fix="On pg-3: find who writes.",
            evidence_for=[],
            evidence_against=[],
        ),
    ],
    alerts=[AlertId("a_lag"), AlertId("a_conflict")],
    changes=[
        Change(
            node=NodeName("pg-2"),
            setting="max_standby_streaming_delay",
            from_="30s",
            to="-1",
            at=at(-108),
            after=at(-109),
            source="configuration file",
            file="/var/lib/postgresql/16/main/postgresql.auto.conf",
            line=3,
        ),
        Change(node=NodeName("pg-3"), setting="track_commit_timestamp", from_="on", to="off", at=at(-90)),
        Change(
            node=NodeName("pg-2"),
            setting="max_standby_streaming_delay",
            from_="-1",
            to="30s",
            at=at(57_000),
        ),
    ],
    timeline=[
        TimelineEntry(at=at(-108), what="max_standby_streaming_delay on pg-2: 30s → -1 (unlimited)"),
        TimelineEntry(at=at(-90), what="track_commit_timestamp on pg-3: on → off"),
        TimelineEntry(at=at(34), what="replication_lag fires: pg-2 is 34 s behind pg-1"),
        TimelineEntry(at=at(35), what="cause: standby_query_blocks_replay: pid 4711 on pg-2 holds a snapshot"),
        TimelineEntry(at=at(65), what="apply_conflict fires: 2 row conflicts in subscription orders_sub on pg-3"),
        TimelineEntry(at=at(304), what="replication_lag is critical now: pg-2 is 304 s behind pg-1"),
        TimelineEntry(at=at(57_000), what="max_standby_streaming_delay on pg-2: -1 (unlimited) → 30s"),
        TimelineEntry(at=at(57_560), what="replication_lag resolved: pg-2 has caught up with pg-1"),
        TimelineEntry(at=at(57_600), what="resolved: replay no longer waits for a session, since 01:52:31 UTC"),
    ],
    labels={"team": "payments"},
    rules=["replication_lag", "apply_conflict"],
    worst_lag_s=57_526.0,
    affected=Affected(links=["orders/pg-1->pg-2"], nodes=[NodeName("pg-3")], lags_s={"orders/pg-1->pg-2": 57_526.0}),
)

ARCHIVE_DELAY = {
    "summary": "queries on pg-2 may stop replay from the archive for ever: max_standby_archive_delay is -1",
    "value": "max_standby_archive_delay = -1",
}
BEFORE = audit(at(-12 * 3600), finding("PG-SBY-003", "pg-2", at(-36 * 3600), **ARCHIVE_DELAY))
LATEST = audit(
    at(60 * 3600),
    finding("PG-LOG-010", "pg-3", at(12 * 3600), summary="pg-3 does not record the origin of rows"),
    finding("PG-SBY-003", "pg-2", at(-36 * 3600), **ARCHIVE_DELAY),
)

OUTAGE = IncidentHistory(
    incident=INCIDENT,
    audit_before=BEFORE,
    audit_latest=LATEST,
    changes_before=(
        change_record(
            at(-40 * 3600),
            "max_standby_archive_delay",
            node=NodeName("pg-2"),
            from_="30s",
            to="-1",
            file="/etc/postgresql/16/main/postgresql.conf",
            line=341,
        ),
    ),
    transitions=(
        step("a_lag", 1, 34, "firing", 34.0),
        step("a_lag", 2, 304, "firing", 304.0, severity="critical", threshold=300.0, reason="escalate"),
        step("a_conflict", 1, 65, "firing", 2.0, **CONFLICT),
        step("a_lag", 3, 57_560, "resolved", 0.4, verdict="healthy"),
        step("a_conflict", 2, 57_580, "resolved", 0.0, **CONFLICT),
    ),
    deliveries=(
        delivery("pagerduty", 39, "opened"),
        delivery("slack", 44, "opened"),
        delivery("webhook", 44, "opened", outcome="given_up", reason="rejected"),
        delivery("slack", 65, "updated"),
        delivery("pagerduty", 65, "updated", outcome="nothing_new"),
        delivery("slack", 304, "escalated"),
        delivery("pagerduty", 57_600, "resolved", state="resolved"),
        delivery("slack", 57_600, "resolved", state="resolved"),
    ),
    actions=(
        Action(action_id="act_1", incident_id=ID, kind="acknowledge", by="ada", at=at(900)),
        Action(
            action_id="act_2",
            incident_id=ID,
            kind="note",
            by="grace",
            text="the report of the finance team runs on pg-2; its owner ends it",
            at=at(56_000),
        ),
    ),
)
