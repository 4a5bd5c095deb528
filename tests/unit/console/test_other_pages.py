"""The pages of audits, verifications, rules and Leadline's own health: what stands first, and what it says."""

from datetime import UTC, datetime, timedelta

import pytest

from leadline.catalogue import RULES
from leadline_console.dead_letters import DeadLetterCount, letter
from leadline_console.page import Asked, NotFound
from leadline_console.pages import audits, health, rules, verifications
from leadline_console.read_model import ReadModel
from tests.fixtures.console_values import fleet, node
from tests.unit.console.story import audit, blind_alert, blocked, delivery, notice, silence, verification
from tests.unit.console.test_incident_pages import asked, model
from tests.unit.sinks.made import incident

NOW = datetime(2026, 4, 10, 3, 12, tzinfo=UTC)


def test_findings_stand_worst_first_with_their_fix() -> None:
    """Accepted ones last; the steps are those of the notice about the rule."""
    made = model(audit(NOW), notice(NOW))
    assert audits.view(made, asked()).first_line.startswith(
        "1 cluster was audited; 1 has critical findings. Begin with"
    )
    page = audits.view(made, asked(cluster="orders"))
    assert [(each.rule, each.severity) for each in page.findings] == [
        ("PG-WAL-002", "critical"),
        ("PG-CFG-004", "warning"),
        ("PG-SBY-001", "critical"),
    ]
    assert [step.sql for step in page.findings[0].steps] == ["ALTER SYSTEM SET max_slot_wal_keep_size = '64GB';"]
    assert page.findings[2].accepted == "ada until 2027-06-30: a test system"
    assert page.not_judged[0].reason == "pg_hba.conf was not read"
    with pytest.raises(NotFound, match="no audit of cluster 'billing'"):
        audits.view(made, asked(cluster="billing"))
    assert audits.view(model(), asked()).first_line.startswith("No audit is on record")


def test_links_that_differ_come_first() -> None:
    """With what was proven, how much of it was compared, and how old the proof is."""
    made = model(
        *fleet("orders", replicas=3), verification(NOW, "pg-3", "equal"), verification(NOW, "pg-2", "different")
    )
    page = verifications.view(made, asked())
    assert [row.outcome for row in page.rows] == ["different", "equal"]
    assert page.not_verified == 1
    assert page.first_line == (
        "1 link holds other data than the upstream. Begin with pg-1 → pg-2: 3 rows differ in 1 table. "
        "Never compared: 1 link."
    )
    one = verifications.view(made, asked(link="orders/pg-1->pg-2"))
    assert [(each.table, each.outcome, each.difference) for each in one.tables] == [
        ("public.accounts", "different", "2 missing, 1 changed"),
        ("public.history", "equal", ""),
    ]
    assert one.tables[0].first == ["missing: id=5"]
    equal = verifications.view(model(verification(NOW, "pg-3", "equal")), asked())
    assert equal.first_line == "Proven equal: 1 link; the oldest proof is 1 min old."


def test_a_verifier_that_missed_its_own_difference_proves_nothing() -> None:
    """It stands before everything else: what it called equal is not known."""
    page = verifications.view(
        model(verification(NOW, "pg-2", "different"), verification(NOW, "pg-3", "equal", canary="missed")), asked()
    )
    assert [row.is_trusted for row in page.rows] == [False, True]


def test_rules_are_blind_where_the_agent_lacks_a_right() -> None:
    """The reason has the statement that changes it, as the status has it."""
    why = "role leadline lacks pg_monitor; run GRANT pg_monitor TO leadline"
    made = model(*fleet("orders"), node("orders", "pg-2", blind=why), verification(NOW), audit(NOW))
    page = rules.view(made, asked(cluster="orders"))
    assert [(spot.node, spot.why) for spot in page.spots] == [("pg-2", why)]
    state = {each.rule: each.state for each in page.rules}
    assert state["replication_lag"] == "blind"
    assert state["node_down"] == state["agent_silent"] == "armed"
    assert page.rules[0].reasons == [f"pg-2: {why}"]


def test_rules_that_need_what_a_server_refuses_are_blind_there() -> None:
    """The groups are those of the alert `rule_blind`; rules about other things are armed."""
    made = model(*fleet("orders"), verification(NOW), audit(NOW), blind_alert(NOW, group="slots", node="pg-1"))
    state = {each.rule: each.state for each in rules.view(made, asked(cluster="orders")).rules}
    assert {RULES[rule].on for rule, its in state.items() if its == "blind"} == {"slot"}
    assert state["replication_lag"] == "armed"


def test_what_nobody_compares_and_audits_is_not_armed() -> None:
    """Also where every server is seen in full."""
    page = rules.view(model(*fleet("orders")), asked())
    assert page.first_line == "Every server of 1 cluster is seen in full."
    blind = {each.rule for each in page.rules if each.state == "blind"}
    assert blind == {
        *("audit_advice", "audit_finding"),
        *("checker_blind", "consistency_unverified", "data_divergence", "sequence_behind"),
    }
    assert {each.rule for each in page.rules} == set(RULES)


def test_a_silent_agent_makes_a_cluster_blind_there() -> None:
    """The cluster with it comes first."""
    made = model(*fleet("billing"), *fleet("orders"), node("orders", "pg-3", health="silent"))
    page = rules.view(made, asked())
    assert page.clusters[0].cluster == "orders"
    assert page.first_line.startswith("In 1 of 2 clusters something is not seen. Begin with orders: ")


def _health(made: ReadModel, at: datetime = NOW) -> health.HealthPage:
    return health.view(made, Asked({}, at, DeadLetterCount(count=0)))


def test_leadline_itself_is_healthy() -> None:
    """And says of how much that is true."""
    made = model(*fleet("orders", at=NOW), delivery(blocked(NOW)))
    now = made.judged_at
    assert now is not None
    page = _health(made, now)
    assert page.is_fine
    assert page.first_line == "Leadline works: every agent of 3 servers reports, 1 cluster judged, 1 target notified."


@pytest.mark.parametrize("kind", ["given_up", "attempted", "incident"])
def test_a_target_that_does_not_accept(kind: str) -> None:
    """Refused, without an outcome for a minute, or with an incident of its own."""
    about = blocked(NOW)
    values = [*fleet("orders"), about]
    if kind == "incident":
        own = incident(cluster="leadline", rules=["sink_failing"], labels={"target": "slack"})
        made = model(*values, own, delivery(about))
    else:
        made = model(*values, delivery(about, outcome=kind))
    assert made.judged_at is not None
    page = _health(made, made.judged_at)
    assert page.first_line == "Notifications do not reach slack."


def test_workers_that_judge_nothing_are_the_gravest() -> None:
    """A single cluster is named; of all, the sentence is that nobody would be warned."""
    made = model(*fleet("orders"), *fleet("billing"))
    assert made.judged_at is not None
    later = made.judged_at + timedelta(minutes=5)
    assert _health(made, later).first_line.startswith("Nothing was judged for 5 min: no stream worker runs")
    made.take(node("billing", "pg-1", at=later))
    assert _health(made, later).first_line.startswith("orders was not judged for 5 min")
    assert _health(ReadModel()).is_fine
    empty = ReadModel()
    empty.feed.is_complete = True
    assert _health(empty).first_line.startswith("Nothing was ever judged: start an agent")


def test_a_silent_agent_and_a_silence() -> None:
    """The agent is named; a silence alone is nothing wrong with Leadline."""
    made = model(*fleet("orders"), node("orders", "pg-2", health="silent"), silence(NOW))
    assert made.judged_at is not None
    assert _health(made, made.judged_at).first_line == "1 agent does not report: orders/pg-2 is not watched."


def test_a_dead_letter_says_where_it_came_from() -> None:
    """By the headers; one without them is not hidden."""
    headers: list[tuple[str, bytes | None]] = [
        ("leadline-deadletter-reason", b"invalid"),
        ("leadline-deadletter-topic", b"leadline.samples"),
        ("leadline-deadletter-partition", b"3"),
        ("leadline-deadletter-offset", b"17"),
        ("other", None),
    ]
    found = letter(b"orders", headers)
    assert (found.topic, found.place, found.key, found.reason) == (
        "leadline.samples", "partition 3, offset 17", "orders", "invalid",
    )  # fmt: skip
    assert letter(None, ()).place == "partition ?, offset ?"
