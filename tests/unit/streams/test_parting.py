"""Alerts of one incident that turn out to have two roots: each root has an incident, and people are notified once."""

from typing import Any

import pytest

from leadline.model.incident import Incident
from leadline_streams.judge.policy import Policy
from leadline_streams.rules import RULES
from tests.unit.streams.fleet import Fleet
from tests.unit.streams.world import QUICK

SOON: dict[str, Any] = {**dict.fromkeys(RULES, QUICK), "replication_lag": {**QUICK, "warning": 3.0}}


def fleet() -> Fleet:
    """A fleet that has been healthy for ten seconds."""
    made = Fleet(Policy(quiet_s=5.0, rules=SOON))
    made.run(10)
    return made


def last(made: Fleet) -> dict[str, Incident]:
    """The newest record of each incident, by the code of its first cause."""
    newest = {one.incident_id: one for one in made.incidents}
    return {one.causes[0].code: one for one in newest.values() if one.merged_into is None}


def join(made: Fleet) -> None:
    """Put all open alerts into the oldest incident, as a wrong comparison would have done before."""
    memory = made.state.memory
    older, *rest = memory.incidents
    for alert in memory.alerts.values():
        if alert.incident is not None:
            alert.incident = older.id
            older.alerts += [alert.id] if alert.id not in older.alerts else []
    memory.incidents = [older]
    assert rest


def test_alerts_that_were_joined_wrongly_are_parted() -> None:
    """A standby is paused and a subscriber fails: the second incident is opened at once, under an id of its own."""
    made = fleet()
    made.run(20, paused={"pg-2"}, failing=True)
    before = {one.incident_id for one in made.incidents}
    join(made)
    count = len(made.incidents)
    made.run(20, paused={"pg-2"}, failing=True)
    records = made.incidents[count:]
    (opened,) = {one.incident_id for one in records} - before
    found = last(made)
    assert found.keys() >= {"replay_paused_by_operator", "subscriber_duplicate_key"}
    parts = [one for one in found.values() if one.incident_id == opened]
    assert len(parts) == 1
    assert {one.generation for one in records if one.incident_id == opened} == {1}
    kept = next(one for one in records if one.incident_id != opened)
    assert any(opened in entry.what for entry in kept.timeline)
    assert any(kept.incident_id in entry.what for entry in parts[0].timeline)
    made.run(60)
    ended = {one.incident_id: one.state for one in made.incidents if one.incident_id in (opened, kept.incident_id)}
    assert set(ended.values()) == {"resolved"}


def test_what_goes_on_after_the_first_root_has_ended_is_another_incident() -> None:
    """One part ends, the other goes on with a sure cause that explains nothing of what ended."""
    made = fleet()
    made.run(20, down={"pg-4"})
    (first,) = last(made).values()
    made.run(3, down={"pg-4"}, failing=True)
    memory = made.state.memory
    for alert in memory.alerts.values():
        if alert.subject.node == "pg-5" and alert.state == "pending":
            alert.state, alert.due, alert.incident = "firing", None, first.incident_id
            memory.incidents[0].alerts.append(alert.id)
    made.run(60, failing=True)
    found = last(made)
    assert found["standby_down"].state == "resolved"
    assert found["subscriber_duplicate_key"].state == "open"
    assert found["subscriber_duplicate_key"].incident_id != first.incident_id


@pytest.mark.slow
def test_what_is_late_behind_two_faults_belongs_to_the_one_that_lasts() -> None:
    """The upper standby is connected again and the lower one stays paused: its lag moves, and nobody is paged."""
    made = fleet()
    made.run(60, apart={"pg-2"})
    made.run(30, apart={"pg-2"}, paused={"pg-3"})
    upper, lower = last(made)["standby_cannot_connect"], last(made)["replay_paused_by_operator"]
    lag = next(step.alert_id for step in made.transitions if step.rule == "replication_lag" and step.to == "firing")
    assert lag in upper.alerts
    made.run(40, paused={"pg-3"})
    found = last(made)
    assert found["standby_cannot_connect"].state == "resolved"
    assert found["replay_paused_by_operator"].incident_id == lower.incident_id
    assert (found["replay_paused_by_operator"].state, found["replay_paused_by_operator"].generation) == ("open", 1)
    assert "replication_lag" in found["replay_paused_by_operator"].rules
    assert any("belongs to" in entry.what for entry in found["standby_cannot_connect"].timeline)


def test_a_restart_that_repairs_parts_nothing() -> None:
    """The standby is down for a moment, to resume replay at its start: what was open has not that root."""
    made = fleet()
    made.run(20, paused={"pg-2"})
    made.run(2, down={"pg-2"})
    made.run(30)
    assert last(made).keys() == {"replay_paused_by_operator"}
    assert len({one.incident_id for one in made.incidents}) == 1
    assert last(made)["replay_paused_by_operator"].state == "resolved"
