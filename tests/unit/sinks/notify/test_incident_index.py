"""Many silences are matched with many incidents by the values that occur, not one by one."""

from itertools import product

import pytest

from leadline_sinks.notify import incident_index
from leadline_sinks.notify.incident_index import IncidentIndex
from leadline_sinks.notify.matching import glob, globbed, patterns_match
from tests.unit.sinks import made
from tests.unit.sinks.notify.test_announced import begun

INCIDENTS = [
    made.incident(
        cluster=cluster,
        severity=severity,
        datacenters=datacenters,
        rules=rules,
        labels=labels,
        causes=[made.cause(code) for code in causes],
    )
    for cluster, severity, (datacenters, rules, labels, causes) in product(
        ("orders", "orders-2", "users", "[x]"),
        ("warning", "critical"),
        (
            (["fra1", "ams1"], ["replication_lag", "slot_inactive"], {"team": "pay"}, ["network_slow", "standby_down"]),
            ([], [], {}, []),
            (["fra2"], ["node_down"], {"team": "core", "env": "prod"}, ["unknown"]),
        ),
    )
]
PATTERNS = [
    {"cluster": "orders"},
    {"cluster": "ord*", "severity": "critical"},
    {"cluster": "[x]"},
    {"cluster": "[*"},
    {"rule": "slot_*"},
    {"rule": "*", "datacenter": "fra?"},
    {"cause": "standby_down", "label.team": "p*"},
    {"label.team": "*"},
    {"label.nobody": "*"},
    {"incident": "inc_orders_*"},
    {"incident": INCIDENTS[0].incident_id},
    {"cluster": "*"},
    {"colour": "*"},
    {"cluster": "nope"},
]


@pytest.mark.parametrize("patterns", PATTERNS, ids=str)
def test_it_finds_what_matching_one_by_one_finds(patterns: dict[str, str]) -> None:
    """For each kind of matcher."""
    index = IncidentIndex(INCIDENTS)
    expected = [each for each in INCIDENTS if patterns_match(patterns, each)]
    found = index.matched(patterns)
    assert index.chosen(found) == expected
    assert found.bit_count() == len(expected)


def test_announcements_are_no_incidents() -> None:
    """No silence holds them back."""
    assert IncidentIndex([begun()]).matched({"cluster": "*"}) == 0


def test_a_pattern_is_tried_once_and_a_name_never(monkeypatch: pytest.MonkeyPatch) -> None:
    """So 200 silences of names cost no more than looking the names up."""
    tried = []

    def counted(pattern: str, texts: dict[str, int]) -> list[str]:
        tried.append(pattern)
        return globbed(pattern, texts)

    monkeypatch.setattr(incident_index, "globbed", counted)
    index = IncidentIndex(INCIDENTS)
    for number in range(200):
        index.matched({"cluster": f"shop-{number}"})
        index.matched({"cluster": "ord*", "severity": "critical"})
    assert tried == ["ord*"]


@pytest.mark.parametrize("pattern", ["*", "?", "a*", "[a]", "*" * 60 + "x", "a.b", ""])
def test_many_texts_are_matched_as_one_is(pattern: str) -> None:
    """Also those with line breaks and brackets."""
    texts = ["", "a", "a\nb", "[a]", "axb", "a.b", "a" * 2000, "x"]
    assert globbed(pattern, texts) == [text for text in texts if glob(pattern, text)]
