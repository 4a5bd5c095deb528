"""The past that a console reads, and what its plots say of the rest.

Plots of others that were as long as their data made people take an old problem for a new one:
https://github.com/graylog-labs/graylog2-web-interface/issues/794, https://github.com/influxdata/influxdb/issues/17132
"""

from datetime import timedelta

from hypothesis import given
from hypothesis import strategies as st

from leadline.model.alert import Subject
from leadline.model.ids import NodeName, thing_id
from leadline.model.status import SlotStatus
from leadline_console.lag_history import MOST_ROLLUPS
from leadline_console.page import Asked
from leadline_console.pages import cluster
from leadline_console.past import shares
from leadline_console.read_model import ReadModel
from tests.fixtures.console_story import rollups, story, transition
from tests.fixtures.console_values import fleet, node, now


@given(st.dictionaries(st.integers(), st.integers(0, 1000)), st.integers(0, 3000))
def test_no_more_is_read_than_there_is_or_than_is_allowed(there: dict[int, int], most: int) -> None:
    """All of it where that is allowed; otherwise as much as is allowed, and large partitions alike."""
    given = shares(there, most)
    assert sum(given.values()) == min(most, sum(there.values()))
    assert all(given[key] <= count for key, count in there.items())
    cut = [given[key] for key, count in there.items() if given[key] < count]
    assert not cut or max(given.values()) - min(cut) <= 1


def test_one_cluster_may_use_what_is_for_all() -> None:
    """It fills one of twelve partitions."""
    there = dict.fromkeys(range(11), 0) | {11: 300_000}
    assert shares(there, MOST_ROLLUPS)[11] == 300_000


def test_a_plot_says_from_when_on_it_is_complete() -> None:
    """Not of the hour, which is; and no more when a day has passed."""
    model, at = ReadModel(), now()
    for value in [*fleet("orders"), *rollups("orders", "pg-1", "pg-2", 3.0, hours=5)]:
        model.take(value)
    model.lags_begin(at - timedelta(hours=7))
    model.lags_begin(at - timedelta(hours=5))
    hour, day = cluster.view(model, Asked({"cluster": "orders"}, at)).plots
    assert hour.incomplete_before is None
    assert day.incomplete_before == int((at - timedelta(hours=5)).timestamp())
    _, day = cluster.view(model, Asked({"cluster": "orders"}, at + timedelta(hours=20))).plots
    assert day.incomplete_before is None


def test_every_slot_is_listed_with_its_room() -> None:
    """Once, with its worst alert. The newer of status and alert has the time; without one, the reason is in words."""
    slots = [
        SlotStatus(name="cdc", slot_kind="logical", active=False, trend="grows", full_in_s=5000.0),
        SlotStatus(name="s2", slot_kind="physical", active=True, trend="little", retained_bytes=0),
        SlotStatus(name="old", slot_kind="physical", active=False, trend="grows", growth_bytes_per_s=5.0),
    ]
    model = ReadModel()
    for value in story():
        model.take(value)
    model.take(node("orders", "pg-1", role="primary", slots=slots, slots_total=250, at=now() + timedelta(seconds=9)))
    model.take(node("orders", "pg-3", health="down"))
    slot = Subject(kind="slot", id=thing_id("orders", "pg-1", "slot", "cdc"), node=NodeName("pg-1"), name="cdc")
    model.take(transition("slot_inactive", slot, severity="warning", to="pending"))
    found = cluster.view(model, Asked({"cluster": "orders"}, now()))
    assert [(each.slot, each.rule, each.room) for each in found.slots] == [
        ("cdc", "slot_retention_forecast", "about 83 min"),
        ("old", "", "no limit is seen"),
        ("s2", "", "retains little"),
    ]
    assert found.slots[0].other_rules == ["slot_inactive"]
    assert found.slots_total == 250
    assert found.slots_unseen == ["pg-3", "pg-9"]
