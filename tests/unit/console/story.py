"""Values of an incident from its beginning on, with audits, verifications and deliveries, relative to a given time."""

from datetime import datetime, timedelta
from typing import Any

from leadline.model.alert import Evidence, Step, Subject, Transition
from leadline.model.audit_result import AuditCounts, AuditedFinding, AuditResult, FindingAcceptance, NotJudged
from leadline.model.delivery import Delivery
from leadline.model.ids import AlertId, ClusterName, LinkId, NodeName, setting_id
from leadline.model.incident import Affected, Incident, TimelineEntry
from leadline.model.node import LinkKind
from leadline.model.silence import Silence
from leadline.model.verification import (
    ChunkCounts,
    ReportedRow,
    SchemaDifference,
    TableDifference,
    TableVerification,
    Verification,
)
from leadline_sinks.notify.announcement_records import opened
from tests.unit.sinks.made import cause, change, incident

LINK = LinkId("orders/pg-1->pg-2")


def blocked(at: datetime, **changes: Any) -> Incident:
    """An incident that began three minutes before ``at``: a query blocks replay; a second cause is less likely."""
    opened = at - timedelta(minutes=3)
    other = cause(
        "standby_disk_slow",
        confidence=0.3,
        summary="the disk of pg-2 may be slow",
        steps=[Step(risk="look", node=NodeName("pg-2"), text="Look at the latency of its disk.")],
        not_seen=[Evidence(name="disk_wait", value="unknown", note="agents do not read the disk of a managed server")],
    )
    given: dict[str, Any] = {
        "opened_at": opened,
        "causes": [
            cause(
                evidence_against=[Evidence(name="replay_paused", node="pg-2", value="false")],
                not_seen=[Evidence(name="locks", value="unknown", note="grant pg_monitor to see them")],
                steps=[
                    Step(risk="look", node=NodeName("pg-2"), sql="SELECT pid, query FROM pg_stat_activity"),
                    Step(risk="careful", node=NodeName("pg-2"), sql="SELECT pg_terminate_backend(4711)"),
                ],
            ),
            other,
        ],
        "worst_lag_s": 42.0,
        "affected": Affected(links=[LINK], nodes=[NodeName("pg-2")]),
        "changes": [change()],
        "timeline": [
            TimelineEntry(at=opened + timedelta(seconds=2), what="replication_lag fires: pg-2 is behind"),
            TimelineEntry(at=opened + timedelta(seconds=4), what="cause: standby_query_blocks_replay"),
        ],
    }
    return incident(**given | changes)


def delivery(about: Incident, target: str = "slack", outcome: Any = "sent", **changes: Any) -> Delivery:
    """The decision about an incident and a target, five seconds after its first alert."""
    at = about.detected_at + timedelta(seconds=5)
    given: dict[str, Any] = {
        "incident_id": about.incident_id,
        "target": target,
        "sink": target,
        "outcome": outcome,
        "at": at,
        "seq": about.seq if outcome == "sent" else 0,
        "occasion": "opened",
        "severity": about.severity,
        "state": "open",
        "first_at": at if outcome == "sent" else None,
    }
    return Delivery(**given | changes)


def silence(at: datetime, **changes: Any) -> Silence:
    """A silence of cluster billing that holds for an hour from ``at`` on."""
    given: dict[str, Any] = {
        "silence_id": "sil_0123456789ab",
        "matchers": {"cluster": "billing"},
        "starts_at": at,
        "ends_at": at + timedelta(hours=1),
        "created_by": "ada",
        "comment": "resize of pg-2",
    }
    return Silence(**given | changes)


def announcement(at: datetime, of: Silence) -> Incident:
    """The record that announces that a silence has begun."""
    return opened([of], ClusterName(of.matchers["cluster"]), at)


def finding(rule: str = "PG-WAL-002", severity: Any = "critical", **changes: Any) -> AuditedFinding:
    """A finding about pg-1 of cluster orders."""
    given: dict[str, Any] = {
        "finding_id": f"f_{rule}",
        "rule": rule,
        "title": "Slots may keep WAL without a limit",
        "severity": severity,
        "subject": Subject(kind="node", id="orders/pg-1", node=NodeName("pg-1")),
        "nodes": (NodeName("pg-1"),),
        "summary": "slots on pg-1 may fill the disk",
        "value": "max_slot_wal_keep_size = -1",
        "since": datetime.fromisoformat("2026-04-01T00:00:00Z"),
    }
    return AuditedFinding(**given | changes)


def audit(at: datetime) -> AuditResult:
    """An audit of cluster orders with a critical finding, a warning and an accepted one."""
    accepted = FindingAcceptance(owner="ada", reason="a test system", until="2027-06-30")
    return AuditResult(
        audit_id="orders/1",
        cluster=ClusterName("orders"),
        audited_at=at,
        facts_as_of="2026-11-29",
        nodes=(NodeName("pg-1"), NodeName("pg-2")),
        score=70,
        counts=AuditCounts(critical=1, warning=1, accepted=1, held=40, not_judged=1),
        findings=(
            finding("PG-SBY-001", "critical", accepted=accepted, summary="queries may stop replay of pg-2"),
            finding("PG-CFG-004", "warning", summary="wal_compression is off"),
            finding(),
        ),
        not_judged=(NotJudged(rule="PG-SEC-002", subject="orders/pg-2", reason="pg_hba.conf was not read"),),
    )


def notice(at: datetime) -> Incident:
    """The notice about the critical finding, with the steps of its repair."""
    about = setting_id("orders", "PG-WAL-002")
    repair = cause(
        "set_up_wrong",
        confidence=1.0,
        subject=Subject(kind="setting", id=about, name="PG-WAL-002"),
        summary="slots on pg-1 may fill the disk",
        steps=[Step(risk="safe", node=NodeName("pg-1"), sql="ALTER SYSTEM SET max_slot_wal_keep_size = '64GB'")],
    )
    return incident(
        opened_at=at - timedelta(hours=1),
        incident_id="inc_orders_notice",
        class_="notice",
        severity="warning",
        title="orders: Slots may keep WAL without a limit (PG-WAL-002): pg-1",
        causes=[repair],
        rules=["audit_finding"],
    )


def verification(at: datetime, downstream: str = "pg-2", outcome: Any = "different", **changes: Any) -> Verification:
    """A comparison that ended a minute before ``at``."""
    kind: LinkKind = "physical"
    differs = TableDifference(
        table="public.accounts", missing=2, changed=1, first=[ReportedRow(kind="missing", key="id=5")]
    )
    equal_at = at - timedelta(minutes=1)
    tables = [
        TableVerification(
            table="public.history", rows_compared=1000, coverage=1.0, chunks=ChunkCounts(matching=3),
            compared_at=equal_at, equal_at=equal_at,
        ),
        TableVerification(
            table="public.accounts", rows_compared=500, coverage=1.0, chunks=ChunkCounts(matching=1, different=1),
            difference=differs if outcome == "different" else None, compared_at=equal_at,
            equal_at=equal_at if outcome == "equal" else None,
        ),
    ]  # fmt: skip
    given: dict[str, Any] = {
        "cluster": "orders",
        "link": f"orders/pg-1->{downstream}",
        "upstream": "pg-1",
        "downstream": downstream,
        "link_kind": kind,
        "run_id": "r1",
        "started_at": at - timedelta(minutes=2),
        "ended_at": at - timedelta(minutes=1),
        "asked_at": at - timedelta(days=2),
        "outcome": outcome,
        "canary": "found",
        "tables": tables,
        "equal_at": equal_at if outcome == "equal" else None,
        "schema_differences": [
            SchemaDifference(
                code="column_missing", table="public.history", detail="pg-2 lacks column note", breaks=True
            )
        ]
        if outcome == "different"
        else [],
    }
    return Verification(**given | changes)


def blind_alert(at: datetime, rule: str = "rule_blind", group: str = "slots", node: str = "pg-1") -> Transition:
    """The alert that a group of samples of a node is not seen."""
    return Transition(
        alert_id=AlertId(f"a_{rule}_{node}"),
        seq=1,
        cluster=ClusterName("orders"),
        datacenter="fra1",
        rule=rule,
        subject=Subject(kind="node", id=f"orders/{node}", node=NodeName(node)),
        from_="pending",
        to="firing",
        reason="breach",
        severity="warning",
        event_time=at,
        started_at=at,
        value=1.0,
        threshold=1.0,
        unit="groups",
        window_s=0.0,
        verdict=None,
        summary=f"rules are blind on {node}: {group}: refused to everybody",
        evidence=[Evidence(name="not_supported", value=group, node=node)],
        observers=[NodeName(node)],
        runbook=f"docs/runbooks/{rule}.md",
        labels={},
    )
