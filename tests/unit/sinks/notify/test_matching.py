"""Matching of incidents against routes and silences."""

import pytest

from leadline.settings.routing import RouteMatch
from leadline_sinks.notify.matching import glob, is_matcher, patterns_match, route_matches
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
    """The wildcards are `*` and `?`; every other character stands for itself. Matching takes bounded time."""
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
def test_matchers(name: str, pattern: str, expected: bool) -> None:
    """Each part of an incident can match; of several values, one is enough. Unknown names match nothing."""
    assert patterns_match({name: pattern}, ABOUT) is expected
    assert patterns_match({"cluster": "orders"} | {name: pattern}, ABOUT) is expected
    assert not patterns_match({name: pattern, "label.team": "core"}, ABOUT)


@pytest.mark.parametrize(("severity", "expected"), [("info", True), ("warning", True), ("critical", False)])
def test_the_severity_of_a_route(severity: str, expected: bool) -> None:
    """It is the lowest that matches."""
    assert route_matches(RouteMatch(severity=severity), ABOUT) is expected  # type: ignore[arg-type]


def test_all_matchers_of_a_route_must_match() -> None:
    """Labels, too."""
    assert route_matches(RouteMatch(cluster="orders", rule="slot_*", labels={"team": "payments"}), ABOUT)
    assert not route_matches(RouteMatch(cluster="orders", labels={"team": "payments", "tier": "*"}), ABOUT)


def test_names_of_matchers() -> None:
    """A label needs a name."""
    assert is_matcher("cluster")
    assert is_matcher("label.x")
    assert not is_matcher("label.")
    assert not is_matcher("clusters")
