"""The announcements of silences that begin and end."""

from datetime import datetime
from typing import Any

from msgspec.structs import replace

from leadline.model.delivery import Delivery
from leadline.model.incident import Incident
from leadline.model.silence import Silence
from leadline_sinks.notify.silence_announcements import SilenceAnnouncements
from tests.unit.sinks import made

HOUR = 3600.0


def silence(number: int = 1, begin_s: float = 0.0, length_s: float = HOUR, **changes: Any) -> Silence:
    """A silence of cluster orders by ada."""
    given: dict[str, Any] = {
        "silence_id": f"sil_{number}",
        "matchers": {"cluster": "orders"},
        "starts_at": made.later(begin_s),
        "ends_at": made.later(begin_s + length_s),
        "created_by": "ada",
        "comment": "resize of pg-2",
    }
    return Silence(**given | changes)


def held(incident: Incident, silence_id: str = "sil_1", target: str = "slack") -> Delivery:
    """The record that a silence holds a notification back."""
    return Delivery(
        incident_id=incident.incident_id,
        target=target,
        sink="slack",
        outcome="suppressed",
        at=made.later(60),
        seq=0,
        occasion="opened",
        severity=incident.severity,
        state="open",
        reason=silence_id,
    )


class Process:
    """Announcements of one process, looked at each second."""

    def __init__(self) -> None:
        self.found = SilenceAnnouncements()

    def add(self, *silences: Silence) -> None:
        for each in silences:
            self.found.observe_silence(each.silence_id, each)

    def between(self, begin_s: int, end_s: int) -> list[Incident]:
        return [record for second in range(begin_s, end_s) for record in self.found.due(made.later(second))]


def test_a_silence_is_announced_when_it_begins_and_when_it_ends() -> None:
    """Within seconds, once each, and under the same identity; who, why, what and until when are in it."""
    process = Process()
    process.add(silence())
    (begun,) = process.between(0, 3)
    assert begun.title == "orders: silence of everything by ada until 2026-04-10 11:00 UTC"
    assert (begun.class_, begun.severity, begun.state, begun.cluster) == ("notice", "info", "open", "orders")
    assert begun.announcement is not None
    assert begun.announcement.silences == [silence()]
    assert process.between(3, 3600) == []
    (over,) = process.between(3600, 3602)
    assert (over.incident_id, over.seq, over.state) == (begun.incident_id, 2, "resolved")
    assert over.title == "orders: silence of everything by ada is over; nothing was held back"
    assert process.between(3602, 3700) == []


def test_the_end_lists_what_was_held_back_and_what_goes_on() -> None:
    """Of several targets an incident counts once; the cause is in words; what goes on comes first."""
    process = Process()
    process.add(silence())
    process.between(0, 3)
    over = made.resolved(opened_at=made.later(100), severity="warning", resolved_at=made.later(400))
    going = made.incident(opened_at=made.later(200))
    for incident in (over, going):
        process.found.observe_incident(incident)
        process.found.observe_delivery(held(incident))
        process.found.observe_delivery(held(incident, target="email"))
    process.found.observe_delivery(held(made.incident(cluster="users"), "sil_of_others"))
    (end,) = process.between(3600, 3602)
    assert end.title.endswith("by ada is over; 2 incidents were held back, of which 1 goes on")
    about = end.announcement
    assert about is not None
    assert (about.held_count, about.going_on) == (2, 1)
    assert [(each.incident_id, each.state) for each in about.held] == [
        (going.incident_id, "open"),
        (over.incident_id, "resolved"),
    ]
    assert about.held[0].cause == "query pid 4711 on pg-2 holds a snapshot that replay waits for"


def test_it_is_not_announced_again_after_a_restart() -> None:
    """Another process that has read the topics, or the same one later, has nothing to write."""
    process = Process()
    process.add(silence())
    (begun,) = process.between(0, 3)
    again = Process()
    again.found.observe_incident(begun)
    again.add(silence())
    assert again.between(3, 100) == []
    (over,) = process.between(3600, 3601)
    assert over.incident_id == begun.incident_id
    late = Process()
    late.add(silence())
    late.found.observe_incident(over)
    assert late.between(3500, 3700) == []  # its clock is behind that of the process which announced the end


def test_two_processes_make_the_same_record() -> None:
    """So that the second one is ignored, whichever it is."""
    first, second = Process(), Process()
    for process in (first, second):
        process.add(silence(), silence(2, 1))
    assert [each.incident_id for each in first.between(0, 5)] == [each.incident_id for each in second.between(2, 7)]


def test_many_silences_at_once_are_one_announcement() -> None:
    """Of one person, with one beginning and one end; it ends once."""
    process = Process()
    process.add(*(silence(number, number / 100, matchers={"cluster": f"shop-{number}"}) for number in range(200)))
    (begun,) = process.between(0, 10)
    assert begun.title == "leadline: 200 silences by ada until 2026-04-10 11:00 UTC"
    (over,) = process.between(3600, 3610)
    assert over.title == "leadline: 200 silences by ada are over; nothing was held back"


def test_a_loop_of_silences_is_few_announcements() -> None:
    """200 that are made one after the other, 1.5 s apart: those of half a minute are one, each with one update."""
    process = Process()
    records: list[Incident] = []
    for number in range(200):
        process.add(silence(number, number * 1.5, matchers={"cluster": f"shop-{number}"}))
        records += process.found.due(made.later(number * 1.5))
    records += process.between(301, 400)
    assert len({record.incident_id for record in records}) <= 12
    assert len(records) <= 50
    last = {record.incident_id: record for record in records}
    announced = [each.silence_id for one in last.values() if one.announcement for each in one.announcement.silences]
    assert sorted(announced) == sorted(f"sil_{number}" for number in range(200))


def test_silences_with_other_ends_or_authors_are_announced_apart() -> None:
    """So that none is announced late."""
    process = Process()
    process.add(silence(), silence(2, matchers={"cluster": "users"}, length_s=2 * HOUR))
    process.add(silence(3, matchers={"cluster": "shop"}, created_by="bob"))
    assert [each.cluster for each in process.between(0, 5)] == ["orders", "users", "shop"]
    assert [each.cluster for each in process.between(3600, 3602)] == ["orders", "shop"]
    assert [each.cluster for each in process.between(7200, 7202)] == ["users"]


def test_a_silence_that_is_prolonged_is_one_more_message() -> None:
    """By its identity, or by another of the same matchers before it is over: nothing ends in between."""
    process = Process()
    process.add(silence())
    (begun,) = process.between(0, 3)
    process.add(silence(2, 3500, created_by="bob"))
    (longer,) = process.between(3500, 7000)
    assert (longer.incident_id, longer.seq, longer.state) == (begun.incident_id, 2, "open")
    assert longer.timeline[-1].what == "prolonged until 2026-04-10 11:58 UTC by bob"
    process.add(silence(2, 3500, length_s=2 * HOUR, created_by="bob"))
    (longest,) = process.between(7000, 7090)
    assert longest.title == "orders: silence of everything by ada and bob until 2026-04-10 12:58 UTC"
    (over,) = process.between(10_690, 10_710)
    assert over.state == "resolved"


def test_a_silence_that_is_ended_by_a_person() -> None:
    """The end is announced at once, with who ended it."""
    process = Process()
    process.add(silence())
    process.between(0, 3)
    process.add(replace(silence(), ends_at=made.later(600), ended_by="bob"))
    (over,) = process.between(600, 602)
    assert over.state == "resolved"
    assert over.announcement is not None
    assert over.announcement.silences[0].ended_by == "bob"


def test_a_silence_that_is_removed_is_over() -> None:
    """A tombstone ends it."""
    process = Process()
    process.add(silence())
    process.between(0, 3)
    process.found.observe_silence("sil_1", None)
    (over,) = process.between(600, 602)
    assert (over.state, over.resolved_at) == ("resolved", made.later(600))


def test_a_silence_that_begins_again() -> None:
    """After its end was announced, it is moved on: the same announcement is open again."""
    process = Process()
    process.add(silence())
    process.between(0, 3)
    process.between(3600, 3602)
    process.add(silence(length_s=2 * HOUR))
    (again,) = process.between(3700, 3720)
    assert (again.seq, again.state, again.resolved_at) == (3, "open", None)


def test_a_silence_to_come_or_over_is_not_announced() -> None:
    """The one when it begins; the other never, also by a process that starts long after it."""
    process = Process()
    process.add(silence(begin_s=600))
    assert process.between(0, 600) == []
    assert len(process.between(600, 603)) == 1
    late = Process()
    late.add(silence(begin_s=600))
    assert late.between(5000, 5100) == []


def test_a_silence_that_is_cancelled_before_it_begins() -> None:
    """Nothing begins and nothing ends (https://github.com/Icinga/icinga2/issues/4850: an end was sent)."""
    process = Process()
    process.add(silence(begin_s=600))
    process.between(0, 10)
    process.add(replace(silence(begin_s=600), starts_at=made.later(10), ends_at=made.later(10), ended_by="bob"))
    assert process.between(10, 5000) == []


def test_the_cluster_of_an_announcement() -> None:
    """The cluster of the matcher or of the incident; `leadline` where it may be any."""
    process = Process()
    incident = made.incident(cluster="users")
    process.found.observe_incident(incident)
    process.add(silence(1, matchers={"cluster": "ord*"}, created_by="a"))
    process.add(silence(2, matchers={"severity": "warning"}, created_by="b"))
    process.add(silence(3, matchers={"incident": incident.incident_id}, created_by="c"))
    assert [each.cluster for each in process.between(0, 5)] == ["leadline", "leadline", "users"]


def test_a_long_comment_does_not_make_a_long_record() -> None:
    """200 of them fit into a record of Kafka."""
    process = Process()
    process.add(*(silence(number, comment="x" * 1000, matchers={"cluster": "c" * 255}) for number in range(200)))
    (record,) = process.between(0, 5)
    assert record.announcement is not None
    assert max(len(each.comment) for each in record.announcement.silences) == 300


def test_times_of_the_held_ones() -> None:
    """The end of an announcement is the end of its silence, also when it is written later."""
    process = Process()
    process.add(silence())
    process.between(0, 3)
    (over,) = process.between(5000, 5001)
    assert over.resolved_at == datetime.fromtimestamp(made.later(3600).timestamp(), made.START.tzinfo)
