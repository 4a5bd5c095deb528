"""Views are pure: what they show of a model, by the parameters of an address."""

import math
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from leadline import wire
from leadline_console import rendering
from leadline_console.page import Asked, NotFound
from leadline_console.pages import PAGES, cluster, fleet, link
from leadline_console.plot import lag_plot, nice
from leadline_console.read_model import ReadModel
from tests.fixtures import console_values as consoles
from tests.fixtures.console_story import STALLED, rollups, story

NOW = datetime.now(UTC)


def filled(*values: Any) -> ReadModel:
    model = ReadModel()
    for value in values:
        model.take(value)
    return model


def asked(**params: str) -> Asked:
    return Asked(params, NOW)


def test_the_worst_comes_first_and_not_known_before_fine() -> None:
    rows = fleet.view(filled(*story()), asked()).links
    assert [row.verdict for row in rows[:3]] == ["replay_stalled", "unknown", "healthy"]
    assert [row.mood for row in rows[:3]] == ["bad", "unknown", "fine"]


def test_a_cluster_that_is_not_seen_is_not_fine() -> None:
    unseen = consoles.node("dark", "pg-1", role="primary", health="silent")
    (row,) = fleet.view(filled(unseen), asked()).clusters
    assert row.mood == "unknown"


def test_a_search_and_a_filter_are_in_the_address() -> None:
    model = filled(*story())
    assert {row.cluster for row in fleet.view(model, asked(q="BILLING-3")).links} == {"billing-3"}
    assert {row.mood for row in fleet.view(model, asked(show="problems")).links} == {"bad", "unknown"}
    assert fleet.view(model, asked(show="nonsense")).show == "all"


@pytest.mark.parametrize("page", ["0", "-1", "abc", "1e9", "٣", "99999999999999999999"])
def test_a_page_that_is_not_there_is_one_that_is(page: str) -> None:
    shown = fleet.view(filled(*consoles.fleet("orders", 120)), asked(page=page))
    assert 1 <= shown.page <= shown.pages
    assert shown.links or shown.page == shown.pages


def test_every_link_is_on_exactly_one_page() -> None:
    model = filled(*consoles.fleet("orders", 120))
    pages = fleet.view(model, asked()).pages
    found = [row.link for number in range(pages) for row in fleet.view(model, asked(page=str(number + 1))).links]
    assert sorted(found) == sorted(model.links)


def test_the_lag_is_the_newest_that_is_known() -> None:
    old = consoles.link("orders", "pg-1", "pg-2", lag_s=0.2, at=NOW - timedelta(minutes=4))
    model = filled(old, *rollups("orders", "pg-1", "pg-2", 8.0, hours=1))
    (row,) = fleet.view(model, asked()).links
    assert row.lag_s == pytest.approx(16.0, rel=0.1)


def test_a_cluster_shows_slots_with_their_time_to_full() -> None:
    shown = cluster.view(filled(*story()), asked(cluster="orders"))
    slot, other = shown.slots
    assert (slot.slot, slot.node, slot.time_left_s) == ("cdc", "pg-1", 5400.0)
    assert (other.slot, other.room) == ("pg_2", "retains little")
    assert shown.changes[0].setting == "max_standby_streaming_delay"


def test_a_link_says_what_is_not_seen_of_it() -> None:
    values = [each for each in story() if getattr(each, "node", "") != "pg-2"]
    assert link.view(filled(*values), asked(link=STALLED)).unseen == ["pg-2"]


@pytest.mark.parametrize("params", [{}, {"cluster": "none", "link": "none", "id": "none"}])
def test_what_is_not_there_is_not_found(params: dict[str, str]) -> None:
    for view in (cluster.view, link.view):
        with pytest.raises(NotFound, match="there is no"):
            view(filled(*story()), asked(**params))


def test_a_plot_ends_at_a_round_number_and_breaks_at_a_gap() -> None:
    assert [nice(each) for each in (0.0, 1.0, 1.1, 7.0, 412.0)] == [1.0, 1.0, 2.0, 10.0, 500.0]
    model = filled(*(each for each in story() if getattr(each, "window_s", 10.0) == 10.0))
    history = model.lags.get(STALLED)
    assert history is not None
    plot = lag_plot("hour", [(STALLED, "a", history)], NOW.timestamp())
    assert plot.top_s == 500.0
    assert plot.lines[0].path.count("M") == 1
    history._lag["hour"][100] = history._lag["hour"][101] = history._lag["hour"][102] = math.nan
    history._lag["hour"][103] = history._lag["hour"][104] = math.nan
    assert lag_plot("hour", [(STALLED, "a", history)], NOW.timestamp()).lines[0].path.count("M") == 2


def test_a_map_draws_the_worst_and_counts_the_rest() -> None:
    values = consoles.fleet("orders", 40, verdict="broken")
    (drawn,) = cluster.view(filled(*values), asked(cluster="orders")).map.clusters
    assert len(drawn.nodes) + drawn.left_out == 41
    assert "broken" in {each.verdict for each in drawn.links}


def test_nodes_in_a_circle_are_drawn() -> None:
    values = [consoles.link("ring", "a", "b"), consoles.link("ring", "b", "c"), consoles.link("ring", "c", "a")]
    (drawn,) = cluster.view(filled(*values), asked(cluster="ring")).map.clusters
    assert {each.node for each in drawn.nodes} == {"a", "b", "c"}
    assert len(drawn.links) == 3


def test_every_view_is_json() -> None:
    model = filled(*story())
    for page in PAGES:
        if page.load is None and page.path in ("/", "/cluster", "/link"):
            assert wire.encode(page.view(model, asked(cluster="orders", link=STALLED))).startswith(b"{")


def test_a_part_is_the_same_alone_and_in_its_page() -> None:
    model = filled(*story())
    shown: dict[str, Any] = {"v": fleet.view(model, asked()), "page": fleet.PAGE, "feed": model.feed, "now": NOW}
    shown |= {
        "feed_is_stale": False,
        "feed_age_s": 0.0,
        "judged_at": NOW,
        "is_silent": False,
        "menu": [],
        "principal": None,
        "csrf": "",
    }
    shown |= {"can_sign_out": False, "query": "", "here": "/"}
    whole = rendering.page("fleet.html", shown).html
    parts = rendering.parts("fleet.html", shown)
    assert set(parts) == {"live_banner", "live_summary", "live_incidents", "live_clusters", "live_links"}
    assert all(html in whole for html in parts.values())
    assert "<table" in parts["live_links"]


def test_a_browser_that_comes_back_is_sent_what_changed() -> None:
    parts = {"live_a": "one", "live_b": "two"}
    known = rendering.event_id(parts)
    assert rendering.changed(parts, known) == {}
    assert rendering.changed({**parts, "live_b": "three"}, known) == {"live_b": "three"}
    assert rendering.changed(parts, "live_a:nonsense,\r\nx") == parts
