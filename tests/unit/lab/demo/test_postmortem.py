"""The scenario of the post-mortem, against what a play can have seen."""

from collections.abc import Callable

import pytest
from msgspec.structs import replace

from leadline_lab.demo import expect
from leadline_lab.demo.environment import DATABASES
from leadline_lab.demo.observed import Arrival, Seen
from leadline_lab.demo.postmortem import BLOCKED, DELAY, ORIGIN, POSTMORTEM
from leadline_lab.demo.scenario import spoken
from tests.unit.lab.demo.made import FIX, alert, everything, incident

STEPS = {step.key or step.title: step for step in POSTMORTEM.steps}


def test_the_report_times_its_moments() -> None:
    """Every moment that the report asks for is one of the scenario's."""
    keys = {step.key for step in POSTMORTEM.steps} | {it.key for step in POSTMORTEM.steps for it in step.expect}
    assert keys >= {"injected", "detected", "named", "paged", "fixed", "resolved"}
    assert POSTMORTEM.expected_cause == BLOCKED


def test_every_deed_is_on_a_node_of_the_stage() -> None:
    """And can be said in a line."""
    deeds = [deed for step in POSTMORTEM.steps for deed in step.deeds]
    assert {deed.node for deed in deeds if hasattr(deed, "node")} <= DATABASES.keys()
    assert all("\n" not in spoken(deed, everything("open")) for deed in deeds)
    lines = [spoken(deed, everything("open")) for deed in deeds]
    assert f"on pg-2: ALTER SYSTEM SET {DELAY} = '-1'; SELECT pg_reload_conf();" in lines
    assert f"as the incident says for {BLOCKED}: {FIX}" in lines


def test_in_the_end_everything_expected_of_the_fix_is_there() -> None:
    """Resolved, told once, logged."""
    seen = everything()
    assert [it.text for it in STEPS["fixed"].expect if not it.met(seen)] == []


def second_page(seen: Seen) -> None:
    seen.inbox.append(Arrival("pagerduty", "trigger", "inc_demo_2", "", "demo: pg-2"))


def second_message(seen: Seen) -> None:
    seen.inbox.append(Arrival("slack", "post", "2.0", "", "demo: pg-2"))


def second_incident(seen: Seen) -> None:
    seen.take(incident(incident_id="inc_demo_2", state="resolved"))
    seen.logged = {**seen.logged, "inc_demo_2": "resolved"}


def pending_alert(seen: Seen) -> None:
    seen.take(alert("replication_lag", "pending"))


def open_in_the_log(seen: Seen) -> None:
    seen.logged = {"inc_demo_1": "open"}


def setting_left(seen: Seen) -> None:
    seen.settings["pg-4"][ORIGIN] = "off"


def not_edited(seen: Seen) -> None:
    seen.inbox = [it for it in seen.inbox if it.kind != "update"]


@pytest.mark.parametrize(
    "spoil",
    [second_page, second_message, second_incident, pending_alert, open_in_the_log, setting_left, not_edited],
)
def test_the_end_is_not_well_with_anything_too_much_or_too_little(spoil: Callable[[Seen], None]) -> None:
    """One incident, one page, one message edited to its end, one row: no more and no less."""
    seen = everything()
    spoil(seen)
    assert [it.text for it in STEPS["fixed"].expect if not it.met(seen)] != []


def test_the_cause_must_come_first_and_name_the_setting() -> None:
    """A cause of another setting, or in second place, is not what was asked for."""
    named = expect.first_cause(BLOCKED, f"{DELAY} = -1")
    seen = everything("open")
    assert named.met(seen)
    before = incident()
    seen.take(replace(before, seq=2, causes=before.causes[::-1]))
    assert not named.met(seen)
    seen.take(replace(before, seq=3, causes=[replace(before.causes[0], summary="a query blocks replay")]))
    assert not named.met(seen)


def test_nothing_is_met_before_anything_was_seen() -> None:
    """No expectation holds of nothing."""
    assert [it.text for step in POSTMORTEM.steps for it in step.expect if it.met(Seen())] == []
