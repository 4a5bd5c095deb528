"""A fleet as views show it: by the last status of each link and node, with the lags of the last two minutes."""

from datetime import UTC, datetime
from typing import Any

from leadline.model.ids import link_id, node_id
from leadline.model.status import LinkStatus, NodeStatus
from leadline_lab.view.fleet import HISTORY, FleetView

AT = datetime(2026, 4, 10, 10, 0, tzinfo=UTC)


def link(downstream: str = "pg-2", **fields: Any) -> LinkStatus:
    """A healthy link of ``pg-1``, but for the fields given."""
    given: dict[str, Any] = {
        "cluster": "orders",
        "datacenter": "fra1",
        "link": link_id("orders", "pg-1", downstream),
        "upstream": "pg-1",
        "downstream": downstream,
        "link_kind": "physical",
        "verdict": "healthy",
        "since": AT,
        "connected": True,
        "lag_s": 0.0,
        "behind": 0,
        "observers": ["pg-1", downstream],
        "at": AT,
    }
    return LinkStatus(**(given | fields))


def node(name: str, **fields: Any) -> NodeStatus:
    """A primary that is up, but for the fields given."""
    given: dict[str, Any] = {
        "cluster": "orders",
        "datacenter": "fra1",
        "node": name,
        "engine": "postgresql",
        "version": "18.6",
        "role": "primary",
        "health": "up",
        "since": AT,
        "at": AT,
    }
    return NodeStatus(**(given | fields))


def test_the_last_status_of_each_holds() -> None:
    """In the order of names, whatever order they came in."""
    fleet = FleetView()
    for value in (link("pg-3"), link("pg-2"), node("pg-2"), node("pg-1"), link("pg-2", verdict="cut_off")):
        fleet.take(value)
    assert [(each.downstream, each.verdict) for each in fleet.links] == [("pg-2", "cut_off"), ("pg-3", "healthy")]
    assert [each.node for each in fleet.nodes] == ["pg-1", "pg-2"]


def test_a_tombstone_takes_a_link_or_a_node_away() -> None:
    """By its key, with its history; one that is not there is no error."""
    fleet = FleetView()
    for value in (link("pg-2"), link("pg-3"), node("pg-1"), node("pg-2")):
        fleet.take(value)
    fleet.sample_lags(0.0)
    fleet.sample_lags(1.0)
    for key in (link_id("orders", "pg-1", "pg-2"), node_id("orders", "pg-2"), "orders/nothing"):
        fleet.forget(key)
    assert ([each.downstream for each in fleet.links], [each.node for each in fleet.nodes]) == (["pg-3"], ["pg-1"])
    assert fleet.history(link_id("orders", "pg-1", "pg-2")) == ()
    assert fleet.history(link_id("orders", "pg-1", "pg-3")) == (0.0,)


def test_the_history_has_one_lag_a_second() -> None:
    """However often it is asked for and however seldom a status comes; what is not known is drawn as none."""
    fleet, known = FleetView(), link_id("orders", "pg-1", "pg-2")
    for tenth in range(0, 31):
        if tenth == 5:
            fleet.take(link(lag_s=2.5))
        if tenth == 25:
            fleet.take(link(lag_s=None))
        fleet.sample_lags(100.0 + tenth / 10)
    assert fleet.history(known) == (2.5, 2.5, 0.0)
    fleet.take(link(lag_s=7.0))
    fleet.sample_lags(104.9)
    fleet.sample_lags(105.0)
    assert fleet.history(known)[-3:] == (0.0, 7.0, 7.0)
    for second in range(106, 400):
        fleet.sample_lags(float(second))
    assert len(fleet.history(known)) == HISTORY
