"""Status as text and as JSON lines, for ``leadline watch`` and ``leadline check``."""

import json

from msgspec.structs import replace

from leadline import lines, wire
from tests.unit.lab.view.test_fleet import link, node


def test_json_lines_of_nodes_keep_their_fields() -> None:
    """Programs read these names; times are as everywhere on the wire."""
    fields = json.loads(wire.encode(lines.node_fields(node("pg-1", position="0/5000148", write_rate=1.5))))
    assert fields == {
        "cluster": "orders",
        "name": "pg-1",
        "role": "primary",
        "version": "18.6",
        "datacenter": "fra1",
        "up": True,
        "health": "up",
        "since": "2026-04-10T10:00:00.000Z",
        "position": "0/5000148",
        "write_rate": 1.5,
        "unit": "bytes",
        "note": None,
        "blind": None,
    }


def test_json_lines_of_links_keep_their_fields() -> None:
    """``lag_bytes`` is null where positions are not bytes; ``behind`` has the number in ``unit``."""
    fields = json.loads(wire.encode(lines.link_fields(link(lag_s=1.25, behind=9), (0.0, 1.25))))
    assert fields == {
        "cluster": "orders",
        "id": "orders/pg-1->pg-2",
        "upstream": "pg-1",
        "downstream": "pg-2",
        "link_kind": "physical",
        "name": "",
        "verdict": "healthy",
        "since": "2026-04-10T10:00:00.000Z",
        "connected": True,
        "lag_s": 1.25,
        "lag_is_bound": False,
        "lag_at_least_s": None,
        "lag_bytes": 9,
        "behind": 9,
        "unit": "bytes",
        "history": [0.0, 1.25],
    }
    counted = lines.link_fields(link(behind=9, unit="transactions"))
    assert (counted["lag_bytes"], counted["behind"], counted["unit"]) == (None, 9, "transactions")


def test_lines_for_people() -> None:
    """Ends, verdict and lag; a node that is down has a reason, even where none is known."""
    assert lines.link(link(name="sub", lag_s=61.0, lag_is_bound=True, behind=2048)) == (
        "10:00:00  orders  pg-1 -> pg-2 (sub)  physical  healthy  ≤ 1 min 1 s behind, 2.0 kB"
    )
    unknown = link(lag_s=None, lag_is_bound=True, behind=None)
    assert lines.link(unknown).endswith("healthy  ? behind, -")
    assert lines.link(replace(unknown, lag_at_least_s=12.0)).endswith("healthy  ≥ 12 s behind, -")
    assert lines.node(node("pg-1")) == "10:00:00  orders  pg-1  primary 18.6 in fra1  up"
    assert lines.node(node("pg-1", health="down")).endswith("down: no reason given")


def test_why_a_server_cannot_be_read_is_whole_once() -> None:
    """After that it is its reason; the same remedy of another server is left out; a missing right has no remedy."""
    remedy = "(is the server running (there)?)"
    rows = [
        node("pg-1", health="down", note=f"refused: Connection refused at pg-1:5432 {remedy}"),
        node("pg-2", health="down", note=f"refused: Connection refused at pg-2:5432 {remedy}"),
        node("pg-3", blind="role x lacks pg_monitor; run GRANT pg_monitor TO x"),
    ]
    once = lines.Once(rows)
    assert [once(f"DOWN: {row.note}; and more") for row in rows[:2]] == [
        f"DOWN: refused: Connection refused at pg-1:5432 {remedy}; and more",
        "DOWN: refused: Connection refused at pg-2:5432; and more",
    ]
    assert once(f"pg-2 is down: {rows[1].note}, since 2 s") == "pg-2 is down: refused, since 2 s"
    assert once(f"BLIND: {rows[2].blind}") == f"BLIND: {rows[2].blind}"
    assert once(f"BLIND: {rows[2].blind}") == "BLIND: role x lacks pg_monitor"
    assert once("unchanged") == "unchanged"
