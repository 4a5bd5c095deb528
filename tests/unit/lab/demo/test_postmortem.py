"""The scenario of the post-mortem, against what a demo can have observed."""

from collections.abc import Callable
from typing import Any

import pytest
from msgspec.structs import replace

from leadline_lab.demo import expect
from leadline_lab.demo.environment import DATABASES
from leadline_lab.demo.observed import Observed, VendorEvent
from leadline_lab.demo.postmortem import (
    BLOCKED,
    BLOCKED_REPLAY,
    DELAY,
    DUPLICATE,
    DUPLICATE_KEY,
    ORIGIN,
    POSTMORTEM,
    SKIPPED,
)
from leadline_lab.demo.scenario import Inject, describe
from leadline_lab.faults.registry import FAULTS
from tests.unit.lab.demo.made import alert, audited, everything, incident, lost, second

STEPS = {step.key or step.title: step for step in POSTMORTEM.steps}
ACTIONS = [action for step in POSTMORTEM.steps for action in step.actions]


def missing(observed: Observed) -> list[str]:
    return [one.text for one in STEPS["repaired"].expect if not one.met(observed)]


def test_the_report_times_its_moments() -> None:
    """Every moment that the report needs is one of the scenario's."""
    keys = {step.key for step in POSTMORTEM.steps} | {one.key for step in POSTMORTEM.steps for one in step.expect}
    assert keys >= {"injected", "detected", "named", "paged", "skipped", "found", "repaired", "resolved"}
    assert POSTMORTEM.expected_cause == BLOCKED


def test_every_action_is_on_a_node_of_the_demo() -> None:
    """And has a description of one line."""
    assert {action.node for action in ACTIONS if hasattr(action, "node")} <= DATABASES.keys()
    assert all("\n" not in describe(action) for action in ACTIONS)


def test_the_demo_injects_faults_of_the_zoo_and_expects_their_causes() -> None:
    """Only on topologies that the demo has."""
    injected = [action.fault for action in ACTIONS if isinstance(action, Inject)]
    assert injected == [BLOCKED_REPLAY, DUPLICATE_KEY]
    expected: list[Any] = [FAULTS[name].expected for name in injected]
    assert [one.cause for one in expected] == [BLOCKED, DUPLICATE]
    assert {FAULTS[name].topology for name in injected} == {"pair", "logical"}


def test_a_successful_demo_meets_every_expectation_of_the_repair() -> None:
    """Resolved, each notified once, logged."""
    assert missing(everything()) == []


def test_the_skip_waits_until_the_settings_are_as_before() -> None:
    """Of both servers, as their agents report them."""
    observed = everything()
    settings = [one for one in STEPS["skipped"].expect if one.text.startswith("the agent of")]
    assert [one.met(observed) for one in settings] == [True, True]
    observed.settings["pg-4"][ORIGIN] = "off"
    assert [one.met(observed) for one in settings] == [False, True]


def third_page(observed: Observed) -> None:
    observed.inbox.append(VendorEvent("pagerduty", "trigger", "inc_demo_3", "", "demo: pg-2"))


def third_message(observed: Observed) -> None:
    observed.inbox.append(VendorEvent("slack", "post", "3.0", "", "demo: pg-2"))


def third_incident(observed: Observed) -> None:
    observed.add(incident(incident_id="inc_demo_3", state="resolved"))
    observed.logged = {**observed.logged, "inc_demo_3": "resolved"}


def pending_alert(observed: Observed) -> None:
    observed.add(alert("replication_lag", "pending"))


def still_set_up_wrong(observed: Observed) -> None:
    observed.add(audited(seq=3))


def open_in_the_incident_log(observed: Observed) -> None:
    observed.logged = {"inc_demo_1": "open", "inc_demo_2": "resolved"}


def rows_still_lost(observed: Observed) -> None:
    observed.add(lost())


def message_not_edited(observed: Observed) -> None:
    observed.inbox = [event for event in observed.inbox if event.kind != "update"]


@pytest.mark.parametrize(
    "spoil",
    [
        third_page,
        third_message,
        third_incident,
        pending_alert,
        still_set_up_wrong,
        open_in_the_incident_log,
        message_not_edited,
        rows_still_lost,
    ],
)
def test_the_end_is_not_successful_with_anything_too_much_or_too_little(spoil: Callable[[Observed], None]) -> None:
    """Two incidents, each with one page, one message edited to its end, and one row: no more and no less."""
    observed = everything()
    spoil(observed)
    assert missing(observed) != []


def test_the_cause_must_come_first_and_name_the_setting() -> None:
    """A cause with another setting, or in second place, does not meet the expectation."""
    named = expect.first_cause(BLOCKED, f"{DELAY} = -1", incidents=2)
    observed = everything("open")
    assert named.met(observed)
    before = incident()
    observed.add(replace(before, seq=2, causes=before.causes[::-1]))
    assert not named.met(observed)
    observed.add(replace(before, seq=3, causes=[replace(before.causes[0], summary="a query blocks replay")]))
    assert not named.met(observed)


def test_lost_rows_join_the_incident_of_the_conflict() -> None:
    """With both causes; an incident of its own does not meet the expectation, nor does a conflict without the rows."""
    joined = expect.joined("data_divergence", DUPLICATE, SKIPPED, incidents=2)
    observed = everything("open")
    assert joined.met(observed)
    observed.add(second(seq=2, rules=["apply_conflict"]))
    assert not joined.met(observed)
    observed.add(second(seq=3, causes=second().causes[1:]))
    assert not joined.met(observed)
    observed.add(second(seq=4))
    observed.add(incident(incident_id="inc_demo_3"))
    assert not joined.met(observed)


def test_nothing_is_met_before_anything_was_observed() -> None:
    """No expectation holds of nothing."""
    assert [one.text for step in POSTMORTEM.steps for one in step.expect if one.met(Observed())] == []
