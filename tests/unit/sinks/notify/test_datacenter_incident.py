"""A datacenter that many clusters have lost at once: one incident, and theirs are held back meanwhile."""

from datetime import datetime
from typing import Any

from leadline.model.incident import Affected, Incident
from leadline.model.silence import Silence
from leadline_sinks.notify.datacenter_incident import DatacenterIncidents
from tests.unit.sinks import made

LEAST = 5


def part(number: int, **changes: Any) -> Incident:
    """The incident of one of many clusters, whose server in fra1 is silent."""
    given: dict[str, Any] = {
        "cluster": f"shop-{number}",
        "opened_at": made.later(number / 10),
        "datacenters": ["ams1", "fra1"],
        "silent_datacenters": ["fra1"],
        "affected": Affected(nodes=["pg-1"]),  # type: ignore[list-item]
        "causes": [made.cause("host_down", summary=f"agent and server of pg-1 in shop-{number} are both gone")],
    }
    return made.incident(**given | changes)


def known(count: int, at: datetime = made.START, **changes: Any) -> DatacenterIncidents:
    """So many clusters have lost fra1."""
    found = DatacenterIncidents(LEAST)
    for number in range(count):
        found.observe(part(number, **changes), at)
    return found


def test_many_clusters_are_one_incident_of_their_datacenter() -> None:
    """It names the datacenter and the clusters, says that the cause is a guess, and only proposes looking."""
    found = known(100)
    (record,) = found.due(made.later(30), [])
    assert record.title == "fra1: 100 clusters see no server in this datacenter"
    assert (record.severity, record.datacenters, record.rules) == ("critical", ["fra1"], ["datacenter_lost"])
    (cause,) = record.causes
    assert cause.confidence < 0.5
    assert {step.risk for step in cause.steps} == {"look"}
    assert "shop-0, shop-1, shop-2 and 97 others" in cause.summary
    assert record.opened_at == made.later(0)
    assert {found.held_by(part(number)) for number in range(100)} == {record.incident_id}
    assert found.due(made.later(31), []) == []


def test_a_few_clusters_are_not_a_datacenter() -> None:
    """Nor are several incidents of one cluster, nor clusters that lost it days apart."""
    assert known(LEAST - 1).due(made.later(30), []) == []
    one = DatacenterIncidents(LEAST)
    for number in range(100):
        one.observe(part(number, cluster="shop"), made.START)
    assert one.due(made.later(90), []) == []
    slow = DatacenterIncidents(LEAST)
    for number in range(100):
        slow.observe(part(number, opened_at=made.later(number * 100)), made.START)
    assert slow.due(made.later(20_000), []) == []


def test_others_have_a_moment_to_be_read() -> None:
    """The record is written once the first of them was read two seconds ago."""
    found = known(LEAST, at=made.later(10))
    assert found.due(made.later(11), []) == []
    assert len(found.due(made.later(12), [])) == 1


def test_an_incident_without_a_lost_datacenter_is_not_held() -> None:
    """Another cluster, another datacenter, one that began long before."""
    found = known(LEAST)
    assert found.due(made.later(30), []) != []
    assert found.held_by(part(7, silent_datacenters=[])) is None
    assert found.held_by(part(7, silent_datacenters=["ams1"])) is None
    assert found.held_by(part(7, opened_at=made.later(-3600))) is None
    assert found.held_by(part(7)) is not None


def test_it_ends_when_few_are_left() -> None:
    """Those that are left are not held back any more."""
    found = known(20)
    (opened,) = found.due(made.later(30), [])
    for number in range(18):
        found.observe(part(number, seq=2, state="resolved", resolved_at=made.later(90)), made.later(90))
    (over,) = found.due(made.later(91), [])
    assert (over.state, over.incident_id, over.seq) == ("resolved", opened.incident_id, 2)
    assert over.timeline[-1].what == "resolved: servers in fra1 answer; 2 clusters still see none there"
    assert found.held_by(part(19)) is None


def test_a_second_loss_within_minutes_is_a_return() -> None:
    """The same identity, a generation more: people are notified again."""
    found = known(LEAST)
    (first,) = found.due(made.later(30), [])
    for number in range(LEAST):
        found.observe(part(number, seq=2, state="resolved", resolved_at=made.later(60)), made.later(60))
    assert [each.state for each in found.due(made.later(61), [])] == ["resolved"]
    for number in range(LEAST):
        found.observe(part(number, opened_at=made.later(90)), made.later(90))
    (again,) = found.due(made.later(95), [])
    assert again.incident_id == first.incident_id
    assert (again.seq, again.generation, len(again.reopened), again.state) == (3, 2, 1, "open")


def test_a_later_loss_is_another_incident() -> None:
    """An hour later, with an identity of its own."""
    found = known(LEAST)
    (first,) = found.due(made.later(30), [])
    for number in range(LEAST):
        found.observe(part(number, seq=2, state="resolved", resolved_at=made.later(60)), made.later(60))
    assert [each.state for each in found.due(made.later(61), [])] == ["resolved"]
    for number in range(LEAST):
        found.observe(part(number, opened_at=made.later(3600)), made.later(3600))
    (again,) = found.due(made.later(3603), [])
    assert again.incident_id != first.incident_id
    assert (again.seq, again.generation) == (1, 1)


def test_it_grows() -> None:
    """More servers are a record each ten seconds at most."""
    found = known(LEAST)
    found.due(made.later(30), [])
    for number in range(LEAST, 50):
        found.observe(part(number), made.later(33))
    assert found.due(made.later(34), []) == []
    (more,) = found.due(made.later(41), [])
    assert (more.seq, more.title) == (2, "fra1: 50 clusters see no server in this datacenter")


def test_silenced_clusters_do_not_count() -> None:
    """Work in the datacenter that somebody has silenced by its clusters raises nothing."""
    silence = Silence(
        silence_id="sil_1",
        matchers={"cluster": "shop-*"},
        starts_at=made.later(-60),
        ends_at=made.later(3600),
        created_by="ada",
        comment="power supply",
    )
    assert known(100).due(made.later(30), [silence]) == []


def test_two_processes_write_the_same_record() -> None:
    """Whatever the order in which they read the incidents."""
    one, other = known(100), DatacenterIncidents(LEAST)
    for number in reversed(range(100)):
        other.observe(part(number), made.START)
    assert one.due(made.later(30), []) == other.due(made.later(30), [])


def test_it_can_be_switched_off() -> None:
    """With 0, every cluster is notified of itself."""
    off = DatacenterIncidents(0)
    for number in range(100):
        off.observe(part(number), made.START)
    assert off.due(made.later(30), []) == []
