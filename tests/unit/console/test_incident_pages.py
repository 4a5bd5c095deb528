"""The pages of incidents: what stands first, the evidence in its three kinds, who was notified and why not."""

from datetime import UTC, datetime, timedelta

import pytest

from leadline.model.alert import Step
from leadline.model.ids import NodeName
from leadline_console.page import Asked, NotFound
from leadline_console.pages import deliveries, incident, incidents
from leadline_console.pages.causes import fix_step
from leadline_console.read_model import Folded, ReadModel
from tests.unit.console.story import blocked, delivery, silence
from tests.unit.sinks.made import action, cause, resolved

NOW = datetime(2026, 4, 10, 3, 12, tzinfo=UTC)


def model(*values: Folded) -> ReadModel:
    made = ReadModel()
    for value in values:
        made.take(value)
    return made


def asked(**params: str) -> Asked:
    return Asked(params, NOW)


def test_the_list_begins_with_what_nobody_has_acknowledged() -> None:
    """The gravest first; the sentence names it, and says so when somebody has it."""
    worse = blocked(NOW)
    warning = blocked(NOW - timedelta(hours=1), severity="warning", title="orders: a slot is inactive")
    shown = incidents.view(model(warning, worse), asked())
    assert [row.severity for row in shown.rows] == ["critical", "warning"]
    assert shown.first_line == f"2 incidents are open, and nobody has acknowledged 2 of them. Begin with: {worse.title}"
    both = [action(incident_id=each.incident_id, generation=1, action_id=each.incident_id) for each in (worse, warning)]
    shown = incidents.view(model(warning, worse, *both), asked())
    assert shown.first_line == "2 incidents are open, and somebody has acknowledged each of them."
    assert incidents.view(model(), asked()).first_line == "No incident is open."


def test_the_list_is_searched_and_filtered() -> None:
    """Ended ones are shown when asked for, notices likewise."""
    over = resolved(opened_at=NOW - timedelta(days=1), resolved_at=NOW - timedelta(hours=20))
    made = model(blocked(NOW), over, blocked(NOW - timedelta(hours=2), class_="notice"))
    assert incidents.view(made, asked()).found == 1
    assert incidents.view(made, asked(state="all")).found == 2
    assert incidents.view(made, asked(state="all", **{"class": "all"})).found == 3
    assert incidents.view(made, asked(q="QUERY_BLOCKS")).found == 1
    assert incidents.view(made, asked(cluster="billing")).found == 0


def test_a_page_says_what_how_bad_since_when_and_what_to_do() -> None:
    """And the three kinds of evidence are apart."""
    shown = incident.view(model(blocked(NOW)), asked(id=blocked(NOW).incident_id))
    assert shown.first_line == (
        "orders: replay on pg-2 is blocked by a query; up to 42 s behind, pg-1 → pg-2, since 03:09 UTC"
    )
    assert shown.do_first == "On pg-2: SELECT pid, query FROM pg_stat_activity"
    first, other = shown.causes
    assert (first.certainty, other.certainty) == ("known", "guess")
    assert [fact.name for fact in first.seen] == ["replay_lsn"]
    assert [fact.name for fact in first.against] == ["replay_paused"]
    assert [fact.name for fact in first.not_seen] == ["locks"]
    assert [(step.risk, step.sql) for step in first.steps] == [
        ("look", "SELECT pid, query FROM pg_stat_activity;"),
        ("careful", "SELECT pg_terminate_backend(4711);"),
    ]


def test_a_guess_only_proposes_looking() -> None:
    """The sentence says that it is one."""
    guess = cause(confidence=0.3, steps=[Step(risk="look", node=NodeName("pg-2"), text="Look at its disk.")])
    about = blocked(NOW, causes=[guess])
    assert incident.view(model(about), asked(id=about.incident_id)).do_first == (
        "It is a guess; look first. On pg-2: Look at its disk."
    )


@pytest.mark.parametrize("hidden", ["\u202e", "\u2066", "\u200b", "\x1b[8m", "\u00ad"])
def test_a_statement_with_hidden_characters_is_not_offered_for_copying(hidden: str) -> None:
    """The text on the screen would not be the one that runs: https://trojansource.codes/, CVE-2021-42574."""
    assert fix_step(Step(risk="safe", sql="SELECT 1,\n\t2")).is_plain
    assert not fix_step(Step(risk="safe", sql=f"SELECT 1 {hidden}-- x")).is_plain


def test_an_acknowledgement_counts_until_it_gets_worse() -> None:
    """As the sinks count it: by the generation."""
    about = blocked(NOW)
    given = action(incident_id=about.incident_id, generation=1, by="ada")
    shown = incident.view(model(about, given), asked(id=about.incident_id))
    assert shown.acknowledged is not None
    assert shown.acknowledged.by == "ada"
    worse = blocked(NOW, seq=2, generation=2)
    shown = incident.view(model(worse, given), asked(id=about.incident_id))
    assert shown.acknowledged is None
    assert shown.outgrown is not None


def test_an_incident_that_is_not_there_says_where_older_ones_are() -> None:
    """The beginning of an identity is enough where only one begins so."""
    made = model(blocked(NOW))
    assert incident.view(made, asked(id="inc_orders_2026")).title
    with pytest.raises(NotFound, match="keeps them for 90 days"):
        incident.view(made, asked(id="inc_billing"))
    with pytest.raises(NotFound, match="there is no incident ''"):
        incident.view(made, asked())


def test_each_target_has_its_answer() -> None:
    """Sent, refused, silenced, not routed: with the time and the reason."""
    about, other = blocked(NOW), blocked(NOW - timedelta(hours=3))
    made = model(
        about,
        other,
        silence(NOW),
        delivery(about),
        delivery(about, "pagerduty", "given_up", reason="rejected: invalid routing key"),
        delivery(about, "webhook", "suppressed", reason="sil_0123456789ab"),
        delivery(other, "teams"),
    )
    found = {each.target: each for each in incident.view(made, asked(id=about.incident_id)).notified}
    assert found["slack"].answer == "Notified 5 s after the first alert; last: sent, since it opened."
    assert found["slack"].next_.startswith("Nobody has acknowledged it: a reminder follows")
    assert found["pagerduty"].answer == (
        "Not notified: pagerduty refused it: rejected: invalid routing key; this state is not sent again (it opened)."
    )
    assert found["webhook"].answer == (
        "Not notified: held back by the silence sil_0123456789ab of ada: resize of pg-2 (it opened)."
    )
    assert found["teams"].reached == "no"
    assert found["teams"].answer.startswith(
        "No decision is on record: either no route of leadline sink leads from it to"
    )


def test_a_silence_that_matches_now_is_what_follows() -> None:
    """Also for a target that was notified before."""
    about = blocked(NOW)
    made = model(about, delivery(about), silence(NOW, matchers={"cluster": "ord*"}))
    (found,) = incident.view(made, asked(id=about.incident_id)).notified
    assert found.next_ == "Held back until 2026-04-10 04:12 UTC by the silence sil_0123456789ab of ada: resize of pg-2."


def test_an_attempt_without_an_outcome_is_not_called_either() -> None:
    """A process that was killed in the middle may have sent it, or not."""
    about = blocked(NOW)
    (found,) = incident.view(model(about, delivery(about, outcome="attempted")), asked(id=about.incident_id)).notified
    assert found.reached == "unknown"
    assert "its outcome is not on record" in found.answer


def test_every_decision_about_a_target_is_listed_in_order() -> None:
    """Those that Kafka brought, and those of the incident log, each once."""
    about = blocked(NOW)
    first = delivery(about)
    given = action(incident_id=about.incident_id)
    later = delivery(about, at=first.at + timedelta(seconds=60), occasion="acknowledged", actions=[given.action_id])
    last = delivery(about, outcome="nothing_new", at=first.at + timedelta(seconds=90), occasion="updated")
    made = model(about, given, first, later, last)
    loaded = deliveries.LoggedDeliveries(deliveries=(first, later), was_read=True)
    page = deliveries.view(made, Asked({"incident": about.incident_id, "target": "slack"}, NOW, loaded))
    assert [(each.decision, each.why) for each in page.decisions] == [
        ("sent", "sent, since it opened"),
        ("sent", "sent, since somebody acknowledged it; ada: acknowledge"),
        ("nothing_new", "nothing sent: slack had everything already (it changed)"),
    ]
    assert page.source.startswith("From the incident log")


def test_refusals_come_first_in_the_overview() -> None:
    """Only those of incidents that are open."""
    about = blocked(NOW)
    made = model(about, delivery(about, "pagerduty", "given_up", reason="gone"), delivery(about))
    page = deliveries.view(made, asked())
    assert page.first_line == "1 notification of open incidents was refused by the target."
    assert {each.target for each in page.newest} == {"slack", "pagerduty"}
    assert [each.target for each in deliveries.view(made, asked(outcome="given_up")).newest] == ["pagerduty"]
