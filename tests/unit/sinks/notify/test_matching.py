"""Which incidents routes and silences are for."""

import pytest

from leadline.settings.sink import RouteMatch
from leadline_sinks.notify.matching import fits, glob, known, matches
from tests.unit.sinks.made import cause, incident

ABOUT = incident(
    datacenters=["fra1", "ams1"],
    severity="warning",
    rules=["replication_lag", "slot_inactive"],
    causes=[cause("network_slow"), cause("standby_down")],
)


@pytest.mark.parametrize(
    ("pattern", "text", "expected"),
    [
        ("orders", "orders", True),
        ("orders", "Orders", False),
        ("ord*", "orders", True),
        ("*", "", True),
        ("?", "", False),
        ("o?ders", "orders", True),
        ("orders", "orders2", False),
        ("[a]", "[a]", True),
        ("[a]", "a", False),
        ("a*", "a\nb", True),
        ("a.b", "axb", False),
        ("*" * 60 + "x", "a" * 5000, False),
    ],
)
def test_a_pattern(pattern: str, text: str, expected: bool) -> None:
    """Stars and question marks stand for something, everything else for itself; none takes for ever."""
    assert glob(pattern, text) is expected


@pytest.mark.parametrize(
    ("name", "pattern", "expected"),
    [
        ("cluster", "ord*", True),
        ("cluster", "users", False),
        ("datacenter", "ams*", True),
        ("datacenter", "nyc*", False),
        ("rule", "slot_*", True),
        ("rule", "apply_*", False),
        ("cause", "standby_down", True),
        ("cause", "unknown", False),
        ("incident", "inc_orders_*", True),
        ("label.team", "pay*", True),
        ("label.team", "core", False),
        ("label.nobody", "*", False),
        ("severity", "warning", True),
        ("severity", "*", True),
        ("severity", "info", False),
        ("severity", "critical", False),
        ("colour", "*", False),
    ],
)
def test_what_a_silence_is_held_against(name: str, pattern: str, expected: bool) -> None:
    """Each part of an incident; of several, one is enough; what is not known fits nothing."""
    assert fits({name: pattern}, ABOUT) is expected
    assert fits({"cluster": "orders"} | {name: pattern}, ABOUT) is expected
    assert not fits({name: pattern, "label.team": "core"}, ABOUT)


@pytest.mark.parametrize(("severity", "expected"), [("info", True), ("warning", True), ("critical", False)])
def test_a_route_names_the_least_severity(severity: str, expected: bool) -> None:
    """At least this severe."""
    assert matches(RouteMatch(severity=severity), ABOUT) is expected  # type: ignore[arg-type]


def test_all_of_a_route_must_fit() -> None:
    """Labels, too."""
    assert matches(RouteMatch(cluster="orders", rule="slot_*", labels={"team": "payments"}), ABOUT)
    assert not matches(RouteMatch(cluster="orders", labels={"team": "payments", "tier": "*"}), ABOUT)


def test_what_can_be_matched() -> None:
    """A label needs a name."""
    assert known("cluster")
    assert known("label.x")
    assert not known("label.")
    assert not known("clusters")
