"""Keys choose the order of links, a filter, and a link that is looked at closely."""

from io import StringIO

import pytest
from rich.console import Console

from leadline_lab.view.browse import MOST, Browse
from leadline_lab.view.fleet import FleetView
from leadline_lab.view.keys import strokes
from leadline_lab.view.terminal import render
from tests.unit.lab.view.test_fleet import AT, link, node
from tests.unit.sinks.log_made import transition
from tests.unit.sinks.made import HOSTILE, incident


def pressed(browse: Browse, keys: str) -> None:
    for stroke in strokes(keys):
        browse.press(stroke)


def three() -> FleetView:
    """Three links, of which the one in the middle is the worst and the last one the latest."""
    fleet = FleetView()
    fleet.take(node("pg-1"))
    for name, verdict, lag_s in (("pg-2", "healthy", 0.1), ("pg-3", "broken", None), ("pg-4", "catching_up", 40.0)):
        fleet.take(node(name, role="standby"))
        fleet.take(link(name, verdict=verdict, lag_s=lag_s))
    return fleet


def shown(fleet: FleetView, browse: Browse, width: int = 80) -> str:
    out = StringIO()
    Console(file=out, width=width).print(render(fleet, AT, "", browse))
    return out.getvalue()


def order(fleet: FleetView, browse: Browse) -> list[str]:
    return [line.split("→")[1].split()[0] for line in shown(fleet, browse).splitlines() if "→" in line]


def test_s_sorts_the_links_by_three_orders_in_turn() -> None:
    """The order is in the heading where it is not the usual one."""
    fleet, browse, seen = three(), Browse(), []
    for _ in range(4):
        seen.append(order(fleet, browse))
        pressed(browse, "s")
    assert seen == [
        ["pg-2", "pg-3", "pg-4"],
        ["pg-3", "pg-4", "pg-2"],
        ["pg-4", "pg-2", "pg-3"],
        ["pg-2", "pg-3", "pg-4"],
    ]
    assert "links worst first" in shown(fleet, browse)


def test_a_filter_hides_rows_and_no_incident() -> None:
    """Letters that are keys elsewhere are text while it is typed. Enter keeps it, and Escape drops it."""
    fleet, browse = three(), Browse()
    fleet.take(incident())
    fleet.take(transition(1, alert_id="a_1", rule="replication_lag", to="firing", summary="pg-2 is 40 s behind"))
    pressed(browse, "/PG-q\x7f3")
    assert "only with: PG-3_" in shown(fleet, browse)
    assert order(fleet, browse) == ["pg-3"]
    pressed(browse, "\r")
    text = shown(fleet, browse)
    assert "replay on pg-2 is blocked by a query" in text
    assert "pg-4" not in text
    assert "pg-2 is 40 s behind" not in text
    pressed(browse, "\x1b")
    assert order(fleet, browse) == ["pg-2", "pg-3", "pg-4"]


def test_a_link_is_looked_at_closely() -> None:
    """n chooses, Enter opens and Escape closes; what the topics say of the link, its ends and its alerts is there."""
    fleet, browse = three(), Browse()
    fleet.take(incident())
    assert "▸" not in shown(fleet, browse)
    pressed(browse, "n")
    assert "▸ pg-1 → pg-2" in shown(fleet, browse)
    pressed(browse, "n\r")
    text = shown(fleet, browse)
    assert text.splitlines()[0].strip() == "pg-1 → pg-3"
    assert "BROKEN for" in text
    pressed(browse, "pp")
    assert shown(fleet, browse).splitlines()[0].strip() == "pg-1 → pg-4"
    pressed(browse, "\x1b")
    assert order(fleet, browse) == ["pg-2", "pg-3", "pg-4"]
    fleet.forget(browse.chosen)
    pressed(browse, "\r")
    assert order(fleet, browse) == ["pg-2", "pg-3"], "a link that is gone is not looked at"


def test_the_help_lists_the_keys_and_fits_the_smallest_terminal() -> None:
    browse = Browse()
    pressed(browse, "?")
    lines = shown(three(), browse).splitlines()
    assert max(map(len, lines)) <= 80
    assert len(lines) <= 24
    assert all(any(key in line for line in lines) for key in ("arrow keys", "s ", "/ ", "n, p", "Enter", "q "))
    pressed(browse, "\x1b")
    assert order(three(), browse)


@pytest.mark.parametrize("text", HOSTILE)
def test_any_text_may_be_typed_and_any_name_looked_at(text: str) -> None:
    fleet, browse = FleetView(), Browse()
    fleet.take(link(text or "pg-2", verdict="broken"))
    pressed(browse, "n\r")
    assert "\x1b" not in shown(fleet, browse)
    pressed(browse, "\x1b/" + text)
    assert len(browse.filter) <= MOST
    assert "\x1b" not in shown(fleet, browse)
