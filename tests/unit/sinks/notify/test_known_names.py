"""A silence that no incident can ever match is refused; one that may match some day is not."""

from collections.abc import Mapping
from datetime import timedelta
from typing import Any
from urllib.parse import quote

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from msgspec.structs import replace

from leadline.errors import UsageError
from leadline.model.ids import ClusterName, incident_id
from leadline.model.incident import Incident
from leadline_sinks.notify.known_names import FIXED, SEEN, KnownNames, require_possible
from leadline_sinks.notify.matching import patterns_match
from leadline_sinks.notify.silence_announcements import SilenceAnnouncements
from tests.unit.lab.view.test_fleet import node
from tests.unit.sinks import made
from tests.unit.sinks.notify.test_silence_announcements import silence

NOW = made.later(3600)
MORE = "tick the box"
PLACES = {"orders": ("fra1", "lon1"), "billing": ("fra1",), "Größe/eu": ("",)}
STATUSES = [
    replace(node(f"pg-{number}"), cluster=ClusterName(cluster), datacenter=place)
    for cluster, places in PLACES.items()
    for number, place in enumerate(places)
]


def incident(cluster: str, **changes: Any) -> Incident:
    found = made.incident(cluster=cluster, **changes)
    return replace(found, incident_id=incident_id(cluster, found.opened_at), datacenters=list(PLACES[cluster][:1]))


OPEN = incident("orders")
MERGED = replace(incident("billing"), state="resolved", resolved_at=NOW, merged_into=OPEN.incident_id)
OVER = replace(
    incident("orders", opened_at=made.later(-400_000)), state="resolved", resolved_at=NOW - timedelta(days=3)
)
RECENT = replace(
    incident("orders", opened_at=made.later(-4000)), state="resolved", resolved_at=NOW - timedelta(minutes=9)
)
KNOWN = KnownNames.of(STATUSES, [OPEN, MERGED, OVER, RECENT])


def refusal(known: KnownNames = KNOWN, unknown: bool = False, **matchers: str) -> str:
    """The reason for which a silence is refused; empty where it is accepted."""
    try:
        require_possible(matchers, known, NOW, MORE, unknown=unknown)
    except UsageError as error:
        return str(error)
    return ""


@pytest.mark.parametrize(
    ("matchers", "reason"),
    [
        ({"rule": "replicaton_lag"}, "no rule matches 'replicaton_lag'; did you mean replication_lag?"),
        ({"severity": "CRITICAL"}, "no severity matches 'CRITICAL'; did you mean critical?"),
        (
            {"severity": "warning,critical"},
            "no severity matches 'warning,critical': a list is no pattern; add a silence",
        ),
        ({"severity": "high"}, "no severity matches 'high'; allowed: info, warning, critical"),
        ({"cluster": "orders|billing"}, "a list is no pattern; add a silence for each"),
        ({"severity": ">=warning"}, "no severity matches '>=warning'; did you mean warning?"),
        ({"cluster": "zzz"}, "no cluster matches 'zzz'; known: Größe/eu, billing, orders; tick the box if it is still"),
        ({"cluster": "ORDERS"}, "did you mean orders?"),
        ({"cluster": " orders"}, "did you mean orders?"),
        ({"cluster": "Gro\u0308\u00dfe/eu"}, "did you mean Größe/eu?"),
        ({"cluster": "Gr%C3%B6%C3%9Fe%2Feu"}, "did you mean Größe/eu?"),
        ({"cluster": "ord?"}, "no cluster matches 'ord?'"),
        ({"cluster": "[ob]*"}, "no cluster matches '[ob]*'"),
        ({"datacenter": "FRA1"}, "did you mean fra1?"),
        (
            {"cluster": "billing", "datacenter": "lon1"},
            "no server of cluster 'billing' is in datacenter 'lon1'; known: ",
        ),
        (
            {"cluster": "Gr*", "datacenter": "*"},
            "no server of cluster 'Gr*' is in datacenter '*'; known: in none",
        ),
        ({"incident": "inc_1"}, "no incident matches 'inc_1'; `leadline incidents list`"),
        ({"incident": OPEN.incident_id[:-2]}, "no incident matches"),
        ({"incident": OPEN.incident_id, "cluster": "billing"}, "is of another cluster than 'billing'"),
        ({"incident": MERGED.incident_id}, f"is a part of {OPEN.incident_id}; silence that one"),
        ({"incident": OVER.incident_id}, f"{OVER.incident_id} ended 3 d ago, and does not return"),
        ({"incident": "orders/pg-1-%3Epg-2"}, "no incident matches"),
    ],
)
def test_what_can_never_match_is_refused(matchers: dict[str, str], reason: str) -> None:
    """A silence of a misspelt name silences nothing, and nobody would notice before the next page."""
    assert reason in refusal(**matchers)


@pytest.mark.parametrize(
    "matchers",
    [
        {"cluster": "ord*"},
        {"cluster": "*"},
        {"cluster": "Größe/eu"},
        {"cluster": "leadline"},
        {"cluster": "lon1", "datacenter": "lon1"},
        {"incident": OPEN.incident_id, "cluster": "o*", "severity": "critical", "rule": "lag_forecast"},
        {"incident": RECENT.incident_id},
        {"incident": "inc_orders_*"},
        {"label.Any thing": "~x"},
        {"rule": "audit_*", "severity": "info"},
        {"cause": "unknown"},
    ],
    ids=str,
)
def test_what_can_match_is_accepted(matchers: dict[str, str]) -> None:
    """Leadline's own incidents, one about a lost datacenter, which has its name, and one that may return, too."""
    assert refusal(**matchers) == ""


def test_what_is_still_to_come_is_accepted_when_somebody_states_it() -> None:
    """Something without the form of an identity, or of another cluster by its identity, does not come either."""
    to_come = incident_id("sha%p [1]", NOW)
    assert refusal(unknown=True, cluster="sha%p [1]", datacenter="syd1", incident=to_come) == ""
    assert refusal(unknown=True, cluster="sha*", incident=to_come) == ""
    assert refusal(unknown=True, cluster="s?a%p*", incident=f"{to_come}_slack") == ""
    assert "of another cluster" in refusal(unknown=True, cluster="shop", incident=to_come)
    assert "no incident matches 'sha'" in refusal(unknown=True, incident="sha")
    assert "no rule" in refusal(unknown=True, rule="replicaton_lag")


def test_no_silence_holds_an_announcement_back() -> None:
    """Its identity looks like that of an incident."""
    announcements = SilenceAnnouncements()
    quiet = silence()
    announcements.observe_silence(quiet.silence_id, quiet)
    announcements.due(made.later(20))
    (about,) = announcements.due(made.later(25))
    known = KnownNames.of(STATUSES, [about])
    assert "announces silences" in refusal(known, incident=about.incident_id)


def test_rules_and_causes_of_another_version_are_accepted_where_an_incident_has_them() -> None:
    """The processes of one fleet are not replaced in one instant."""
    newer = replace(OPEN, rules=["rule_of_tomorrow"], causes=[made.cause("cause_of_tomorrow")])
    assert refusal(rule="rule_of_tomorrow") != ""
    assert refusal(KnownNames.of([], [newer]), rule="rule_of_tomorrow", cause="cause_of_tomorrow") == ""


def test_a_cluster_without_datacenters() -> None:
    """Any pattern for a datacenter never matches there; the star matches no missing name."""
    known = KnownNames.of([replace(node("pg-1"), datacenter="")])
    assert (
        refusal(known, datacenter="*") == "no datacenter matches '*'; known: none; tick the box if it is still to come"
    )


@st.composite
def patterns(draw: st.DrawFn, texts: list[str]) -> str:
    """A name with some characters replaced by wildcards or others, cut, in another case, or percent-encoded."""
    text = draw(st.sampled_from(texts))
    for _ in range(draw(st.integers(0, 3))):
        at = draw(st.integers(0, len(text)))
        put = draw(st.sampled_from(["*", "?", "", "x", "_", "["]))
        text = text[:at] + put + text[at + draw(st.integers(0, 2)) :]
    form = draw(st.sampled_from([str, str, str, str.upper, str.swapcase, lambda name: quote(name, safe="")]))
    return form(text) or "*"


NAMES = {
    "cluster": [*PLACES, "leadline", "fra1", "shop"],
    "datacenter": ["fra1", "lon1", "syd1"],
    "severity": list(FIXED["severity"]),
    "rule": ["replication_lag", "datacenter_lost", "sink_failing", "audit_finding"],
    "cause": ["unknown", "set_up_wrong", "standby_query_blocks_replay"],
    "incident": [OPEN.incident_id, MERGED.incident_id, OVER.incident_id, RECENT.incident_id],
}


@st.composite
def asked(draw: st.DrawFn) -> dict[str, str]:
    names = draw(st.lists(st.sampled_from(list(NAMES)), min_size=1, max_size=4, unique=True))
    return {name: draw(patterns(NAMES[name])) for name in names}


def possible(known: Mapping[str, tuple[str, ...]]) -> list[Incident]:
    """Incidents that may be sent from now on, of the names known: every one that is there, and new ones."""
    kinds = [(cluster, place) for cluster, places in known.items() for place in places]
    kinds += [("leadline", ""), *((name, name) for _, name in kinds if name)]
    new = [
        replace(
            made.incident(cluster=cluster, opened_at=NOW),
            incident_id=incident_id(cluster, NOW),
            datacenters=[place] if place else [],
        )
        for cluster, place in kinds
    ]
    return [
        replace(each, severity=severity, rules=FIXED["rule"], causes=[made.cause(code) for code in FIXED["cause"]])
        for each in (OPEN, RECENT, *new)
        for severity in FIXED["severity"]
    ]


POSSIBLE = possible(PLACES)
TO_COME = [
    *POSSIBLE,
    *possible({name: (place,) for name in (*PLACES, "shop", "shopx") for place in ("fra1", "lon1", "syd1")}),
]


@given(asked())
def test_what_is_refused_is_impossible_and_what_is_accepted_is_not(matchers: dict[str, str]) -> None:
    """Tried on every kind of incident that there can be. One identity that is new cannot be named yet."""
    wanted = dict(matchers)
    is_possible = any(patterns_match(wanted, each) for each in POSSIBLE)
    if refusal(**matchers):
        assert not is_possible
        assert SEEN & matchers.keys() or not any(patterns_match(wanted, each) for each in TO_COME)
    elif "incident" not in matchers:
        assert is_possible
    else:
        assert any(patterns_match(wanted, replace(each, datacenters=["fra1", "lon1"])) for each in POSSIBLE)


@given(asked())
def test_what_is_refused_although_it_is_still_to_come_is_impossible(matchers: dict[str, str]) -> None:
    """Whatever names there will be."""
    assume(refusal(unknown=True, **matchers))
    assert not any(patterns_match(matchers, each) for each in TO_COME)


def test_names_that_are_matched_as_they_are() -> None:
    """Each known name is matched by itself."""
    for name, values in {name: KNOWN.values(name) for name in ("cluster", "datacenter", *FIXED)}.items():
        assert [value for value in values if refusal(**{name: value})] == []
    assert not SEEN & set(FIXED)
