"""The live view fits into a terminal and keeps what matters in it."""

from io import StringIO

import pytest
from msgspec.structs import replace
from rich.console import Console

from leadline.model.alert import Evidence, Subject
from leadline.model.ids import NodeName, link_id
from leadline_lab.view.fleet import FleetView
from leadline_lab.view.keys import QUIT, strokes
from leadline_lab.view.terminal import render
from leadline_lab.view.viewport import Viewport
from tests.unit.lab.view.test_fleet import AT, link, node
from tests.unit.sinks.log_made import transition
from tests.unit.sinks.made import cause, incident


def shown(fleet: FleetView, width: int) -> str:
    """The picture as text."""
    out = StringIO()
    Console(file=out, width=width).print(render(fleet, AT))
    return out.getvalue()


def seen(fleet: FleetView, width: int, height: int, viewport: Viewport | None = None) -> str:
    """The part of the picture that a terminal shows."""
    out = StringIO()
    Console(file=out, width=width, height=height).print((viewport or Viewport()).of(render(fleet, AT), height), end="")
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
    assert ["≤ 55 s" in row for row in lines] == [True, False]


def test_a_cluster_that_has_more_than_is_judged_has_a_banner() -> None:
    """A link beyond a limit has no row, and does not count as healthy, until it is judged again."""
    fleet = FleetView()
    beyond = Evidence(name="limit_reached", value="5000 nodes are watched, and these are not: pg-5000")
    about = incident(1, causes=[cause(code="limit_reached", evidence_for=[beyond])])
    fleet.take(about)
    assert "NOT JUDGED  orders: 5000 nodes are watched, and these are not: pg-5000" in shown(fleet, 140).splitlines()[1]
    fleet.take(replace(about, seq=2, state="resolved", resolved_at=AT))
    assert "NOT JUDGED" not in shown(fleet, 140)


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
    assert "DOWN: refused: is the server running there?" in text
    assert "SILENT: its agent does not report" in text


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


SUMMARY = "query pid 4711 on pg-2 (application reports, database app, 10.0.0.7) holds a snapshot that replay waits for"
FIX = "Cancel it: SELECT pg_cancel_backend(4711); then ALTER SYSTEM SET max_standby_streaming_delay = '30s'."


def broken() -> FleetView:
    """A pair of which the standby waits, and is blamed for it by two rules."""
    fleet = FleetView()
    fleet.take(node("pg-1", datacenter="", position="0/5000148", write_rate=2_500_000.0))
    fleet.take(node("pg-2", datacenter="", role="standby"))
    fleet.take(link(verdict="replay_stalled", lag_s=61.0, behind=1 << 30))
    for number, rule in enumerate(("replication_lag", "replication_stalled")):
        fleet.take(transition(1, alert_id=f"a_{number}", rule=rule, to="firing", summary=f"{rule} of pg-2"))
    fleet.take(incident(causes=[cause(summary=SUMMARY, fix=FIX, steps=[])]))
    return fleet


@pytest.mark.parametrize(("width", "height"), [(80, 24), (200, 50)])
def test_cause_and_fix_are_seen_first(width: int, height: int) -> None:
    """Above links and nodes, whole, without a key being pressed; no column is empty."""
    lines = seen(broken(), width, height).splitlines()
    text = " ".join(" ".join(line.strip("│ ").split()) for line in lines)
    assert len(lines) <= height
    assert SUMMARY in text
    assert FIX in text
    at = [next(number for number, line in enumerate(lines) if part in line) for part in ("fix", "→ pg-2", "standby ")]
    assert at == sorted(at)
    assert "STALLED" in text
    assert "datacenter" not in text


def test_keys_move_over_what_does_not_fit() -> None:
    """The last line says how much is hidden; the end shows the last line, the top the first."""
    viewport, fleet = Viewport(), broken()
    first = seen(fleet, 80, 10, viewport)
    assert "below" in first.splitlines()[-1]
    assert "leadline" in first.splitlines()[0]
    for stroke in strokes("\x1b[B\x1b[1;5Cx G"):
        viewport.press(stroke.meaning)
    last = seen(fleet, 80, 10, viewport)
    assert "replication_lag fires" in last.splitlines()[-2]
    assert "above" in last.splitlines()[-1]
    for key in ("page up", "up", "top"):
        viewport.press(key)
    assert seen(fleet, 80, 10, viewport) == first


def test_keys_are_those_that_people_know() -> None:
    """Arrow keys in both modes of a terminal; sequences of other keys are left out, Escape alone is one."""
    found = [stroke.meaning or stroke.text for stroke in strokes("q\x1b[A\x1bOB\x1b[5~\x1b[6~\x1b[1;5Dzg\x1b")]
    assert found == [QUIT, "up", "down", "page up", "page down", "z", "top", "escape"]


@pytest.mark.parametrize(("width", "height"), [(80, 24), (200, 50)])
def test_why_a_server_does_not_answer_is_shown_once(width: int, height: int) -> None:
    """With the cause, however many rows, alerts and entries of the timeline are about it."""
    why = "refused: Connection refused at 10.0.0.1:5432 (is the server running there?)"
    fleet = broken()
    fleet.take(node("pg-1", health="down", note=why))
    fleet.take(transition(1, alert_id="a_9", rule="node_down", to="firing", summary=f"primary pg-1 is down: {why}"))
    fleet.take(incident(seq=9, causes=[cause(summary=f"pg-1, the primary, is down: {why}", fix=FIX, steps=[])]))
    text = " ".join(" ".join(line.strip("│ ").split()) for line in seen(fleet, width, height).splitlines())
    assert text.count("is the server running there?") == 1
    assert text.index("cause") < text.index("is the server running there?") < text.index("DOWN: refused")


@pytest.mark.slow
def test_sixty_links_are_reached_by_keys() -> None:
    """At 80 columns and 24 lines each is on some page, the incident is on the first, and nothing is cut off."""
    fleet, viewport = broken(), Viewport()
    for number in range(3, 61):
        fleet.take(node(f"pg-{number}", role="standby"))
        fleet.take(link(f"pg-{number}", lag_s=float(number), behind=number << 20))
    pages = [seen(fleet, 80, 24, viewport)]
    assert SUMMARY[:40] in pages[0]
    while " below" in pages[-1].splitlines()[-1]:
        viewport.press("page down")
        pages.append(seen(fleet, 80, 24, viewport))
        assert len(pages) < 20
    assert all(len(page.splitlines()) == 24 for page in pages)
    text = "".join(pages)
    assert [number for number in range(2, 61) if f"pg-1 → pg-{number} " not in text] == []
    assert "…" not in text.replace(pages[-1].splitlines()[-1], "")
