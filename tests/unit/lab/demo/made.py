"""An incident of the demo and what was observed of it, for the tests beside this file."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from leadline.model.alert import Subject, Transition
from leadline.model.incident import Cause, Incident, Step
from leadline.model.status import LinkStatus
from leadline.model.verification import ReportedRow, TableDifference, TableVerification, Verification
from leadline.steps import fix_of
from leadline_lab.demo.observed import Observed, VendorEvent
from leadline_lab.demo.postmortem import BLOCKED, DELAY, DUPLICATE, LOST, NEVER, ORIGIN, SKIPPED

START = datetime(2026, 4, 10, 10, 0, tzinfo=UTC)
LINK = Subject(kind="link", id="demo/pg-1->pg-2", upstream="pg-1", downstream="pg-2", link_kind="physical")
SUMMARY = (
    f"query pid 4711 on pg-2 holds a snapshot; {DELAY} = -1 lets it wait; {DELAY} on pg-2 was changed from 30000 ms"
)
HIDDEN = f"insert_exists; {ORIGIN} is off; {ORIGIN} on pg-4 was changed from on to off"
STEPS = [
    Step(risk="careful", node="pg-2", sql="SELECT pg_terminate_backend(4711)"),
    Step(risk="careful", node="pg-2", sql=f"ALTER SYSTEM SET {DELAY} = '30s'"),
    Step(risk="careful", node="pg-2", sql="SELECT pg_reload_conf();"),
]


def at(seconds: float) -> datetime:
    return START + timedelta(seconds=seconds)


def cause(code: str, summary: str, steps: Sequence[Step] = ()) -> Cause:
    about = {"confidence": 0.98, "subject": LINK, "evidence_for": [], "evidence_against": []}
    return Cause(code=code, summary=summary, fix=fix_of(steps), steps=list(steps), **about)


def second(**fields: Any) -> Incident:
    """The open incident about the subscriber, but for the fields given."""
    given: dict[str, Any] = {
        "incident_id": "inc_demo_2",
        "title": "demo: subscription pg_4 on pg-4 stops at a duplicate key",
        "opened_at": at(20),
        "causes": [cause(DUPLICATE, HIDDEN), cause(SKIPPED, LOST)],
        "rules": ["apply_conflict", "data_divergence"],
    }
    return incident(**(given | fields))


def incident(**fields: Any) -> Incident:
    """The open incident about the standby, but for the fields given."""
    given: dict[str, Any] = {
        "incident_id": "inc_demo_1",
        "seq": 1,
        "cluster": "demo",
        "datacenters": ["fra1"],
        "state": "open",
        "severity": "critical",
        "title": "demo: replay on pg-2 is blocked by a query",
        "opened_at": at(0),
        "detected_at": at(3),
        "cause_at": at(3),
        "resolved_at": None,
        "causes": [cause(BLOCKED, SUMMARY, STEPS), cause("config_changed", SUMMARY)],
        "alerts": [],
        "changes": [],
        "timeline": [],
        "labels": {"demo": "true"},
    }
    return Incident(**(given | fields))


def alert(rule: str, to: Any, **fields: Any) -> Transition:
    given: dict[str, Any] = {
        "alert_id": f"a_{rule}",
        "seq": 1,
        "cluster": "demo",
        "datacenter": "fra1",
        "rule": rule,
        "subject": LINK,
        "from_": "pending",
        "to": to,
        "reason": "breach",
        "severity": "warning",
        "event_time": at(3),
        "started_at": at(0),
        "value": 5.0,
        "threshold": 3.0,
        "unit": "s",
        "window_s": 0.0,
        "verdict": None,
        "summary": "pg-2 is 5 s behind pg-1",
        "evidence": [],
        "observers": [],
        "runbook": "",
        "labels": {},
    }
    return Transition(**(given | fields))


def link(upstream: str, downstream: str, verdict: Any = "healthy") -> LinkStatus:
    return LinkStatus(
        cluster="demo",
        datacenter="",
        link=f"demo/{upstream}->{downstream}",
        upstream=upstream,
        downstream=downstream,
        link_kind="physical",
        verdict=verdict,
        since=at(0),
        connected=True,
        lag_s=0.5,
        behind=10,
        observers=[],
        at=at(0),
    )


def audited(to: Any = "firing", **fields: Any) -> Transition:
    """The alert of the audit about the standby's setting."""
    about = Subject(kind="setting", id=f"demo/setting/{NEVER}", name=NEVER)
    return alert("audit_finding", to, subject=about, summary=f"{NEVER}: pg-2", **fields)


def verified(**fields: Any) -> Verification:
    """The data of the subscriber is proven equal, but for the fields given."""
    given: dict[str, Any] = {
        "cluster": "demo",
        "link": "demo/pg-1->pg-4/pg_4",
        "upstream": "pg-1",
        "downstream": "pg-4",
        "link_kind": "logical",
        "run_id": "r",
        "started_at": at(0),
        "ended_at": at(1),
        "asked_at": at(0),
        "outcome": "equal",
        "tables": [TableVerification(table="public.orders", rows_compared=500, coverage=1.0)],
    }
    return Verification(**(given | fields))


def lost() -> Verification:
    """Two rows of the subscriber are not as they should be."""
    rows = [ReportedRow(kind="changed", key="id=1000", columns=["note"]), ReportedRow(kind="missing", key="id=1001")]
    difference = TableDifference(table="public.orders", missing=1, changed=1, first=rows)
    return verified(outcome="different", tables=[TableVerification(table="public.orders", difference=difference)])


def everything(state: Any = "resolved") -> Observed:
    """Everything that a successful demo has observed at its end."""
    observed = Observed(logged={"inc_demo_1": state, "inc_demo_2": state}, draft=f"Root cause: {DELAY} on pg-2")
    observed.further_drafts = [f"Root cause: a duplicate key; {LOST}"]
    observed.add(verified())
    for ends in (("pg-1", "pg-2"), ("pg-2", "pg-3"), ("pg-1", "pg-4")):
        observed.add(link(*ends))
    for seq, to in enumerate(("firing", "resolved"), 1):
        observed.add(audited(to, seq=seq))
    observed.settings = {"pg-1": {}, "pg-2": {DELAY: "30000"}, "pg-3": {}, "pg-4": {ORIGIN: "on"}}
    for number, one in enumerate((incident(state=state), second(state=state)), 1):
        observed.add(one)
        text = f"{one.title}\n{one.causes[0].summary}"
        observed.inbox += [
            VendorEvent("pagerduty", "trigger", one.incident_id, one.title, text),
            VendorEvent("slack", "post", f"{number}.0", one.title, text),
            VendorEvent("slack", "update", f"{number}.0", one.title, f"{text}\nResolved"),
            VendorEvent("pagerduty", "resolve", one.incident_id, "", "resolved"),
        ]
    return observed
