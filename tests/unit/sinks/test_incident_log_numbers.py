"""The numbers and the order in a post-mortem, held against walks through incidents on real servers."""

from typing import Any

from msgspec.structs import replace

from leadline.model.alert import Subject, Transition
from leadline.model.ids import AlertId, NodeName
from leadline.model.incident import Change, Incident
from leadline_sinks.incident_log.incident_history import IncidentHistory
from leadline_sinks.incident_log.postmortem.draft import draft
from leadline_sinks.incident_log.postmortem.impact import breaches
from tests.unit.sinks import made
from tests.unit.sinks.log_made import delivery, transition


def cut(seq: int, to: Any, after_s: float, value: float, **changes: Any) -> Transition:
    """A step of ``replication_cut_off`` on the link."""
    given: dict[str, Any] = {"rule": "replication_cut_off", "threshold": 0.0, "severity": "warning"}
    given |= {"to": to, "event_time": made.later(after_s), "value": value}
    given |= {"reason": "clear"} if to in ("ok", "resolved") else {}
    return transition(seq, **given | changes)


def test_the_worst_value_is_that_of_the_end() -> None:
    """A stream that was cut for 27 s: the value at its first transition was 5 s."""
    steps = [cut(1, "pending", 0, 0.0), cut(2, "firing", 5, 5.0), cut(3, "resolved", 57, 27.0)]
    (found,) = breaches(steps)
    assert found.worst == 27.0
    assert "| 27 s |" in draft(IncidentHistory(made.resolved(rules=["replication_cut_off"]), tuple(steps)))


def test_what_has_not_ended_was_at_least_as_bad() -> None:
    """It may still become worse."""
    steps = (cut(1, "pending", 0, 0.0), cut(2, "firing", 5, 5.0))
    assert "| at least 5 s |" in draft(IncidentHistory(made.incident(rules=["replication_cut_off"]), steps))


def test_a_breach_begins_when_the_one_that_fired_began() -> None:
    """Gone for 7 s, back, and gone again 41 s later: it fired 5 s after it began, and not 46 s."""
    again = made.later(41)
    steps = [
        cut(1, "pending", 0, 0.0),
        cut(2, "ok", 7, 7.0, from_="pending"),
        cut(3, "pending", 41, 0.0, started_at=again),
        cut(4, "firing", 46, 5.0, started_at=again),
    ]
    (found,) = breaches(steps)
    assert (found.since, found.fired) == (again, made.later(46))


WRITERS = made.cause("two_writers", confidence=0.97, summary="pg-2 was promoted while pg-1 still takes writes")
REPLACED = made.cause(
    "primary_replaced",
    confidence=0.99,
    summary="pg-1 went down and pg-2 replaced it",
    subject=Subject(kind="node", id="orders/pg-1", node=NodeName("pg-1")),
)


def split() -> IncidentHistory:
    """Two servers took writes; then one was stopped, and that is ranked first at the end."""
    begun = made.incident(1, title="orders: two servers take writes", causes=[WRITERS], rules=["split_brain"])
    role = Change(node=NodeName("pg-2"), setting="role", from_="standby", to="primary", at=made.later(-5))
    moved = Change(node=NodeName("pg-3"), setting="primary_conninfo", from_="host=a", to="host=b", at=made.later(30))
    ended: Incident = replace(
        made.resolved(),
        title="orders: pg-2 replaced pg-1",
        causes=[REPLACED, WRITERS],
        cause_at=made.later(36),
        rules=["split_brain", "node_down"],
        changes=[role, moved],
    )
    return IncidentHistory(ended, earlier=(begun,), deliveries=(delivery(),))


def test_what_began_it_comes_before_what_followed() -> None:
    """Also in the title and in the time to the cause."""
    page = draft(split())
    assert page.startswith("# Post-mortem: orders: two servers take writes\n")
    assert page.index("`two_writers`, confidence 0.97") < page.index("`primary_replaced`, confidence 0.99")
    assert "Leadline identified it 3 s after the first breach" in page
    assert "| Cause identified | 2026-04-10 10:00:06 | 3 s | the first breach |" in page


def test_nobody_is_asked_to_undo_a_failover() -> None:
    """Neither the role of the server that took over, nor the address that others follow since then."""
    page = draft(split())
    assert "`role` on pg-2" not in page.partition("### Tasks")[2]
    assert "primary_conninfo" not in page.partition("### Tasks")[2]
    assert "Put the setting back" not in page
    setting = replace(made.change(), at=made.later(-60))
    only = IncidentHistory(made.resolved(changes=[setting]), deliveries=(delivery(),))
    assert "revert it, or document why it stays" in draft(only)


def test_an_incident_that_was_over_soon_needs_no_acknowledgement() -> None:
    """Nobody is blamed for one of five minutes; one of an hour should have been acknowledged."""

    def page(seconds: float) -> str:
        over = made.resolved(resolved_at=made.later(seconds))
        return draft(IncidentHistory(over, deliveries=(delivery(at=made.later(5)),)))

    assert "Nobody acknowledged" not in page(300)
    assert "Nobody acknowledged" in page(3600)


def test_another_alert_is_another_breach() -> None:
    """Alerts differ by their identity."""
    other = cut(1, "firing", 9, 9.0, alert_id=AlertId("a_2"))
    assert len(breaches([cut(1, "firing", 5, 5.0), other])) == 2
