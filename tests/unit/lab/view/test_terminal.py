"""The live view fits into a terminal and keeps what matters in it."""

from io import StringIO

import pytest
from rich.console import Console

from leadline.model.alert import Subject
from leadline.model.ids import NodeName, link_id
from leadline_lab.view.fleet import FleetView
from leadline_lab.view.terminal import render
from tests.unit.lab.view.test_fleet import AT, link, node
from tests.unit.sinks.log_made import transition


def shown(fleet: FleetView, width: int) -> str:
    """The picture as text."""
    out = StringIO()
    Console(file=out, width=width).print(render(fleet, AT))
    return out.getvalue()


@pytest.mark.parametrize("width", [80, 140])
def test_the_newest_lags_are_in_the_picture(width: int) -> None:
    """A narrow terminal loses the oldest part of the trend, never the newest."""
    fleet = FleetView()
    for second in range(60):
        fleet.take(link("10.0.0.12:5432", verdict="replay_paused", lag_s=float(second), behind=1 << 30))
        fleet.sample_lags(float(second))
    text = shown(fleet, width)
    assert "█" in text
    assert "…" not in text
    assert len(fleet.history(link_id("orders", "pg-1", "10.0.0.12:5432"))) == 59


def test_a_lag_that_is_a_bound_is_marked() -> None:
    """A number that is not exact does not look as if it were."""
    fleet = FleetView()
    fleet.take(link(lag_s=55.0, lag_is_bound=True, verdict="catching_up"))
    fleet.take(link("pg-3", lag_s=55.0, verdict="catching_up"))
    lines = [row for row in shown(fleet, 140).splitlines() if "→" in row]
    assert ["≤ 55.0 s" in row for row in lines] == [True, False]


def test_a_node_that_is_not_up_shows_why() -> None:
    """Down with the reason, or silent; positions of another unit have that unit."""
    fleet = FleetView()
    fleet.take(node("pg-1", write_rate=2_500_000.0, position="0/5000148"))
    fleet.take(node("pg-2", health="down", note="refused: is the server running there?"))
    fleet.take(node("pg-3", health="silent", note="its agent does not report"))
    fleet.take(node("db-4", write_rate=12.4, unit="transactions"))
    text = shown(fleet, 140)
    assert "2.5 MB/s" in text
    assert "12 transactions/s" in text
    assert "down: refused: is the server running there?" in text
    assert "silent: its agent does not report" in text


def test_a_blind_agent_has_a_banner() -> None:
    """The right that is missing is read before anything else."""
    fleet = FleetView()
    fleet.take(node("pg-1", blind="role x lacks pg_monitor; run GRANT pg_monitor TO x"))
    lines = shown(fleet, 140).splitlines()
    assert "BLIND  pg-1: role x lacks pg_monitor; run GRANT pg_monitor TO x" in lines[1]
    assert any("up, BLIND" in line for line in lines[2:])


def test_a_server_that_refuses_a_part_has_a_banner() -> None:
    """Only while the alert fires: a lock that is in the way for a moment is none, and what is over is gone."""
    about = Subject(kind="node", id="orders/pg-2", node=NodeName("pg-2"))
    summary = "rules are blind on pg-2: upstream refused to everybody"
    fleet = FleetView()
    fleet.take(node("pg-1"))
    fleet.take(node("pg-2"))
    seen = []
    for seq, state in enumerate(("pending", "firing", "resolved"), 1):
        fleet.take(transition(seq, alert_id="a_blind", rule="rule_blind", subject=about, to=state, summary=summary))
        lines = shown(fleet, 140).splitlines()
        seen.append((f" BLIND  {summary}" in lines[1], sum("up, BLIND" in line for line in lines)))
    assert seen == [(False, 0), (True, 1), (False, 0)]
