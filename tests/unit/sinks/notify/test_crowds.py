"""Very many silences and incidents at once: a sink process compares each with what is like it, not with all others.

Tens of thousands of silences are no rarity: prometheus/alertmanager pull request 3961. Whoever works too long on what
was read loses it to another process, which works as long on it: aio-libs/aiokafka issue 848.
"""

from datetime import UTC, datetime
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from leadline.model.incident import Affected, Incident
from leadline.model.silence import Silence
from leadline_sinks.notify.announcement_records import are_together
from leadline_sinks.notify.datacenter_incident import DatacenterIncidents
from leadline_sinks.notify.matching import globbed
from leadline_sinks.notify.notify_decision import active_silence
from leadline_sinks.notify.silence_announcements import SilenceAnnouncements
from tests.unit.sinks import made
from tests.unit.sinks.notify.test_silence_announcements import silence
from tests.unit.streams.test_cost import MOST_GROWTH, counted


def announced(size: int, authors: int) -> int:
    """Lines that are executed for silences that begin, for as many more a while later, and for the end of all."""
    found = SilenceAnnouncements()
    for number in range(2 * size):
        by, begin_s = f"p{number % authors}", 0.0 if number < size else 200.0
        each = silence(number, begin_s, created_by=by, matchers={"cluster": f"c{number}"})
        found.observe_silence(each.silence_id, each)

    def run() -> None:
        for second in (*range(6), *range(200, 206), 3600, 3800):
            found.due(made.later(second))

    return counted(run).total()


@pytest.mark.parametrize("authors", [1, 10, 10**6])
def test_twice_the_silences_are_twice_the_work(authors: int) -> None:
    """By one person, by some, and each by another."""
    announced(8, authors)
    assert announced(200, authors) <= MOST_GROWTH * announced(100, authors)


def lost(size: int) -> int:
    """The same for datacenters that two clusters each have lost, while another silence begins for each cluster."""
    found = DatacenterIncidents(2)
    for number in range(size):
        names = [f"d{number}", f"d{(number + 1) % size}"]
        part = made.incident(1, cluster=f"s{number}", silent_datacenters=names, affected=Affected(nodes=["pg-1"]))  # type: ignore[list-item]
        found.observe(part, made.START)
    silences = [silence(number, matchers={"cluster": f"c{number}"}) for number in range(size)]
    return counted(lambda: [found.due(made.later(second), silences) for second in range(30, 33)]).total()


def test_twice_the_datacenters_are_twice_the_work() -> None:
    """Although each of them has to be compared with what is silenced."""
    lost(8)
    assert lost(200) <= MOST_GROWTH * lost(100)


def test_very_many_patterns_are_compiled_once() -> None:
    """Python's own cache has 512: beyond that, each pattern was compiled at each use."""
    patterns = [f"wide-{number}*" for number in range(1000)]

    def use() -> None:
        for pattern in patterns:
            globbed(pattern, ["wide-7", "narrow"])

    use()
    assert counted(use).total() < 20 * len(patterns)


@given(seed=st.integers(0, 2**32))
def test_groups_are_those_of_comparing_all(seed: int) -> None:
    """In the same order, whatever is together with what."""
    chance = Random(seed)
    silences = [
        silence(
            number,
            chance.choice((0.0, 1.0, 29.0, 30.0, 31.0, 59.9, 60.0)) - 100.0,
            chance.choice((3600.0, 3629.0, 3661.0)),
            created_by=chance.choice(("ada", "ben")),
            matchers={"cluster": f"c{number}"},
        )
        for number in range(chance.randint(1, 25))
    ]
    found = SilenceAnnouncements()
    for each in silences:
        found.observe_silence(each.silence_id, each)
    records = [record for second in range(3) for record in found.due(made.later(second))]
    assert [members(record) for record in records] == compared(silences)


def members(record: Incident) -> list[str]:
    assert record.announcement is not None
    return [each.silence_id for each in record.announcement.silences]


def compared(silences: list[Silence]) -> list[list[str]]:
    """Each with the first group that it is together with."""
    groups: list[list[Silence]] = []
    for each in sorted(silences, key=lambda each: (each.starts_at, each.silence_id)):
        near = next((group for group in groups if are_together(group[0], each)), None)
        groups.append([each]) if near is None else near.append(each)
    return [[each.silence_id for each in group] for group in groups]


def test_a_silence_for_ever_holds() -> None:
    """As one that ends in the year 9999: prometheus/alertmanager issue 2485."""
    for ends_at in (datetime(9999, 1, 1, tzinfo=UTC), datetime.max.replace(tzinfo=UTC)):
        found = SilenceAnnouncements()
        for number in range(2):
            each = silence(number, ends_at=ends_at)
            found.observe_silence(each.silence_id, each)
        (record,) = [record for second in range(9) for record in found.due(made.later(second))]
        assert record.title.startswith("orders: silence of everything by ada until 9999-")
        assert active_silence(made.incident(), [each], made.later(9)) == each
