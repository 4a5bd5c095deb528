"""One problem is one incident: which alerts join, which open their own, what is merged, reopened and notified again."""

from typing import Any

import pytest

from leadline.model.alert import Subject
from leadline.model.incident import Cause, Incident
from leadline_streams.causes import CAUSES
from leadline_streams.judge.cluster import ClusterState
from leadline_streams.judge.diagnosis.ranking import rank
from leadline_streams.judge.policy import Policy
from leadline_streams.rules import RULES
from tests.unit.streams.fleet import Fleet
from tests.unit.streams.world import QUICK

SOON: dict[str, Any] = {**dict.fromkeys(RULES, QUICK), "replication_lag": {**QUICK, "warning": 3.0}}


def fleet(**policy: Any) -> Fleet:
    """A primary with two standbys, one of which has a standby, and a subscriber; healthy for ten seconds."""
    made = Fleet(Policy(**{"quiet_s": 5.0, "rules": SOON, **policy}))
    made.run(10)
    return made


def newest(made: Fleet) -> dict[str, Incident]:
    """The newest record of each incident, by its first cause; those that were merged are left out."""
    last = {one.incident_id: one for one in made.incidents if one.merged_into is None}
    return {f"{one.causes[0].code} {one.causes[0].subject.id.removeprefix('orders/')}": one for one in last.values()}


def test_a_chain_behind_one_fault_is_one_incident() -> None:
    """The standby of a paused standby is late too, and that is no problem of its own."""
    made = fleet()
    made.run(40, paused={"pg-2"})
    assert made.fired() >= {"replay_paused", "replication_lag"}
    late = {step.subject.id for step in made.transitions if step.rule == "replication_lag" and step.to == "firing"}
    assert late == {"orders/pg-1->pg-2", "orders/pg-2->pg-3"}
    (incident,) = newest(made).values()
    assert incident.affected.links == ["orders/pg-1->pg-2", "orders/pg-2->pg-3"]
    assert incident.worst_lag_s is not None
    assert incident.worst_lag_s > 8


@pytest.mark.slow
@pytest.mark.parametrize("second", [{"down": {"pg-4"}}, {"failing": True}])
@pytest.mark.parametrize("between", [0, 90])
def test_two_faults_are_two_incidents(second: dict[str, Any], between: int) -> None:
    """Each with its own first cause, alerts, title and times."""
    made = fleet()
    made.run(between, paused={"pg-2"})
    both = {**second, "paused": {"pg-2"} | second.get("paused", set())}
    made.run(40, **both)
    found = newest(made)
    assert len(found) == 2, list(found)
    first = found.pop("replay_paused_by_operator pg-1->pg-2")
    (other,) = found.values()
    assert not set(first.alerts) & set(other.alerts)
    assert first.title != other.title
    made.run(60)
    assert {one.state for one in newest(made).values()} == {"resolved"}


@pytest.mark.slow
def test_a_primary_that_goes_down_pages_beside_an_older_incident() -> None:
    """It explains that the older one is late now, which was paused before. The page does not wait for ``node_down``."""
    made = fleet(rules={**SOON, "node_down": {"keep_s": 5.0}})
    made.run(120, paused={"pg-2"})
    (paused,) = newest(made).values()
    made.run(30, paused={"pg-2"}, down={"pg-1"})
    found = newest(made)
    down = found.pop("primary_down pg-1")
    assert [one.incident_id for one in found.values()] == [paused.incident_id]
    assert (down.generation, down.severity) == (1, "critical")
    assert down.detected_at > paused.detected_at


def test_a_notice_opens_no_incident_and_names_its_cause() -> None:
    """Its alert has the causes and their steps."""
    made = fleet()
    made.settings("pg-2", max_connections="50")
    made.run(20)
    assert "config_mismatch" in made.fired()
    assert made.incidents == []
    named = next(step for step in made.transitions if step.reason == "diagnosed")
    assert (named.rule, named.causes[0].code) == ("config_mismatch", "config_changed")
    assert named.causes[0].steps


@pytest.mark.slow
def test_an_acknowledged_notice_does_not_hide_a_crash() -> None:
    """An hour later the primary crashes: that is an incident of its own, without the notice."""
    made = fleet()
    made.settings("pg-2", max_connections="50")
    made.run(300)
    made.run(30, down={"pg-1"})
    (down,) = newest(made).values()
    assert down.causes[0].code == "primary_down"
    assert "config_mismatch" not in down.rules


def test_what_was_opened_twice_is_merged() -> None:
    """The commits that wait are an incident first; the standby that they wait for is down, which is the root."""
    made = fleet(rules={**SOON, "node_down": {"for_s": 20.0, "keep_s": 5.0}})
    made.settings("pg-1", synchronous_standby_names="pg-2")
    made.run(10)
    made.run(40, down={"pg-2"}, waiting=True)
    (incident,) = newest(made).values()
    assert incident.causes[0].code == "standby_down"
    assert {"node_down", "sync_commit_blocked"} <= set(incident.rules)


def test_a_merged_incident_names_the_one_that_it_is_a_part_of() -> None:
    """Nothing explains why two standbys of one primary lost it together. The younger is resolved, the older goes on."""
    made = fleet()
    made.judgement.causes = {}
    made.run(30, apart={"pg-2", "pg-4"})
    (younger,) = (one for one in made.incidents if one.merged_into is not None)
    last = {one.incident_id: one for one in made.incidents}
    older = last.pop(str(younger.merged_into))
    assert last == {younger.incident_id: younger}, "nothing follows"
    assert (younger.state, younger.resolved_at is None) == ("resolved", False)
    assert older.state == "open"
    assert set(younger.alerts) <= set(older.alerts)
    assert any(younger.incident_id in entry.what for entry in older.timeline)
    assert any(older.incident_id in entry.what for entry in younger.timeline)


@pytest.mark.slow
def test_a_problem_that_returns_reopens_its_incident() -> None:
    """Within the time that is set, with a new generation; later it is another incident."""
    made = fleet(reopen_s=120.0)
    made.run(20, paused={"pg-2"})
    made.run(40)
    ended = made.incidents[-1]
    assert (ended.state, ended.generation, ended.reopened) == ("resolved", 1, [])
    made.run(20, paused={"pg-2"})
    again = made.incidents[-1]
    assert (again.incident_id, again.state, again.generation) == (ended.incident_id, "open", 2)
    assert again.resolved_at is None
    assert len(again.reopened) == 1
    made.run(300)
    assert made.incidents[-1].state == "resolved"
    made.run(20, paused={"pg-2"})
    assert made.incidents[-1].incident_id != ended.incident_id


def test_another_cause_of_the_same_alert_does_not_reopen() -> None:
    """The standby was paused, and is down a minute later: that is another problem."""
    made = fleet()
    made.run(20, paused={"pg-2"})
    made.run(40)
    ended = made.incidents[-1]
    made.run(20, down={"pg-2"})
    assert made.incidents[-1].incident_id != ended.incident_id


@pytest.mark.slow
def test_flapping_is_one_incident_that_ends_once() -> None:
    """Paused for 75 s and healthy for 30 s, three times, with the limits of production."""
    made = Fleet(Policy())
    made.run(10)
    for _ in range(3):
        made.run(75, paused={"pg-2"})
        made.run(30)
    made.run(120)
    assert len({one.incident_id for one in made.incidents}) == 1
    assert {one.generation for one in made.incidents} == {1}
    assert [one.state for one in made.incidents].count("resolved") == 1


@pytest.mark.slow
def test_each_reopening_makes_the_end_wait_longer() -> None:
    """A problem that comes and goes every two minutes rings once for its return, and not each time."""
    made = fleet(quiet_s=30.0)
    for _ in range(6):
        made.run(30, paused={"pg-2"})
        made.run(60)
    assert made.incidents[-1].generation <= 3


def test_a_higher_severity_is_a_new_generation() -> None:
    """An acknowledgement covers the severity at which it was given; a lower one and back is not a new one."""
    rules = {**SOON, "replication_lag": {**QUICK, "warning": 3.0, "critical": 30.0}}
    made = fleet(rules=rules)
    made.run(20, paused={"pg-2"})
    assert (made.incidents[-1].severity, made.incidents[-1].generation) == ("warning", 1)
    made.run(30, paused={"pg-2"})
    assert (made.incidents[-1].severity, made.incidents[-1].generation) == ("critical", 2)


def test_another_certain_cause_is_a_new_generation() -> None:
    """The receiver is repaired while replay is paused: what is left is another problem with the same alert."""
    made = fleet(together_s=10.0)
    made.run(60, paused={"pg-2"})
    before = made.incidents[-1]
    made.settings("pg-1", max_connections="200")
    made.run(20, paused={"pg-2"})
    after = made.incidents[-1]
    assert after.incident_id == before.incident_id
    assert after.causes[0].code == "replay_paused_by_parameter"
    assert after.generation == before.generation + 1


def test_a_change_is_shown_with_the_incident_of_its_node() -> None:
    """Not with one about other servers."""
    made = fleet()
    made.run(20, paused={"pg-2"}, failing=True)
    made.settings("pg-5", work_mem="8MB")
    made.settings("pg-5", work_mem="9MB")
    made.run(5, paused={"pg-2"}, failing=True)
    found = newest(made)
    paused = found.pop("replay_paused_by_operator pg-1->pg-2")
    (failing,) = found.values()
    assert [change.setting for change in failing.changes] == ["work_mem"]
    assert paused.changes == []


def test_the_state_of_one_incident_is_read_as_one_of_several() -> None:
    """As it was saved when a cluster had one at most; an alert that is pending is a part of none."""
    made = fleet()
    made.run(20, paused={"pg-2"})
    memory = made.state.memory
    (incident,) = memory.incidents
    memory.incident, memory.incidents = incident, []
    for alert in memory.alerts.values():
        alert.incident = None
    made.state = ClusterState.load(made.state.dump(), made.judgement)
    made.run(10, paused={"pg-2"})
    assert len({one.incident_id for one in made.incidents}) == 1
    made.run(40)
    assert made.incidents[-1].state == "resolved"


@pytest.mark.slow
def test_many_problems_are_bounded() -> None:
    """Beyond the number of incidents that may be open, alerts become a part of the youngest."""
    made = Fleet(Policy(quiet_s=5.0, rules=SOON), standbys=22)
    made.run(10)
    names = [f"pg-{index}" for index in range(10, 32)]
    for begun in range(2, 23, 4):  # few enough at a time that they are no single problem of their upstream
        made.run(20, paused=set(names[:begun]))
    assert len(made.state.memory.incidents) == 20
    shown = {alert for one in made.state.memory.incidents for alert in one.alerts}
    firing = {alert.id for alert in made.state.memory.alerts.values() if alert.state == "firing"}
    assert firing <= shown


@pytest.mark.slow
def test_a_worker_that_takes_over_goes_on() -> None:
    """The state has all of it: open incidents, ended ones, and what each alert belongs to."""
    one, other = fleet(), fleet()
    for step in ({"paused": {"pg-2"}}, {"paused": {"pg-2"}, "failing": True}, {}, {"paused": {"pg-2"}}):
        one.run(25, **step)  # type: ignore[arg-type]
        other.run(25, **step)  # type: ignore[arg-type]
        other.state = ClusterState.load(other.state.dump(), other.judgement)
    assert one.outputs == other.outputs


def test_a_breach_that_is_still_pending_keeps_an_incident_without_a_cause_open() -> None:
    """A subscription is cut off for a moment, and its worker then fails again and again: that is one incident."""
    late = {"for_s": 15.0, "keep_s": 5.0}
    cut = {"for_s": 4.0, "keep_s": 1.0}
    made = fleet(rules={"replication_cut_off": cut, "apply_error": late, "apply_conflict": late}, quiet_s=1.0)
    made.judgement.causes = {}
    made.run(6, apart={"pg-5"})
    made.run(30, failing=True)
    (incident,) = {one.incident_id: one for one in made.incidents}.values()
    assert (incident.state, incident.rules) == ("open", ["replication_cut_off", "apply_conflict", "apply_error"])


@pytest.mark.parametrize("guessed", [(), ("subscriber_cannot_connect",)])
def test_a_cause_found_after_the_first_alert_is_over_explains_the_incident_of_that_alert(
    guessed: tuple[str, ...],
) -> None:
    """The worker that fails again and again was cut off for a moment first: one incident, with the cause.

    A guess that was named meanwhile changes nothing.
    """
    late = {"for_s": 15.0, "keep_s": 5.0}
    cut = {"for_s": 4.0, "keep_s": 1.0}
    made = fleet(rules={"replication_cut_off": cut, "apply_error": late, "apply_conflict": late}, quiet_s=1.0)
    made.judgement.causes = {name: CAUSES[name] for name in guessed}
    made.run(6, apart={"pg-5"})
    made.run(4, failing=True)
    made.judgement.causes = dict(CAUSES)
    made.run(30, failing=True)
    (incident,) = newest(made).values()
    assert incident.causes[0].code == "subscriber_duplicate_key"
    assert incident.rules[0] == "replication_cut_off"


def test_causes_that_fade_alike_keep_their_order() -> None:
    """Healing hides the signs of both, and rewrites no history."""
    about = Subject(kind="cluster", id="orders")
    first, second = (
        Cause(code=code, confidence=0.45, subject=about, summary="", fix="", evidence_for=[], evidence_against=[])
        for code in ("subscriber_duplicate_key", "subscriber_cannot_connect")
    )
    assert [cause.code for cause in rank({}, [first, second], ())] == [first.code, second.code]
    assert [cause.code for cause in rank({}, [second, first], ())] == [second.code, first.code]
