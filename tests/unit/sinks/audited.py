"""Results of audits and changes of servers with defaults for everything that a test does not care about."""

from datetime import datetime, timedelta
from typing import Any

from leadline.model.alert import Subject
from leadline.model.audit_result import AuditCounts, AuditedFinding, AuditResult
from leadline.model.change_record import ChangeRecord
from leadline.model.ids import ClusterName, NodeName, node_id
from leadline.model.incident import Change
from leadline.wire import timestamp

TITLES = {
    "PG-SBY-001": "Queries on a standby may stop replay for ever",
    "PG-SBY-003": "Queries on a standby may stop replay from the archive for ever",
    "PG-LOG-010": "A subscriber cannot see where rows were changed",
    "PG-WAL-002": "Slots may keep WAL without limit",
}


def finding(rule: str, node: str, since: datetime, **changes: Any) -> AuditedFinding:
    """A rule that one server violates."""
    given: dict[str, Any] = {
        "finding_id": f"f_{rule}_{node}",
        "rule": rule,
        "title": TITLES.get(rule, "A rule"),
        "severity": "warning",
        "subject": Subject(kind="node", id=f"orders/{node}", node=NodeName(node)),
        "nodes": (NodeName(node),),
        "summary": f"{node} violates {rule}",
        "since": since,
    }
    return AuditedFinding(**given | changes)


def audit(at: datetime, *findings: AuditedFinding, **changes: Any) -> AuditResult:
    """An audit of three servers with these findings."""
    by = [each.severity for each in findings if each.accepted is None]
    given: dict[str, Any] = {
        "audit_id": f"orders/{timestamp(at)}",
        "cluster": ClusterName("orders"),
        "audited_at": at,
        "facts_as_of": "2024-04-01",
        "nodes": tuple(map(NodeName, ("pg-1", "pg-2", "pg-3"))),
        "score": max(0, 100 - 25 * by.count("critical") - 5 * by.count("warning")),
        "counts": AuditCounts(
            critical=by.count("critical"),
            warning=by.count("warning"),
            info=by.count("info"),
            accepted=len(findings) - len(by),
            held=140,
        ),
        "findings": findings,
    }
    return AuditResult(**given | changes)


def change_record(at: datetime, setting: str = "max_slot_wal_keep_size", **changes: Any) -> ChangeRecord:
    """A setting that changed on pg-1."""
    given: dict[str, Any] = {
        "node": NodeName("pg-1"),
        "setting": setting,
        "from_": "10GB",
        "to": "1GB",
        "at": at,
        "after": at - timedelta(seconds=1),
        "source": "configuration file",
        "file": "/etc/postgresql/17/main/postgresql.conf",
        "line": 812,
    }
    cluster = ClusterName(changes.pop("cluster", "orders"))
    change = Change(**given | changes)
    ident = f"{node_id(cluster, change.node)}/{change.setting}/{timestamp(change.at)}"
    return ChangeRecord(change_id=ident, cluster=cluster, datacenter="fra1", change=change)
